/* The other measures of stability: drawn as the main one, or, where there are too many, as a table
   of colours. */
#include "report/chart.h"
#include "report/figure.h"
#include <math.h>
#include <string.h>

enum { MOST_LANES = 120, MOST_MEASURES = 64 };

static PetscErrorCode Tabulate(const Report *report, Table **data, Table **shown)
{
  PetscFunctionBegin;
  *shown = NULL;
  PetscCall(TabulateStability(report, false, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The measures that have a value, in the order in which they first come. */
static int list_measures(const Table *data, const char **measure)
{
  int count = 0;
  for (int64_t i = 0; i < data->rows && count < MOST_MEASURES; i++) {
    const char *name = table_cell(data, i, "measure");
    bool first = isfinite(table_real(data, i, "value"));
    for (int j = 0; j < count && first; j++) first = strcmp(measure[j], name) != 0;
    if (first) measure[count++] = name;
  }
  return count;
}

/* One cell: the value in colour and words; a bar below it where it is within reach of chance or
   step 0. */
static void draw_cell(Svg *svg, double x, double y, double width, double height, const Table *data,
                      int64_t row)
{
  const double value = table_real(data, row, "value"),
               floor = fmax(highest_null(data, row), table_real(data, row, "initial")),
               low = table_real(data, row, "low");
  Text words = {0};
  text_add(&words, "%s, %s: ", table_cell(data, row, "measure"), table_cell(data, row, "centring"));
  text_fixed(&words, value, 3), text_add(&words, "; chance or step 0 reaches ");
  text_fixed(&words, floor, 3);
  svg_begin(svg, words.s);
  svg_rect(svg, x + 0.5, y + 0.5, width - 1, height - 1, 2, (Look){.fill = scale_ink(value)});
  if (isfinite(floor) && !((isfinite(low) ? low : value) > floor))
    svg_rect(svg, x + 2, y + height - 3.5, width - 4, 2, 0, (Look){.fill = INK_CHANCE});
  text_clear(&words);
  text_fixed(&words, value, 2);
  if (width >= 27)
    svg_words(svg, x + width / 2, y + height / 2 + 3.5,
              (Type){.size = 10.5, .anchor = 'm', .ink = scale_words_ink(value)}, words.s);
  text_clear(&words);
  svg_end(svg);
}

/* What a table of colours shows. */
typedef struct {
  const Report *report;
  const Table *data;
  int measures, centrings; /* in one table */
  const char **measure, *centring[4];
  double label, width, gap; /* of the names, of a column, between centrings */
} Matrix;

static double column_at(const Matrix *matrix, int centring, int measure)
{
  return matrix->label + centring * (matrix->measures * matrix->width + matrix->gap) +
         measure * matrix->width;
}

static void draw_head(Svg *svg, const Matrix *matrix, double y)
{
  for (int c = 0; c < matrix->centrings; c++) {
    svg_words(svg, column_at(matrix, c, 0), y + 14,
              (Type){.size = 12.5, .bold = true, .room = svg->width - column_at(matrix, c, 0)},
              matrix->centring[c]);
    for (int i = 0; i < matrix->measures; i++)
      svg_print(svg, column_at(matrix, c, i) + matrix->width / 2, y + 31,
                (Type){.size = 10.5, .anchor = 'm', .ink = INK_QUIET}, "%d", i + 1);
  }
}

/* Rows models, columns measures, one block for each centring; gives the y below. */
static double draw_matrix(Svg *svg, const Matrix *matrix, double y)
{
  const Report *report = matrix->report;
  const double height = 19;
  draw_head(svg, matrix, y);
  y += 37;
  for (int64_t m = 0; m < report->models->rows; m++) {
    const char *name = table_cell(report->models, m, "model");
    Text words = {0}, heading = {0};
    if (model_label(report, m, &words)) {
      model_heading(report, m, &heading);
      svg_words(svg, 0, y + 15, (Type){.size = 12, .bold = true, .room = svg->width}, heading.s);
      y += 20;
    }
    svg_words(svg, 0, y + 13, (Type){.size = 11, .room = matrix->label - 6}, words.s);
    text_clear(&words), text_clear(&heading);
    for (int c = 0; c < matrix->centrings; c++)
      for (int i = 0; i < matrix->measures; i++) {
        const int64_t row =
            measure_row(matrix->data, name, matrix->measure[i], matrix->centring[c]);
        if (row >= 0)
          draw_cell(svg, column_at(matrix, c, i), y, matrix->width, height, matrix->data, row);
      }
    y += height;
  }
  return y + 16;
}

/* The centrings side by side where their columns are wide enough for numbers, else one by one. */
static double draw_table(Svg *svg, const Report *report, const Table *data, int count,
                         const char **measure)
{
  Matrix matrix = {report, data, count, 0, measure, {NULL}, svg_wide(svg) ? 250 : 118, 0, 14};
  const char *centring[4];
  int all = 0;
  double y = draw_scale(svg, "0", "1", 0);
  for (int c = 0; shown_centrings[c] && all < 4; c++)
    for (int64_t i = 0; i < data->rows; i++)
      if (!strcmp(table_cell(data, i, "centring"), shown_centrings[c])) {
        centring[all++] = shown_centrings[c];
        break;
      }
  const double room = svg->width - matrix.label,
               together = (room - matrix.gap * (all - 1)) / (count * fmax(all, 1));
  const int each = together >= 27 ? all : 1;
  matrix.width = fmin(each > 1 ? together : room / count, 44);
  for (int c = 0; c < all; c += each) {
    matrix.centrings = each;
    memcpy(matrix.centring, centring + c, (size_t)each * sizeof(*centring));
    y = draw_matrix(svg, &matrix, y);
  }
  svg_rect(svg, 0, y + 5, 22, 3, 0, (Look){.fill = INK_CHANCE});
  svg_words(svg, 29, y + 11, (Type){.size = 12, .ink = INK_QUIET, .room = svg->width - 29},
            "the interval does not lie above chance and step 0");
  y += 26;
  for (int i = 0; i < count; i++, y += 17)
    svg_print(svg, 0, y + 10, (Type){.size = 12, .ink = INK_QUIET, .room = svg->width},
              strcmp(measure_words(measure[i]), measure[i]) ? "%d  %s: %s" : "%d  %s", i + 1,
              measure[i], measure_words(measure[i]));
  return y + 6;
}

static PetscErrorCode Draw(const Report *report, const Table *data, Svg *svg)
{
  const char *measure[MOST_MEASURES];
  const int count = list_measures(data, measure);
  double y = 0;

  PetscFunctionBegin;
  if (data->rows > MOST_LANES) {
    y = draw_table(svg, report, data, count, measure);
  } else {
    draw_stability_keys(svg, data, &y);
    for (int i = 0; i < count; i++) {
      PetscCall(DrawStability(report, data, measure[i], svg, &y));
      y += 16;
    }
  }
  svg->height = y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Figure figure_measures = {
    .entry = {"measures", "the other measures of stability"},
    .place = 3,
    .heading = "The same question, asked otherwise",
    .words = "Read as the picture above; where many models meet many measures, as colours, with a "
             "bar under those whose interval does not lie above chance and step 0. "
             "These measures are secondary: one alone that stands out proves little. "
             "The nearest atom of the other run may serve several "
             "atoms, so its cosine is never below "
             "that of the matching, and chance reaches higher, too. The share of matched pairs "
             "counts an atom as found again where its partner\xe2\x80\x99s "
             "cosine is .7 or more.",
    .tabulate = Tabulate,
    .draw = Draw,
    .nothing = "No other measure was computed, or no model has two finished runs.",
};
