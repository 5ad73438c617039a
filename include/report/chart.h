/* What several figures share: legends, axes, a look for each model. */
#pragma once
#include "report/report.h"
#include "report/svg.h"

/* Pages are drawn for two widths; narrow ones stack what wide ones set side by side. */
static inline bool svg_wide(const Svg *svg)
{
  return svg->width >= 600;
}

/* The number of a model in report->models, or -1. */
int64_t model_index(const Report *report, const char *model);
/* From the first to after the last row of each model in a table; other models' rows may lie
 * between. */
typedef struct {
  int64_t first, end;
} Span;
/* ModelSpans - spans [models] of a table with a column model, in fresh memory (free). Not
 * collective. */
PetscErrorCode ModelSpans(const Report *report, const Table *table, Span **spans);
/* Ink and shape by which a model is known in every figure: 64 differ. */
Ink model_ink(int64_t index);
int model_shape(int64_t index);

/* Least and greatest of a column's numbers so far; start with NaN, NaN. */
void spread(const Table *table, const char *column, double *low, double *high);

/* The vocabulary of all figures: filled is trained, hollow is step 0, the warm ink is chance. */
typedef enum {
  KEY_TRAINED,
  KEY_INTERVAL,
  KEY_PAIR,
  KEY_START,
  KEY_FIRST,
  KEY_RANDOM,
  KEY_GAUSSIAN,
  KEY_TOKENS,
  KEY_REACH,
  KEY_MEAN,
  KEY_RUN,
  KEY_FAILED,
  KEY_COUNT
} Key;
/* The look of the three null lines and of the line of the mean token. */
Look chance_look(Key key);
/* A row of keys with their words from (0, y) on, wrapped at the canvas; gives the y below. */
double draw_keys(Svg *svg, double y, int count, const Key *keys);

/* Grid lines, tick labels and a title for a horizontal axis at y (grid up to top), or a vertical
 * one at x (grid to right). */
void draw_axis_x(Svg *svg, const Scale *scale, double top, double y, int most, const char *title);
void draw_axis_y(Svg *svg, const Scale *scale, double x, double right, int most);

/* DrawStability - one block of the stability picture: a measure for all models, panels raw and
   centred, from *y on, which moves below it. Not collective. */
PetscErrorCode DrawStability(const Report *report, const Table *data, const char *measure, Svg *svg,
                             double *y);
/* The measure in words. */
const char *measure_words(const char *measure);
/* TabulateStability - rows of stability.csv of the primary measure, or of all others. Not
 * collective. */
PetscErrorCode TabulateStability(const Report *report, bool primary, Table **data);
