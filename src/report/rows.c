/* What figures read off the tables: rows, chance, warnings, names of models. */
#include "report/chart.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t model_index(const Report *report, const char *model)
{
  for (int64_t i = 0; i < report->models->rows; i++)
    if (!strcmp(table_cell(report->models, i, "model"), model)) return i;
  return -1;
}

PetscErrorCode ModelSpans(const Report *report, const Table *table, Span **spans)
{
  PetscFunctionBegin;
  *spans = calloc((size_t)report->models->rows + 1, sizeof(**spans));
  PetscCheck(*spans, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  int64_t m = -1;
  for (int64_t r = 0; r < table->rows; r++) {
    const char *model = table_cell(table, r, "model");
    if (!r || strcmp(model, table_cell(table, r - 1, "model"))) m = model_index(report, model);
    if (m < 0) continue;
    if (!(*spans)[m].end) (*spans)[m].first = r;
    (*spans)[m].end = r + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char primary_measure[] = "matched_cosine", primary_centring[] = "raw";
const char *const shown_centrings[] = {"raw", "centred", "projected", NULL};
const char *const null_columns[NULLS] = {"null_random", "null_gaussian", "null_tokens",
                                         "null_surrogate"};

int64_t measure_row(const Table *table, const char *model, const char *measure,
                    const char *centring)
{
  const int m = table_column(table, "model"), k = table_column(table, "measure"),
            c = table_column(table, "centring");
  for (int64_t i = 0; i < table->rows; i++) {
    char **cell = table->cells + i * table->columns;
    if (!strcmp(cell[m], model) && !strcmp(cell[k], measure) && !strcmp(cell[c], centring))
      return i;
  }
  return -1;
}

bool tokens_centred(const Report *report, const char *model)
{
  const int64_t row = measure_row(report->stability, model, primary_measure, primary_centring);
  return !strstr(table_cell(report->stability, row, "note"), "tokens not centred");
}

double highest_null(const Table *table, int64_t row)
{
  double most = NAN;
  for (int i = 0; i < NULLS; i++) most = fmax(most, table_real(table, row, null_columns[i]));
  return most;
}

double group_mean(const Report *report, const char *model, const char *metric, const char *split)
{
  const Table *from = report->groups;
  for (int64_t i = 0; i < from->rows; i++)
    if (!strcmp(table_cell(from, i, "model"), model) &&
        !strcmp(table_cell(from, i, "metric"), metric) &&
        !strcmp(table_cell(from, i, "split"), split))
      return table_real(from, i, "mean");
  return NAN;
}

#define MANY_DEAD 0.1 /* share of the atoms */

void row_warnings(const Report *report, const Table *table, int64_t row, Text *to)
{
  const char *note = table_cell(table, row, "note"), *basins = table_cell(table, row, "basins"),
             *model = table_cell(table, row, "model");
  const double dead = table_real(table, row, "dead"),
               width = table_real(report->models, model_index(report, model), "width");
  const size_t before = to->length;
  if (*note) text_add(to, "%s", note);
  if (*basins)
    text_add(to, "%sthe runs look like two populations", to->length > before ? "; " : "");
  if (width > 0 && dead >= MANY_DEAD * width)
    text_add(to, "%s%.0f %% of the atoms dead", to->length > before ? "; " : "",
             100 * dead / width);
}

/* The words of a grid point: their keys, or their values. */
static void grid_words(const char *name, bool keys, Text *to)
{
  for (bool first = true; *name; first = false) {
    name += strspn(name, " ");
    const size_t word = strcspn(name, " "), key = strcspn(name, "= ");
    if (!first && word) text_add(to, " \xc2\xb7 ");
    if (keys)
      text_append(to, name, key);
    else if (name[key] == '=')
      text_append(to, name + key + 1, word - key - 1);
    else
      text_append(to, name, word);
    name += word;
  }
}

/* Do two names differ in values alone? */
static bool same_heading(const char *a, const char *b)
{
  Text x = {0}, y = {0};
  const size_t first = strcspn(a, " ");
  grid_words(a, true, &x), grid_words(b, true, &y);
  const bool same = strcspn(b, " ") == first && !strncmp(a, b, first) && x.length == y.length &&
                    !memcmp(x.s, y.s, x.length);
  text_clear(&x), text_clear(&y);
  return same;
}

bool model_label(const Report *report, int64_t model, Text *to)
{
  const Table *models = report->models;
  const char *name = table_cell(models, model, "model");
  if (models->rows <= MANY_MODELS || !strchr(name, ' ')) {
    text_add(to, "%s", name);
    return false;
  }
  grid_words(name + strcspn(name, " "), false, to);
  return !model || !same_heading(name, table_cell(models, model - 1, "model"));
}

void model_heading(const Report *report, int64_t model, Text *to)
{
  const char *name = table_cell(report->models, model, "model");
  const size_t first = strcspn(name, " ");
  text_append(to, name, first);
  text_add(to, ": ");
  grid_words(name + first, true, to);
}
