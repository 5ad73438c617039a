/* Heat maps of all pairs of runs: above the diagonal at the end, below it at step 0. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 64, MOST_CELLS = 12000 };

static const char *const centrings[2] = {"raw", "centred"};

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  const Table *from = report->pairs;

  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TableCreate("model,run_a,run_b,measure,centring,stage,value,atoms_a,atoms_b", data));
  for (int64_t i = 0; i < from->rows; i++) {
    if (strcmp(table_cell(from, i, "measure"), "matched_cosine")) continue;
    PetscCall(TableAddRow(*data));
    for (int c = 0; c < (*data)->columns; c++)
      table_text(*data, (*data)->names[c], table_cell(from, i, (*data)->names[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Ink scale_ink(double value)
{
  const int step = isfinite(value) ? (int)floor(value * 20 + 0.5) : 0;
  return (Ink)(INK_SCALE + (step < 0 ? 0 : step > 20 ? 20 : step));
}

static Ink words_ink(double value)
{
  return scale_ink(value) >= INK_SCALE + 14 ? INK_OVER : INK_WORDS;
}

/* The runs of a model, in plan order, that occur in a pair. */
static int list_runs(const Report *report, const Table *data, Span span, const char *model,
                     const char **run)
{
  int count = 0;
  for (int64_t i = 0; i < report->plan->rows && count < MOST_RUNS && span.end; i++) {
    const char *id = table_cell(report->plan, i, "run");
    if (strcmp(table_cell(report->plan, i, "model"), model)) continue;
    for (int64_t j = span.first; j < span.end; j++)
      if (!strcmp(table_cell(data, j, "run_a"), id) || !strcmp(table_cell(data, j, "run_b"), id)) {
        run[count++] = id;
        break;
      }
  }
  return count;
}

static int place_of(const char *id, const char *const *run, int count)
{
  for (int i = 0; i < count; i++)
    if (!strcmp(run[i], id)) return i;
  return -1;
}

static void draw_cell(Svg *svg, double x, double y, double side, double value)
{
  svg_rect(svg, x + 0.5, y + 0.5, side - 1, side - 1, side > 14 ? 2 : 0,
           (Look){.fill = scale_ink(value)});
  if (side < 27 || !isfinite(value)) return;
  Text words = {0};
  text_fixed(&words, value, 2);
  svg_words(svg, x + side / 2, y + side / 2 + 4,
            (Type){.size = 10.5, .anchor = 'm', .ink = words_ink(value)}, words.s);
  text_clear(&words);
}

static void draw_matrix(Svg *svg, const Table *data, Span span, const char *model, int which,
                        const char *const *run, int count, double x, double y, double width)
{
  const double side = fmin(width / count, 34);
  for (int i = 0; i < count; i++) {
    svg_rect(svg, x + i * side + 0.5, y + i * side + 0.5, side - 1, side - 1, side > 14 ? 2 : 0,
             (Look){.line = INK_GRID});
    if (side < 15) continue;
    svg_print(svg, x + (i + 0.5) * side, y + (i + 0.5) * side + 4,
              (Type){.size = 10.5, .anchor = 'm', .ink = INK_QUIET}, "%d", i + 1);
  }
  for (int64_t r = span.first; r < span.end; r++) {
    if (strcmp(table_cell(data, r, "model"), model) ||
        strcmp(table_cell(data, r, "centring"), centrings[which]))
      continue;
    const int a = place_of(table_cell(data, r, "run_a"), run, count),
              b = place_of(table_cell(data, r, "run_b"), run, count);
    if (a < 0 || b < 0 || a == b) continue;
    const bool end = !strcmp(table_cell(data, r, "stage"), "end");
    const int row = end ? (a < b ? a : b) : (a < b ? b : a),
              column = end ? (a < b ? b : a) : (a < b ? a : b);
    draw_cell(svg, x + column * side, y + row * side, side, table_real(data, r, "value"));
  }
}

/* Three cells with the nulls, on the same scale. */
static void draw_nulls(Svg *svg, const Report *report, const char *model, int which, double x,
                       double y, double width)
{
  static const char *const columns[3] = {"null_random", "null_gaussian", "null_tokens"};
  static const char *const words[3] = {"random", "Gauss", "tokens"};
  const Table *from = report->stability;
  const double each = fmin(width, 160) / 3;
  for (int64_t i = 0; i < from->rows; i++) {
    if (strcmp(table_cell(from, i, "model"), model) ||
        strcmp(table_cell(from, i, "measure"), "matched_cosine") ||
        strcmp(table_cell(from, i, "centring"), centrings[which]))
      continue;
    for (int c = 0; c < 3; c++) {
      const double value = table_real(from, i, columns[c]);
      Text number = {0};
      svg_rect(svg, x + c * each + 0.5, y, each - 1, 18, 2, (Look){.fill = scale_ink(value)});
      text_fixed(&number, value, 2);
      svg_words(svg, x + (c + 0.5) * each, y + 13,
                (Type){.size = 10.5, .anchor = 'm', .ink = words_ink(value)}, number.s);
      svg_words(svg, x + (c + 0.5) * each, y + 30,
                (Type){.size = 9.5, .anchor = 'm', .ink = INK_CHANCE}, words[c]);
      text_clear(&number);
    }
  }
}

/* Both matrices of a model with their nulls. Gives the y below. */
static double draw_model(Svg *svg, const Report *report, const Table *data, Span span,
                         int64_t model, int count, const char *const *run, double x, double y,
                         double width)
{
  const char *name = table_cell(report->models, model, "model");
  const double each = (width - 14) / 2, size = fmin(each, 34.0 * count);
  svg_words(svg, x, y + 12, (Type){.size = 13.5, .bold = true, .room = width}, name);
  for (int which = 0; which < 2; which++) {
    const double left = x + which * (each + 14);
    svg_words(svg, left, y + 30, (Type){.size = 11.5, .ink = INK_QUIET}, centrings[which]);
    draw_matrix(svg, data, span, name, which, run, count, left, y + 38, each);
    draw_nulls(svg, report, name, which, left, y + 38 + size + 10, each);
  }
  return y + 38 + size + 10 + 56;
}

/* The scale of colours with its ends, and what the triangles are. */
static double draw_scale(Svg *svg)
{
  const double left = 24, cell = svg_wide(svg) ? 11 : 9;
  for (int i = 0; i <= 20; i++)
    svg_rect(svg, left + i * cell, 2, cell + 0.3, 14, 0, (Look){.fill = scale_ink(i / 20.0)});
  svg_words(svg, left - 8, 14, (Type){.size = 12, .anchor = 'e', .ink = INK_QUIET}, "0");
  svg_words(svg, left + 21 * cell + 8, 14, (Type){.size = 12, .ink = INK_QUIET},
            "1 matched cosine");
  const double x = svg_wide(svg) ? left + 21 * cell + 140 : 0, y = svg_wide(svg) ? 14 : 38;
  svg_words(svg, x, y, (Type){.size = 12, .ink = INK_QUIET, .room = svg->width - x},
            "\xe2\x97\xa5 above the diagonal: trained");
  svg_words(svg, x + (svg_wide(svg) ? 200 : 0), y + (svg_wide(svg) ? 0 : 20),
            (Type){.size = 12, .ink = INK_QUIET}, "\xe2\x97\xa3 below: step 0");
  return svg_wide(svg) ? 40 : 78;
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  const int columns = svg_wide(svg) ? 3 : 1;
  const double gap = 30, width = (svg->width - gap * (columns - 1)) / columns;
  double top = draw_scale(svg), below = top;
  int64_t panel = 0, cells = 0, left_out = 0;
  const char *run[MOST_RUNS];
  Span *span;

  PetscFunctionBegin;
  PetscCall(ModelSpans(report, data, &span));
  for (int64_t m = 0; m < report->models->rows; m++) {
    const int count = list_runs(report, data, span[m], table_cell(report->models, m, "model"), run);
    cells += 2 * (int64_t)count * count;
    left_out += count && cells > MOST_CELLS;
    if (!count || cells > MOST_CELLS) continue;
    if (panel && panel % columns == 0) top = below;
    const double x = (double)(panel++ % columns) * (width + gap);
    below = fmax(below, draw_model(svg, report, data, span[m], m, count, run, x, top, width));
  }
  if (left_out)
    svg_print(svg, 0, below, (Type){.size = 12.5}, "%lld more models are in pairs.csv only",
              (long long)left_out);
  svg->height = below + (left_out ? 12 : 0);
  free(span);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_pairs = {
    .entry = {"pairs", "every pair of runs"},
    .place = 5,
    .heading = "Is one run the odd one out?",
    .words =
        "Each square compares two runs of a model by matched cosine. Above the diagonal: trained; "
        "below it: the same two runs at step 0. "
        "Under each matrix stands what chance gives: random directions, Gaussian directions with "
        "the tokens\xe2\x80\x99 mean and covariance, random tokens. "
        "An even colour means that no run stands out; a pale row and column is a run that found "
        "other atoms than the rest. "
        "Runs are numbered in the order of the table of runs; at most 64 of a model are drawn.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "Pairs need at least two finished runs of one model.",
};
