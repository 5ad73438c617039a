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
  KEY_SURROGATE,
  KEY_REACH,
  KEY_INHERITED,
  KEY_MEAN,
  KEY_RUN,
  KEY_FAILED,
  KEY_BAND,
  KEY_CENTRED,
  KEY_GROUP,
  KEY_CHANCE,
  KEY_COUNT
} Key;
/* The look of the lines of nulls, of what chance gives, and of the line of the mean token. */
Look chance_look(Key key);
enum { NULLS = 4 };
/* Their columns in stability.csv; KEY_RANDOM + i is the key of column i. */
extern const char *const null_columns[NULLS];
/* A row of keys with their words from (0, y) on, wrapped at the canvas; gives the y below. */
double draw_keys(Svg *svg, double y, int count, const Key *keys);

/* Grid lines, tick labels and a title for a horizontal axis at y (grid up to top), or a vertical
 * one at x (grid to right). */
void draw_axis_x(Svg *svg, const Scale *scale, double top, double y, int most, const char *title);
void draw_axis_y(Svg *svg, const Scale *scale, double x, double right, int most);

/* Small panels, three abreast on wide pages: panel number index, of a model, from top on. Gives the
   scales their places, and draws the model's name and warnings, and axes. */
void panel_frame(Svg *svg, const Report *report, int64_t model, int64_t index, double top,
                 Scale *sx, Scale *sy);
/* Below that many of them. */
double panels_bottom(const Svg *svg, int64_t count, double top);

/* Names beside a plot, each as near to its mark as the others allow. */
typedef struct {
  int64_t model;
  double x, y, label; /* the mark; where the label goes */
} Tag;
/* Draws marks' names: to the right of the plot that ends at right, or below it on narrow pages;
   the canvas grows where they need it. */
void draw_tags(Svg *svg, const Report *report, int64_t count, Tag *tag, double right, double top,
               double bottom);
/* The mark of a model. */
void draw_mark(Svg *svg, double x, double y, int64_t model);

/* The row of a table with columns model, measure and centring, or -1. */
int64_t measure_row(const Table *table, const char *model, const char *measure,
                    const char *centring);
/* The measure that the report is about, the centring of its atoms, and all centrings in their
   order. Raw atoms share an offset where the tokens were not centred; stability.csv calls no row of
   such a model primary. */
extern const char primary_measure[], primary_centring[];
extern const char *const shown_centrings[];
/* Had a model's tokens their mean taken off? True where the table does not say. */
bool tokens_centred(const Report *report, const char *model);
/* The greatest of the nulls of a row of stability.csv, NaN where there is none. */
double highest_null(const Table *table, int64_t row);
/* What a reader must know of a row of stability.csv, with "; " between: its note, runs that look
   like two populations, many dead atoms. */
void row_warnings(const Report *report, const Table *table, int64_t row, Text *to);
/* The mean of a metric over a model's runs, from groups.csv; NaN where there is none. */
double group_mean(const Report *report, const char *model, const char *metric, const char *split);

/* Rows of many models: with more than this they are drawn close together. */
enum { MANY_MODELS = 14 };
/* How a model is named in a column of names: "width=256 code.k=8" as "256 · 8" where the first word
   and the keys stand above it as a heading. Gives whether a new heading begins with this model;
   model_heading adds that. */
bool model_label(const Report *report, int64_t model, Text *to);
void model_heading(const Report *report, int64_t model, Text *to);

/* One lane of a measure: what chance reaches, nulls, pairs of runs, interval, step 0, value. Spans
   are those of report->pairs. */
typedef struct {
  const Report *report;
  const Table *data; /* rows as in stability.csv */
  const char *measure;
  Span *pairs; /* [models] */
  bool close;  /* lanes of many models */
} Lanes;
void draw_lane(Svg *svg, const Lanes *lanes, const Scale *scale, double y, int64_t row,
               int64_t model);
/* The value beside its lane, and half of its interval: below it, or before it. */
void draw_value(Svg *svg, double x, double y, const Lanes *lanes, int64_t row);

/* The ink of a value from 0 to 1, and of words on it. */
Ink scale_ink(double value);
Ink scale_words_ink(double value);
/* That scale of colours with its ends, after which room units are left for more words on wide
   pages; gives the y below. */
double draw_scale(Svg *svg, const char *low, const char *high, double room);

/* DrawStability - one block of the stability picture: a measure for all models, a panel for each
   centring, from *y on, which moves below it. Not collective. */
PetscErrorCode DrawStability(const Report *report, const Table *data, const char *measure, Svg *svg,
                             double *y);
/* The measure, or the centring, in words. */
const char *measure_words(const char *measure);
const char *centring_in_words(const char *centring);
/* The keys of that picture, from *y on. */
void draw_stability_keys(Svg *svg, const Table *data, double *y);
/* TabulateStability - rows of stability.csv of the primary measure, or of all others. Not
 * collective. */
PetscErrorCode TabulateStability(const Report *report, bool primary, Table **data);
/* TabulateFactors - what each setting that differs between models does to the primary measure:
   models that differ in that setting alone, pair by pair. docs/files.md has the columns. Not
   collective. */
PetscErrorCode TabulateFactors(const Report *report, Table **data);
/* Is a column of plan.csv a setting (not a seed, name or identifier)? */
bool is_setting(const char *column);
