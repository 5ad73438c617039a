/* The stability picture: for each model a lane with chance, step 0, every pair, mean and interval.
 */
#include "report/chart.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char primary[] = "matched_cosine";
static const char *const nulls[3] = {"null_random", "null_gaussian", "null_tokens"};
static const char *const centrings[2] = {"raw", "centred"};

const char *measure_words(const char *measure)
{
  static const char *const words[][2] = {
      {"matched_cosine", "mean cosine of atoms matched one to one"},
      {"max_cosine", "mean cosine with the nearest atom of the other run"},
      {"matched_share", "share of matched pairs whose cosine is .7 or more"},
  };
  for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
    if (!strcmp(measure, words[i][0])) return words[i][1];
  return measure;
}

PetscErrorCode TabulateStability(const Report *report, bool first, Table **data)
{
  const Table *from = report->stability;

  PetscFunctionBegin;
  PetscCall(
      TableCreate("model,measure,centring,runs,value,low,high,initial,null_random,null_gaussian,"
                  "null_tokens,anchors,dead,note",
                  data));
  for (int64_t i = 0; i < from->rows; i++) {
    if (!strcmp(table_cell(from, i, "measure"), primary) != first) continue;
    PetscCall(TableAddRow(*data));
    for (int c = 0; c < (*data)->columns; c++)
      table_text(*data, (*data)->names[c], table_cell(from, i, (*data)->names[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t find_row(const Table *data, const char *model, const char *measure,
                        const char *centring)
{
  for (int64_t i = 0; i < data->rows; i++)
    if (!strcmp(table_cell(data, i, "model"), model) &&
        !strcmp(table_cell(data, i, "measure"), measure) &&
        !strcmp(table_cell(data, i, "centring"), centring))
      return i;
  return -1;
}

/* The lane between y - 15 and y + 15: what chance reaches, and the three nulls. */
static void draw_chance(Svg *svg, const Scale *scale, double y, const Table *data, int64_t row)
{
  double reach = NAN;
  for (int i = 0; i < 3; i++) reach = fmax(reach, table_real(data, row, nulls[i]));
  if (isfinite(reach))
    svg_rect(svg, scale->from, y - 15, scale_at(scale, reach) - scale->from, 30, 0,
             (Look){.fill = INK_BAND});
  for (int i = 0; i < 3; i++) {
    const double null = table_real(data, row, nulls[i]);
    if (!isfinite(null)) continue;
    const double x = scale_at(scale, null);
    svg_line(svg, x, y - 15, x, y + 15, chance_look((Key)(KEY_RANDOM + i)));
  }
}

enum { MOST_PAIRS = 500 }; /* ticks in a lane */

static void draw_pairs(Svg *svg, const Scale *scale, double y, const Report *report, Span span,
                       const Table *data, int64_t row)
{
  const Table *pairs = report->pairs;
  double x[MOST_PAIRS];
  int64_t count = 0;
  for (int64_t i = span.first; i < span.end && count < MOST_PAIRS; i++)
    if (!strcmp(table_cell(pairs, i, "stage"), "end") &&
        !strcmp(table_cell(pairs, i, "centring"), table_cell(data, row, "centring")) &&
        !strcmp(table_cell(pairs, i, "measure"), table_cell(data, row, "measure")) &&
        !strcmp(table_cell(pairs, i, "model"), table_cell(data, row, "model")))
      x[count++] = scale_at(scale, table_real(pairs, i, "value"));
  if (count)
    svg_ticks(svg, count, x, y, 8, (Look){.line = INK_MODEL, .width = 1.2, .opacity = 0.6});
}

/* Everything about one row as a sentence, for the tooltip. */
static void describe(Text *to, const Table *data, int64_t row)
{
  static const char *const part[][2] = {
      {"initial", "at step 0 "},
      {"null_random", "random directions "},
      {"null_gaussian", "Gaussian "},
      {"null_tokens", "random tokens "},
  };
  text_add(to, "%s, %s: ", table_cell(data, row, "model"), table_cell(data, row, "centring"));
  text_fixed(to, table_real(data, row, "value"), 3);
  if (*table_cell(data, row, "low")) {
    text_add(to, " ("), text_fixed(to, table_real(data, row, "low"), 3);
    text_add(to, " to "), text_fixed(to, table_real(data, row, "high"), 3);
    text_add(to, ")");
  }
  for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
    text_add(to, ", %s", part[i][1]);
    text_fixed(to, table_real(data, row, part[i][0]), 3);
  }
}

static void draw_lane(Svg *svg, const Scale *scale, double y, const Report *report,
                      const Table *data, int64_t row, Span span)
{
  const double value = table_real(data, row, "value"), low = table_real(data, row, "low"),
               high = table_real(data, row, "high"), start = table_real(data, row, "initial");
  const bool near = fabs(scale_at(scale, start) - scale_at(scale, value)) < 11;
  Text words = {0};
  describe(&words, data, row);
  svg_begin(svg, words.s);
  text_clear(&words);
  draw_chance(svg, scale, y, data, row);
  svg_line(svg, scale->from, y, scale->to, y, (Look){.line = INK_GRID});
  if (isfinite(start) && isfinite(value))
    svg_line(svg, scale_at(scale, start), y, scale_at(scale, value), y,
             (Look){.line = INK_QUIET, .width = 1.2});
  draw_pairs(svg, scale, y, report, span, data, row);
  if (isfinite(low) && isfinite(high)) {
    const double a = scale_at(scale, low), b = scale_at(scale, high);
    svg_rect(svg, a - 1, y - 4.5, b - a + 2, 9, 4.5, (Look){.fill = INK_MODEL, .opacity = 0.4});
  }
  if (isfinite(start) && !near)
    svg_circle(svg, scale_at(scale, start), y, 4.5,
               (Look){.fill = INK_PAPER, .line = INK_START, .width = 1.7});
  if (isfinite(value))
    svg_circle(svg, scale_at(scale, value), y, 5.4,
               (Look){.fill = INK_MODEL, .line = INK_PAPER, .width = 1.2});
  if (isfinite(start) && near) /* else the dot would hide it */
    svg_circle(svg, scale_at(scale, start), y, 8.8, (Look){.line = INK_START, .width = 1.7});
  svg_end(svg);
}

/* The value beside its lane, and half of its interval: below it, or before it on narrow pages. */
static void draw_value(Svg *svg, double x, double y, const Table *data, int64_t row)
{
  const bool wide = svg_wide(svg);
  const double half = (table_real(data, row, "high") - table_real(data, row, "low")) / 2;
  Text value = {0}, around = {0};
  text_fixed(&value, table_real(data, row, "value"), 2);
  text_add(&around, "\xc2\xb1 "), text_fixed(&around, half, 3);
  svg_words(svg, x, y,
            (Type){.size = 14, .bold = true, .anchor = wide ? 's' : 'e', .ink = INK_MODEL},
            value.s);
  if (isfinite(half))
    svg_words(svg, wide ? x : x - 38, wide ? y + 13 : y,
              (Type){.size = 10.5, .ink = INK_QUIET, .anchor = wide ? 's' : 'e'}, around.s);
  text_clear(&value), text_clear(&around);
}

/* Name, number of runs, dead atoms and note of a model; gives the number of lines. */
static void draw_label(Svg *svg, double x, double y, double room, const Table *data, int64_t row)
{
  const char *note = table_cell(data, row, "note");
  const double dead = table_real(data, row, "dead");
  Text words = {0};
  svg_words(svg, x, y, (Type){.size = 13.5, .bold = true, .room = room},
            table_cell(data, row, "model"));
  text_add(&words, "%s runs", table_cell(data, row, "runs"));
  if (isfinite(dead)) {
    text_add(&words, dead > 0 ? ", " : ", no dead atoms");
    if (dead > 0) text_short(&words, round(dead * 10) / 10), text_add(&words, " dead left out");
  }
  svg_words(svg, x, y + 14, (Type){.size = 11, .ink = INK_QUIET, .room = room}, words.s);
  if (*note)
    svg_words(svg, x, y + 28, (Type){.size = 11, .ink = INK_CHANCE, .italic = true, .room = room},
              note);
  text_clear(&words);
}

static Scale measure_scale(const Table *data, const char *measure, double from, double to)
{
  double low = 0, high = 1;
  for (int64_t i = 0; i < data->rows; i++) {
    if (strcmp(table_cell(data, i, "measure"), measure)) continue;
    static const char *const columns[] = {"value", "initial", "null_random", "null_gaussian",
                                          "null_tokens"};
    for (int c = 0; c < 5; c++) {
      const double x = table_real(data, i, columns[c]);
      if (isfinite(x)) low = fmin(low, x), high = fmax(high, x);
    }
  }
  return scale_around(low, high, false, from, to);
}

static bool any_note(const Table *data)
{
  for (int64_t i = 0; i < data->rows; i++)
    if (*table_cell(data, i, "note")) return true;
  return false;
}

/* What one block draws. */
typedef struct {
  const Report *report;
  const Table *data;
  const char *measure;
  Span *pairs; /* [models] rows of report->pairs */
} Block;

/* One lane of a model, its label and its value; y is the top of its row of that height. */
static void draw_row(Svg *svg, const Block *block, const Scale *scale, int64_t model, int64_t row,
                     bool labels, double y, double height)
{
  const bool wide = svg_wide(svg);
  const double left = scale->from, right = scale->to,
               lane = wide ? y + height / 2 : y + height - 20;
  if (wide && labels) draw_label(svg, 0, lane - 9, left - 26, block->data, row);
  if (!wide && labels) draw_label(svg, left, y + 14, right - left - 50, block->data, row);
  if (!wide && !labels)
    svg_words(svg, left, y + 16, (Type){.size = 13.5, .bold = true, .room = right - left - 50},
              table_cell(block->data, row, "model"));
  draw_lane(svg, scale, lane, block->report, block->data, row, block->pairs[model]);
  draw_value(svg, wide ? right + 10 : right, wide ? lane + 1 : y + 16, block->data, row);
}

/* One panel: title, lanes of all models that have a row, axis. Gives the y below. */
static double draw_panel(Svg *svg, const Block *block, int which, bool labels, double left,
                         double right, double y)
{
  const Table *data = block->data, *models = block->report->models;
  const double height = svg_wide(svg) ? 54 : !labels ? 58 : any_note(data) ? 90 : 76;
  const Scale scale = measure_scale(data, block->measure, left, right);
  int64_t lanes = 0;
  svg_words(svg, left, y + 14, (Type){.size = 13, .bold = true, .room = right - left},
            which ? "centred atoms (minus the mean atom)" : "raw atoms");
  y += 24;
  for (int64_t i = 0; i < models->rows; i++)
    lanes += find_row(data, table_cell(models, i, "model"), block->measure, centrings[which]) >= 0;
  draw_axis_x(svg, &scale, y, y + height * (double)lanes + 4, 5, NULL);
  for (int64_t i = 0; i < models->rows; i++) {
    const int64_t row =
        find_row(data, table_cell(models, i, "model"), block->measure, centrings[which]);
    if (row < 0) continue;
    draw_row(svg, block, &scale, i, row, labels, y, height);
    y += height;
  }
  return y + 30;
}

PetscErrorCode DrawStability(const Report *report, const Table *data, const char *measure, Svg *svg,
                             double *y)
{
  Block block = {report, data, measure, NULL};

  PetscFunctionBegin;
  PetscCall(ModelSpans(report, report->pairs, &block.pairs));
  svg_words(svg, 0, *y + 14, (Type){.size = 13, .room = svg->width, .ink = INK_QUIET},
            measure_words(measure));
  *y += 26;
  if (svg_wide(svg)) {
    const double label = 196, gutter = 64, width = (svg->width - label - 2 * gutter) / 2;
    draw_panel(svg, &block, 0, true, label, label + width, *y);
    *y = draw_panel(svg, &block, 1, false, label + width + gutter, label + 2 * width + gutter, *y);
  } else {
    for (int which = 0; which < 2; which++)
      *y = draw_panel(svg, &block, which, !which, 6, svg->width - 6, *y) + 10;
  }
  free(block.pairs);
  PetscFunctionReturn(PETSC_SUCCESS);
}
