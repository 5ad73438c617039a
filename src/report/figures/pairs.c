/* Heat maps of all pairs of runs: above the diagonal at the end, below it at step 0. */
#include "report/chart.h"
#include "report/cluster.h"
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
            (Type){.size = 10.5, .anchor = 'm', .ink = scale_words_ink(value)}, words.s);
  text_clear(&words);
}

/* One centring of a model's pairs. */
typedef struct {
  const Table *data;
  Span span;
  const char *model, *centring;
  const char *const *run; /* [count] in plan order */
  int count;
} Matrix;

/* Goes through the matrix's rows of data: the next from *row on, with the numbers of its runs. */
static bool next_pair(const Matrix *matrix, int64_t *row, int *a, int *b)
{
  const Table *data = matrix->data;
  for (; *row < matrix->span.end; ++*row) {
    if (strcmp(table_cell(data, *row, "model"), matrix->model) ||
        strcmp(table_cell(data, *row, "centring"), matrix->centring))
      continue;
    *a = place_of(table_cell(data, *row, "run_a"), matrix->run, matrix->count);
    *b = place_of(table_cell(data, *row, "run_b"), matrix->run, matrix->count);
    if (*a >= 0 && *b >= 0 && *a != *b) return true;
  }
  return false;
}

static bool at_end(const Matrix *matrix, int64_t row)
{
  return !strcmp(table_cell(matrix->data, row, "stage"), "end");
}

/* Runs by 1 - cosine at the end of training. A pair that is not there counts as unlike. */
static void cluster_runs(const Matrix *matrix, Merge *merge, int *order)
{
  const int n = matrix->count;
  double *distance = calloc((size_t)n * (size_t)n, sizeof(*distance));
  int a, b;
  if (!distance) abort();
  for (int i = 0; i < n * n; i++) distance[i] = 1;
  for (int64_t r = matrix->span.first; next_pair(matrix, &r, &a, &b); r++)
    if (at_end(matrix, r) && isfinite(table_real(matrix->data, r, "value")))
      distance[a * n + b] = distance[b * n + a] = 1 - table_real(matrix->data, r, "value");
  cluster_average(n, distance, merge, order);
  free(distance);
}

enum { TREE = 26 }; /* height of the tree above a matrix */

/* The merges as a tree whose leaves stand above the columns; as high as their mean distance. */
static void draw_tree(Svg *svg, int n, const Merge *merge, const int *place, double x, double y,
                      double side)
{
  double middle[2 * MOST_RUNS], height[2 * MOST_RUNS];
  const double most = n > 1 ? merge[n - 2].height : 0;
  for (int i = 0; i < n; i++) middle[i] = x + (place[i] + 0.5) * side, height[i] = 0;
  for (int i = 0; i < n - 1; i++) {
    const int a = merge[i].a, b = merge[i].b;
    const double up = most > 0 ? fmax(merge[i].height, 0) / most : 0, base = y + TREE - 3,
                 px[] = {middle[a], middle[a], middle[b], middle[b]},
                 py[] = {base - height[a], base - up * (TREE - 5), base - up * (TREE - 5),
                         base - height[b]};
    Text words = {0};
    text_add(&words, "mean cosine "), text_fixed(&words, 1 - merge[i].height, 3);
    svg_begin(svg, words.s);
    svg_path(svg, 4, px, py, (Look){.line = INK_QUIET, .width = 1.3});
    svg_end(svg);
    text_clear(&words);
    middle[n + i] = (middle[a] + middle[b]) / 2, height[n + i] = up * (TREE - 5);
  }
}

/* The tree and the matrix under it, runs in the tree's order. */
static void draw_matrix(Svg *svg, const Matrix *matrix, double x, double y, double width)
{
  const int count = matrix->count;
  const double side = fmin(width / count, 34);
  Merge merge[MOST_RUNS];
  int order[MOST_RUNS], place[MOST_RUNS], a, b;
  cluster_runs(matrix, merge, order);
  for (int i = 0; i < count; i++) place[order[i]] = i;
  if (count > 2) draw_tree(svg, count, merge, place, x, y, side);
  y += TREE;
  for (int i = 0; i < count; i++) {
    svg_rect(svg, x + i * side + 0.5, y + i * side + 0.5, side - 1, side - 1, side > 14 ? 2 : 0,
             (Look){.line = INK_GRID});
    if (side >= 11)
      svg_print(svg, x + (i + 0.5) * side, y + (i + 0.5) * side + 4,
                (Type){.size = side < 15 ? 8.5 : 10.5, .anchor = 'm', .ink = INK_QUIET}, "%d",
                order[i] + 1);
  }
  for (int64_t r = matrix->span.first; next_pair(matrix, &r, &a, &b); r++) {
    const int low = place[a] < place[b] ? place[a] : place[b],
              high = place[a] < place[b] ? place[b] : place[a];
    const bool end = at_end(matrix, r);
    draw_cell(svg, x + (end ? high : low) * side, y + (end ? low : high) * side, side,
              table_real(matrix->data, r, "value"));
  }
}

/* Three cells with the nulls, on the same scale. */
static void draw_nulls(Svg *svg, const Report *report, const Matrix *matrix, double x, double y,
                       double width)
{
  static const char *const words[3] = {"random", "Gauss", "tokens"};
  const Table *from = report->stability;
  const double each = fmin(width, 160) / 3;
  const int64_t row = measure_row(from, matrix->model, primary_measure, matrix->centring);
  for (int c = 0; c < 3 && row >= 0; c++) {
    const double value = table_real(from, row, null_columns[c]);
    Text number = {0};
    svg_rect(svg, x + c * each + 0.5, y, each - 1, 18, 2, (Look){.fill = scale_ink(value)});
    text_fixed(&number, value, 2);
    svg_words(svg, x + (c + 0.5) * each, y + 13,
              (Type){.size = 10.5, .anchor = 'm', .ink = scale_words_ink(value)}, number.s);
    svg_words(svg, x + (c + 0.5) * each, y + 30,
              (Type){.size = 9.5, .anchor = 'm', .ink = INK_CHANCE}, words[c]);
    text_clear(&number);
  }
}

/* Both matrices of a model with their nulls, and its warnings. Gives the y below. */
static double draw_model(Svg *svg, const Report *report, Matrix matrix, double x, double y,
                         double width)
{
  const double each = (width - 14) / 2, size = fmin(each, 34.0 * matrix.count);
  Text warning = {0};
  row_warnings(report, report->stability,
               measure_row(report->stability, matrix.model, primary_measure, centrings[0]),
               &warning);
  svg_words(svg, x, y + 12, (Type){.size = 13.5, .bold = true, .room = width}, matrix.model);
  if (warning.length)
    svg_words(svg, x, y + 26,
              (Type){.size = 10.5, .ink = INK_CHANCE, .italic = true, .room = width}, warning.s);
  text_clear(&warning);
  y += 14;
  for (int which = 0; which < 2; which++) {
    const double left = x + which * (each + 14);
    matrix.centring = centrings[which];
    svg_words(svg, left, y + 28, (Type){.size = 11.5, .ink = INK_QUIET}, centrings[which]);
    draw_matrix(svg, &matrix, left, y + 32, each);
    draw_nulls(svg, report, &matrix, left, y + 32 + TREE + size + 10, each);
  }
  return y + 32 + TREE + size + 10 + 56;
}

/* The scale of colours, and what the triangles are. */
static double draw_key(Svg *svg)
{
  const bool wide = svg_wide(svg);
  const double below = draw_scale(svg, "0", "1 matched cosine", 500), x = wide ? 395 : 0,
               y = wide ? 14 : 38;
  svg_words(svg, x, y, (Type){.size = 12, .ink = INK_QUIET, .room = svg->width - x},
            "\xe2\x97\xa5 above the diagonal: trained");
  svg_words(svg, x + (wide ? 200 : 0), y + (wide ? 0 : 20), (Type){.size = 12, .ink = INK_QUIET},
            "\xe2\x97\xa3 below: step 0");
  return wide ? below : below + 40;
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  const int columns = svg_wide(svg) ? 3 : 1;
  const double gap = 30, width = (svg->width - gap * (columns - 1)) / columns;
  double top = draw_key(svg), below = top;
  int64_t panel = 0, cells = 0, left_out = 0;
  const char *run[MOST_RUNS];
  Span *span;

  PetscFunctionBegin;
  PetscCall(ModelSpans(report, data, &span));
  for (int64_t m = 0; m < report->models->rows; m++) {
    const char *name = table_cell(report->models, m, "model");
    const int count = list_runs(report, data, span[m], name, run);
    const Matrix matrix = {data, span[m], name, NULL, run, count};
    cells += 2 * (int64_t)count * count;
    left_out += count && cells > MOST_CELLS;
    if (!count || cells > MOST_CELLS) continue;
    if (panel && panel % columns == 0) top = below;
    const double x = (double)(panel++ % columns) * (width + gap);
    below = fmax(below, draw_model(svg, report, matrix, x, top, width));
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
    .place = 9,
    .heading = "Is one run the odd one out?",
    .words =
        "Each square compares two runs of a model by matched cosine. Above the diagonal: trained; "
        "below it: the same two runs at step 0. "
        "Under each matrix stands what chance gives: random directions, Gaussian directions with "
        "the tokens\xe2\x80\x99 mean and covariance, random tokens. "
        "An even colour means that no run stands out; a pale row and column is a run that found "
        "other atoms than the rest. "
        "The tree joins runs that are alike, by average linkage: first the two clusters whose runs "
        "are on the average nearest, by 1 minus the cosine after training; the height of a branch "
        "is that mean, as a share of the highest. Matrices are in the tree\xe2\x80\x99s order. "
        "Runs are numbered in the order of the table of runs; at most 64 of a model are drawn.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "Pairs need at least two finished runs of one model.",
};
