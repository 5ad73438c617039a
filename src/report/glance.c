/* The answer in one sentence and one table. */
#include "report/chart.h"
#include "report/html.h"
#include "report/pages.h"
#include <math.h>
#include <string.h>

static int64_t stability_row(const Report *report, const char *model, const char *centring)
{
  return measure_row(report->stability, model, primary_measure, centring);
}

typedef enum { BEYOND_YES, BEYOND_UNCLEAR, BEYOND_NO, BEYOND_UNKNOWN } Beyond;

/* Does the interval lie above both, chance and step 0? Without an interval nothing is said. */
static Beyond beyond(const Table *from, int64_t row)
{
  const double floor = fmax(highest_null(from, row), table_real(from, row, "initial")),
               low = table_real(from, row, "low"), high = table_real(from, row, "high");
  if (!isfinite(low) || !isfinite(high) || !isfinite(floor)) return BEYOND_UNKNOWN;
  return low > floor ? BEYOND_YES : high < floor ? BEYOND_NO : BEYOND_UNCLEAR;
}

void put_lead(Text *page, const Report *report)
{
  int64_t planned = 0, done = 0, beyond_raw = 0, beyond_centred = 0, compared = 0;
  for (int64_t i = 0; i < report->models->rows; i++) {
    const char *model = table_cell(report->models, i, "model");
    const int64_t raw = stability_row(report, model, "raw"),
                  centred = stability_row(report, model, "centred");
    planned += (int64_t)table_real(report->models, i, "runs");
    done += (int64_t)table_real(report->models, i, "done");
    compared += raw >= 0 && beyond(report->stability, raw) != BEYOND_UNKNOWN;
    beyond_raw += raw >= 0 && beyond(report->stability, raw) == BEYOND_YES;
    beyond_centred += centred >= 0 && beyond(report->stability, centred) == BEYOND_YES;
  }
  text_add(page, "<p class=\"lead\">%lld of %lld planned run%s of %lld model%s finished. ",
           (long long)done, (long long)planned, planned == 1 ? "" : "s",
           (long long)report->models->rows, report->models->rows == 1 ? "" : "s");
  if (compared)
    text_add(page,
             "Of the %lld model%s with an interval, %lld agree%s across seeds more than chance and "
             "more than "
             "before training; with the mean atom taken away, %lld do%s.",
             (long long)compared, compared == 1 ? "" : "s", (long long)beyond_raw,
             beyond_raw == 1 ? "s" : "", (long long)beyond_centred,
             beyond_centred == 1 ? "es" : "");
  else
    text_add(page, "No model has the three finished runs that an interval of its stability needs.");
  text_add(page, "</p>\n");
}

static void put_number(Text *page, double value, int decimals)
{
  text_add(page, "<td class=\"n\">"), text_fixed(page, value, decimals), text_add(page, "</td>");
}

/* Value over interval, step 0, highest chance, verdict. */
static void put_stability(Text *page, const Report *report, const char *model, const char *centring)
{
  static const char *const words[] = {"<td class=\"yes\">yes</td>", "<td>unclear</td>",
                                      "<td class=\"no\">no</td>",
                                      "<td class=\"no\">\xe2\x80\x93</td>"};
  const Table *from = report->stability;
  const int64_t row = stability_row(report, model, centring);
  text_add(page, "<td class=\"n first\"><strong>"),
      text_fixed(page, table_real(from, row, "value"), 3);
  text_add(page, "</strong>");
  if (isfinite(table_real(from, row, "low"))) {
    const double half = (table_real(from, row, "high") - table_real(from, row, "low")) / 2;
    text_add(page, "<br/><small>\xc2\xb1 "), text_fixed(page, half, 3);
    text_add(page, "</small>");
  }
  text_add(page, "</td>");
  put_number(page, table_real(from, row, "initial"), 3);
  put_number(page, highest_null(from, row), 3);
  text_append(page, words[beyond(from, row)], strlen(words[beyond(from, row)]));
}

static void put_row(Text *page, const Report *report, int64_t index)
{
  const char *model = table_cell(report->models, index, "model");
  const double dead = group_mean(report, model, "dead", "train");
  Text note = {0};
  row_warnings(report, report->stability, stability_row(report, model, "raw"), &note);
  text_add(page, "<tr><th scope=\"row\">"), html_cell(page, model, false);
  if (note.length)
    text_add(page, "<br/><small>"), text_safe(page, note.s), text_add(page, "</small>");
  text_clear(&note);
  text_add(page, "</th><td class=\"n\">%s of %s</td>", table_cell(report->models, index, "done"),
           table_cell(report->models, index, "runs"));
  put_stability(page, report, model, "raw");
  put_stability(page, report, model, "centred");
  text_add(page, "<td class=\"n first\">");
  text_fixed(page, group_mean(report, model, "r2", "held_out"), 3), text_add(page, "</td>");
  put_number(page, group_mean(report, model, "l0", "held_out"), 1);
  text_add(page, "<td class=\"n\">"), text_fixed(page, 100 * dead, 1);
  text_add(page, isfinite(dead) ? "\xc2\xa0%%</td></tr>\n" : "</td></tr>\n");
}

void put_glance(Text *page, const Report *report)
{
  static const char four[] =
      "<th scope=\"col\" class=\"n first\">value<br/><small>\xc2\xb1 95&#160;%</small></th>"
      "<th scope=\"col\" class=\"n\">step&#160;0</th><th scope=\"col\" class=\"n\">chance</th>"
      "<th scope=\"col\">beyond<br/>both</th>";
  static const char after[] = "<p class=\"words\">Stability is the expected mean cosine of matched "
                              "atoms over two independent "
                              "draws of every seed that varies, given the tokens, the split, the "
                              "settings and whatever the runs share. "
                              "Chance is the highest of random directions, Gaussian directions, "
                              "random tokens and, where it was asked for, the same model trained "
                              "on Gaussian tokens. \xe2\x80\x9c"
                              "Beyond both\xe2\x80\x9d asks whether the whole 95&#160;% interval "
                              "lies above chance and above "
                              "the same models before training; two runs give no interval, and "
                              "three a weak one.</p>\n<p class=\"files\">For a paper: "
                              "<a href=\"glance.tex\">glance.tex</a>, "
                              "<a href=\"glance.csv\">glance.csv</a></p>\n</section>\n";
  text_add(page,
           "<section id=\"glance\">\n<h2>In numbers</h2>\n<div class=\"frame\" tabindex=\"0\" "
           "role=\"group\" aria-label=\"Stability, fidelity and sparsity by model\">"
           "<table class=\"glance\"><caption>Stability, fidelity and sparsity by model</caption>\n"
           "<thead>\n<tr><th scope=\"colgroup\" colspan=\"2\"></th>"
           "<th scope=\"colgroup\" colspan=\"4\" class=\"first\">Stability, raw atoms</th>"
           "<th scope=\"colgroup\" colspan=\"4\" class=\"first\">Stability, centred atoms</th>"
           "<th scope=\"colgroup\" colspan=\"3\" class=\"first\">Mean over runs</th></tr>\n"
           "<tr><th scope=\"col\">Model</th><th scope=\"col\" class=\"n\">Runs</th>");
  text_append(page, four, sizeof(four) - 1);
  text_append(page, four, sizeof(four) - 1);
  text_add(page,
           "<th scope=\"col\" class=\"n first\">r\xc2\xb2</th><th scope=\"col\" class=\"n\">l0</th>"
           "<th scope=\"col\" class=\"n\">dead</th></tr>\n</thead>\n<tbody>\n");
  for (int64_t i = 0; i < report->models->rows; i++) put_row(page, report, i);
  text_add(page, "</tbody></table></div>\n");
  text_append(page, after, sizeof(after) - 1);
}

PetscErrorCode GlanceTabulate(const Report *report, Table **table)
{
  static const char *const cells[] = {"value", "low", "high", "initial"};
  const Table *from = report->stability;

  PetscFunctionBegin;
  PetscCall(TableCreate("model,runs,planned,centring,value,low,high,initial,chance,beyond,r2,l0,"
                        "dead,note",
                        table));
  for (int64_t m = 0; m < report->models->rows; m++) {
    const char *model = table_cell(report->models, m, "model");
    for (int c = 0; shown_centrings[c]; c++) {
      static const char *const words[] = {"yes", "unclear", "no", ""};
      const int64_t row = stability_row(report, model, shown_centrings[c]);
      Text note = {0};
      if (row < 0) continue;
      PetscCall(TableAddRow(*table));
      table_text(*table, "model", model), table_text(*table, "centring", shown_centrings[c]);
      table_text(*table, "runs", table_cell(report->models, m, "done"));
      table_text(*table, "planned", table_cell(report->models, m, "runs"));
      for (int i = 0; i < 4; i++) table_text(*table, cells[i], table_cell(from, row, cells[i]));
      table_number(*table, "chance", highest_null(from, row));
      table_text(*table, "beyond", words[beyond(from, row)]);
      table_number(*table, "r2", group_mean(report, model, "r2", "held_out"));
      table_number(*table, "l0", group_mean(report, model, "l0", "held_out"));
      table_number(*table, "dead", group_mean(report, model, "dead", "train"));
      row_warnings(report, from, row, &note);
      table_text(*table, "note", note.length ? note.s : "");
      text_clear(&note);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
