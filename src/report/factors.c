/* What one setting does to stability: models that differ in it alone, pair by pair. */
#include "base/array.h"
#include "compare/interval.h"
#include "report/chart.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LEVELS = 16 };

/* Factors and what each model has for them: "" where it has no such setting. */
typedef struct {
  const Report *report;
  int64_t models;
  int factors;
  const char **name;  /* [factors] */
  const char **value; /* [models x factors] */
} Factors;

static const char *value_of(const Factors *all, int64_t model, int factor)
{
  return all->value[model * all->factors + factor];
}

static bool is_factor(const char *column)
{
  const size_t length = strlen(column);
  return is_setting(column) && !(length > 8 && !strcmp(column + length - 8, ".anchors"));
}

static int64_t plan_row(const Report *report, const char *model)
{
  for (int64_t r = 0; r < report->plan->rows; r++)
    if (!strcmp(table_cell(report->plan, r, "model"), model)) return r;
  return -1;
}

/* All settings of the plan, but sets of anchors by how they are shared. */
static PetscErrorCode FactorsCreate(const Report *report, Factors *all)
{
  const Table *plan = report->plan;

  PetscFunctionBegin;
  *all = (Factors){.report = report, .models = report->models->rows, .factors = 1};
  for (int c = 0; c < plan->columns; c++) all->factors += is_factor(plan->names[c]);
  PetscCall(PetscCalloc1((size_t)all->factors, &all->name));
  PetscCall(PetscCalloc1((size_t)(all->factors * all->models) + 1, &all->value));
  all->name[0] = "anchors";
  for (int64_t m = 0; m < all->models; m++) {
    const char *sharing = table_cell(report->models, m, "anchors");
    const int64_t row = plan_row(report, table_cell(report->models, m, "model"));
    int f = 1;
    all->value[m * all->factors] = strcmp(sharing, "none") ? sharing : "";
    for (int c = 0; c < plan->columns; c++) {
      if (!is_factor(plan->names[c])) continue;
      all->name[f] = plan->names[c];
      all->value[m * all->factors + f++] = row < 0 ? "" : plan->cells[row * plan->columns + c];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FactorsDestroy(Factors *all)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(all->name));
  PetscCall(PetscFree(all->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Do models a and b differ in that factor, and in nothing else that both have? */
static bool differ_only(const Factors *all, int64_t a, int64_t b, int factor)
{
  for (int f = 0; f < all->factors; f++) {
    const char *x = value_of(all, a, f), *y = value_of(all, b, f);
    if (f != factor && *x && *y && strcmp(x, y)) return false;
  }
  return true;
}

/* The values of a factor in the order of the models. */
static int list_levels(const Factors *all, int factor, const char **level)
{
  int count = 0;
  for (int64_t m = 0; m < all->models && count < MOST_LEVELS; m++) {
    const char *value = value_of(all, m, factor);
    bool first = *value != 0;
    for (int i = 0; i < count && first; i++) first = strcmp(level[i], value) != 0;
    if (first) level[count++] = value;
  }
  return count;
}

/* The pairs of a model's runs as a matrix; runs are numbered in plan order. */
typedef struct {
  int64_t runs;
  int64_t *row; /* [runs] of the plan */
  double *h;    /* [runs x runs] above the diagonal; NaN: not there */
} Pairs;

static PetscErrorCode PairsCreate(const Report *report, const char *model, const char *centring,
                                  Span span, Pairs *pairs)
{
  const Table *plan = report->plan, *from = report->pairs;

  PetscFunctionBegin;
  *pairs = (Pairs){0};
  PetscCall(PetscMalloc1((size_t)plan->rows + 1, &pairs->row));
  for (int64_t r = 0; r < plan->rows; r++)
    if (!strcmp(table_cell(plan, r, "model"), model)) pairs->row[pairs->runs++] = r;
  PetscCall(PetscMalloc1((size_t)(pairs->runs * pairs->runs) + 1, &pairs->h));
  for (int64_t i = 0; i < pairs->runs * pairs->runs; i++) pairs->h[i] = NAN;
  for (int64_t r = span.first; r < span.end; r++) {
    int64_t at[2] = {-1, -1};
    if (strcmp(table_cell(from, r, "stage"), "end") ||
        strcmp(table_cell(from, r, "measure"), primary_measure) ||
        strcmp(table_cell(from, r, "centring"), centring) ||
        strcmp(table_cell(from, r, "model"), model))
      continue;
    for (int64_t i = 0; i < pairs->runs; i++)
      for (int k = 0; k < 2; k++)
        if (!strcmp(table_cell(plan, pairs->row[i], "run"),
                    table_cell(from, r, k ? "run_b" : "run_a")))
          at[k] = i;
    if (at[0] < 0 || at[1] < 0) continue;
    pairs->h[min_i64(at[0], at[1]) * pairs->runs + max_i64(at[0], at[1])] =
        table_real(from, r, "value");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PairsDestroy(Pairs *pairs)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pairs->row));
  PetscCall(PetscFree(pairs->h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Have runs i of both the same seeds, as far as both draw from them? */
static bool same_seeds(const Table *plan, const Pairs *a, const Pairs *b)
{
  if (a->runs != b->runs) return false;
  for (int c = 0; c < plan->columns; c++) {
    if (strncmp(plan->names[c], "seed_", 5)) continue;
    for (int64_t i = 0; i < a->runs; i++) {
      const char *x = plan->cells[a->row[i] * plan->columns + c],
                 *y = plan->cells[b->row[i] * plan->columns + c];
      if (strcmp(x, "-") && strcmp(y, "-") && strcmp(x, y)) return false;
    }
  }
  return true;
}

/* The differences of all pairs of models at a level, as they are gathered. */
typedef struct {
  int64_t groups, runs; /* pairs of models; runs of each, 0 where they do not correspond */
  double value, against, chance, initial;
  double *h; /* [runs x runs] sums of differences */
} Effect;

/* Do all of a model's runs enter its interval (seeds all distinct)? */
static bool all_enter(const Report *report, int64_t model, int64_t row, int64_t runs)
{
  return table_real(report->stability, row, "runs") == (double)runs &&
         table_real(report->models, model, "runs") == (double)runs;
}

static PetscErrorCode AddPair(const Factors *all, const Span *span, int64_t from, int64_t to,
                              const char *centring, Effect *effect)
{
  const Report *report = all->report;
  const char *a = table_cell(report->models, from, "model"),
             *b = table_cell(report->models, to, "model");
  const int64_t x = measure_row(report->stability, a, primary_measure, centring),
                y = measure_row(report->stability, b, primary_measure, centring);
  Pairs p, q;

  PetscFunctionBegin;
  PetscCall(PairsCreate(report, a, centring, span[from], &p));
  PetscCall(PairsCreate(report, b, centring, span[to], &q));
  if (!effect->groups) {
    effect->runs = p.runs;
    PetscCall(PetscCalloc1((size_t)(p.runs * p.runs) + 1, &effect->h));
  }
  if (effect->runs != p.runs || !same_seeds(report->plan, &p, &q) ||
      !all_enter(report, from, x, p.runs) || !all_enter(report, to, y, q.runs))
    effect->runs = 0;
  for (int64_t i = 0; i < effect->runs * effect->runs; i++) effect->h[i] += q.h[i] - p.h[i];
  effect->groups++;
  effect->against += table_real(report->stability, x, "value");
  effect->value += table_real(report->stability, y, "value");
  effect->chance += highest_null(report->stability, y);
  effect->initial += table_real(report->stability, y, "initial");
  PetscCall(PairsDestroy(&p));
  PetscCall(PairsDestroy(&q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutRow(Table *data, const char *kind, const char *setting, const char *level,
                             const char *against, const char *centring)
{
  PetscFunctionBegin;
  PetscCall(TableAddRow(data));
  table_text(data, "kind", kind), table_text(data, "setting", setting);
  table_text(data, "level", level), table_text(data, "against", against);
  table_text(data, "centring", centring);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutEffect(Table *data, const Effect *effect)
{
  const double n = (double)effect->groups, runs = (double)effect->runs;
  double *h;

  PetscFunctionBegin;
  table_integer(data, "pairs", effect->groups);
  table_number(data, "value", effect->value / n);
  table_number(data, "value_against", effect->against / n);
  table_number(data, "chance", effect->chance / n);
  table_number(data, "initial", effect->initial / n);
  table_number(data, "difference", (effect->value - effect->against) / n);
  if (runs < 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((size_t)(runs * runs), &h));
  for (int64_t i = 0; i < effect->runs * effect->runs; i++) h[i] = effect->h[i] / n;
  const PairInterval interval = pair_interval(effect->runs, h);
  table_integer(data, "runs", effect->runs);
  table_number(data, "low", interval.low);
  table_number(data, "high", interval.high);
  PetscCall(PetscFree(h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All pairs of models that differ in a factor alone, at two of its levels. */
static PetscErrorCode PutLevel(const Factors *all, const Span *span, int factor, const char *first,
                               const char *level, const char *centring, Table *data)
{
  const Table *stability = all->report->stability, *models = all->report->models;
  Effect effect = {0};

  PetscFunctionBegin;
  for (int64_t a = 0; a < all->models; a++)
    for (int64_t b = 0; b < all->models; b++) {
      const char *from = table_cell(models, a, "model"), *to = table_cell(models, b, "model");
      const int64_t x = measure_row(stability, from, primary_measure, centring),
                    y = measure_row(stability, to, primary_measure, centring);
      if (strcmp(value_of(all, a, factor), first) || strcmp(value_of(all, b, factor), level) ||
          !differ_only(all, a, b, factor) || !isfinite(table_real(stability, x, "value")) ||
          !isfinite(table_real(stability, y, "value")))
        continue;
      PetscCall(AddPair(all, span, a, b, centring, &effect));
      PetscCall(PutRow(data, "pair", all->name[factor], level, first, centring));
      table_text(data, "model", to), table_text(data, "model_against", from);
      table_text(data, "value", table_cell(stability, y, "value"));
      table_text(data, "value_against", table_cell(stability, x, "value"));
      table_number(data, "difference",
                   table_real(stability, y, "value") - table_real(stability, x, "value"));
    }
  if (effect.groups) {
    PetscCall(PutRow(data, "level", all->name[factor], level, first, centring));
    PetscCall(PutEffect(data, &effect));
  }
  PetscCall(PetscFree(effect.h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TabulateFactors(const Report *report, Table **data)
{
  Factors all;
  Span *span;

  PetscFunctionBegin;
  PetscCall(TableCreate("kind,setting,level,against,centring,pairs,runs,value,value_against,"
                        "difference,low,high,chance,initial,model,model_against",
                        data));
  PetscCall(FactorsCreate(report, &all));
  PetscCall(ModelSpans(report, report->pairs, &span));
  for (int f = 0; f < all.factors; f++) {
    const char *level[MOST_LEVELS];
    const int count = list_levels(&all, f, level);
    for (int i = 1; i < count; i++)
      for (int c = 0; shown_centrings[c]; c++)
        PetscCall(PutLevel(&all, span, f, level[0], level[i], shown_centrings[c], *data));
  }
  free(span);
  PetscCall(FactorsDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
