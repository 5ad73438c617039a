/* Which seed moves the atoms: a row for each share. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TableCopy(report->purposes, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows that are drawn: of the primary measure, the core and the shares. */
static bool is_drawn(const Table *data, int64_t row)
{
  const char *term = table_cell(data, row, "term"), *centring = table_cell(data, row, "centring");
  return !strcmp(table_cell(data, row, "measure"), primary_measure) &&
         !strcmp(centring, primary_centring) &&
         (!strcmp(term, "core") || !strncmp(term, "share(", 6));
}

static void term_words(const char *term, Text *to)
{
  const size_t length = strlen(term);
  if (!strcmp(term, "core"))
    text_add(to, "common to all seeds");
  else if (length > 7 && term[length - 1] == ')')
    text_add(to, "moved by the %.*s seed", (int)(length - 7), term + 6);
  else
    text_add(to, "%s", term);
}

/* The same of centred atoms; -1: not there, or not wanted, since the tokens were centred. */
static int64_t centred_row(const Report *report, const Table *data, int64_t row)
{
  const char *model = table_cell(data, row, "model");
  if (tokens_centred(report, model)) return -1;
  for (int64_t i = 0; i < data->rows; i++)
    if (!strcmp(table_cell(data, i, "model"), model) &&
        !strcmp(table_cell(data, i, "measure"), primary_measure) &&
        !strcmp(table_cell(data, i, "centring"), "centred") &&
        !strcmp(table_cell(data, i, "term"), table_cell(data, row, "term")))
      return i;
  return -1;
}

static void draw_term(Svg *svg, const Table *data, int64_t row, int64_t centred, const Scale *scale,
                      double y)
{
  const double value = table_real(data, row, "value"), low = table_real(data, row, "low"),
               high = table_real(data, row, "high"), zero = scale_at(scale, 0),
               x = scale_at(scale, value);
  const bool wide = svg_wide(svg), core = !strcmp(table_cell(data, row, "term"), "core");
  Text words = {0}, number = {0};
  term_words(table_cell(data, row, "term"), &words);
  text_fixed(&number, value, 3);
  if (isfinite(low) && isfinite(high))
    text_add(&number, " \xc2\xb1 "), text_fixed(&number, (high - low) / 2, 3);
  svg_words(svg, wide ? scale->from - 12 : 6, wide ? y + 4 : y - 12,
            (Type){.size = 12, .anchor = wide ? 'e' : 's', .room = 190}, words.s);
  if (isfinite(value))
    svg_rect(svg, fmin(zero, x), y - 6, fabs(x - zero), 12, 0,
             (Look){.fill = core ? INK_QUIET : INK_MODEL, .opacity = 0.75});
  if (isfinite(low) && isfinite(high)) {
    svg_line(svg, scale_at(scale, low), y, scale_at(scale, high), y,
             (Look){.line = INK_WORDS, .width = 1.6});
    const double ends[] = {scale_at(scale, low), scale_at(scale, high)};
    svg_ticks(svg, 2, ends, y, 4, (Look){.line = INK_WORDS, .width = 1.6});
  }
  if (centred >= 0)
    svg_mark(svg, 1, scale_at(scale, table_real(data, centred, "value")), y, 4,
             (Look){.fill = INK_PAPER, .line = INK_MODEL, .width = 1.5});
  svg_words(svg, wide ? scale->to + 14 : svg->width - 6, wide ? y + 4 : y - 12,
            (Type){.size = 12, .anchor = wide ? 's' : 'e', .ink = INK_QUIET}, number.s);
  text_clear(&words), text_clear(&number);
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  const bool wide = svg_wide(svg);
  double low = 0, high = 0.1, y = 6;
  Span *span;

  PetscFunctionBegin;
  for (int64_t i = 0; i < data->rows; i++)
    for (int c = 0; c < 3 && is_drawn(data, i); c++) {
      const double x = table_real(data, i, c ? c == 1 ? "low" : "high" : "value");
      if (isfinite(x)) low = fmin(low, x), high = fmax(high, x);
    }
  const Scale scale = scale_around(low, high, false, wide ? 210 : 6, svg->width - (wide ? 120 : 6));
  PetscCall(ModelSpans(report, data, &span));
  for (int64_t m = 0; m < report->models->rows; m++) {
    bool first = true;
    const double top = y + 26;
    double at = top;
    for (int64_t i = span[m].first; i < span[m].end; i++)
      if (is_drawn(data, i) && model_index(report, table_cell(data, i, "model")) == m)
        at += wide ? 22 : 38;
    if (at == top) continue;
    draw_axis_x(svg, &scale, top, at, wide ? 10 : 6, NULL);
    for (int64_t i = span[m].first, n = 0; i < span[m].end; i++) {
      if (!is_drawn(data, i) || model_index(report, table_cell(data, i, "model")) != m) continue;
      if (first) {
        svg_words(svg, wide ? 0 : 6, y + 16,
                  (Type){.size = 13.5, .bold = true, .room = svg->width - 120},
                  table_cell(data, i, "model"));
        svg_print(
            svg, svg->width - 6, y + 16, (Type){.size = 11, .ink = INK_QUIET, .anchor = 'e'},
            "%s atoms, %s blocks%s", primary_centring, table_cell(data, i, "blocks"),
            centred_row(report, data, i) < 0 ? "" : "; tokens not centred, squares: centred atoms");
      }
      first = false;
      draw_term(svg, data, i, centred_row(report, data, i), &scale,
                wide ? top + 11 + 22 * (double)n : top + 27 + 38 * (double)n);
      n++;
    }
    y = at + 34;
  }
  svg->height = y;
  free(span);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_purposes = {
    .entry = {"purposes", "shares of the seeds"},
    .place = 10,
    .heading = "Which seed moves the atoms?",
    .words =
        "With M(s) the mean cosine of matched atoms of two runs that share exactly the seeds s, "
        "the core M(\xe2\x88\x85) is what survives a change of every seed. The rest, 1 "
        "\xe2\x88\x92 "
        "M(\xe2\x88\x85), is shared out to the seeds: V(u) = \xce\xa3 over s in u of "
        "(\xe2\x88\x92"
        "1)^(|u|\xe2\x88\x92|s|) M(s), and a seed gets V(u)/|u| of every u that "
        "holds it. The shares and the core add up to 1. "
        "Unrelated dictionaries have a core, too: it is what chance gives in the picture of "
        "stability. "
        "A share below 0 is noise, or seeds that undo each other; it is shown as it is. The "
        "interval is over independent blocks of runs (t with one less than their number).",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "The runs are not in blocks: `seeds: {combine: blocks}` makes them.",
};
