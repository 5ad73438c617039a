/* runs.csv and groups.csv, from the runs' own tables. */
#include "measure/summary.h"
#include "base/array.h"
#include "base/exact.h"
#include "base/math.h"
#include "measure/metric.h"
#include <stdlib.h>
#include <string.h>

static const char *const splits[] = {"held_out", "train"};

/* Names of the plain metrics, as they first appear in the runs' tables. */
typedef struct {
  int count;
  const char **name; /* borrowed from the tables */
} Names;

static void names_add(Names *names, const char *name)
{
  for (int i = 0; i < names->count; i++)
    if (!strcmp(names->name[i], name)) return;
  names->name[names->count++] = name;
}

static PetscErrorCode NamesCollect(int64_t runs, const RunSummary *run, Names *names)
{
  int64_t most = 0;
  PetscFunctionBeginUser;
  for (int64_t r = 0; r < runs; r++)
    if (run[r].metrics) most += run[r].metrics->rows;
  *names = (Names){0};
  PetscCall(ArrayCreate(most, &names->name));
  for (int64_t r = 0; r < runs; r++)
    for (int64_t i = 0; run[r].metrics && i < run[r].metrics->rows; i++)
      if (!*table_cell(run[r].metrics, i, "setting"))
        names_add(names, table_cell(run[r].metrics, i, "metric"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exists on one split only. */
static bool single(const char *name)
{
  const Metric *metric = (const Metric *)family_find(&metrics, name);
  return metric && (metric->once || metric->train_only);
}

/* The cell of a plain metric: "" where the run has none. */
static const char *cell_of(const RunSummary *run, const char *metric, const char *split)
{
  const Table *t = run->metrics;
  for (int64_t i = 0; t && i < t->rows; i++)
    if (!strcmp(table_cell(t, i, "metric"), metric) && !strcmp(table_cell(t, i, "split"), split) &&
        !*table_cell(t, i, "setting"))
      return table_cell(t, i, "value");
  return "";
}

static char *column_name(const char *metric, bool suffix)
{
  Text text = {0};
  text_add(&text, "%s%s", metric, suffix ? "_train" : "");
  return text.s;
}

static PetscErrorCode PutMetrics(const RunSummary *run, const Names *names, Table *table)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < names->count; i++) {
    const char *name = names->name[i];
    char *train = column_name(name, !single(name));
    if (!single(name)) table_text(table, name, cell_of(run, name, "held_out"));
    table_text(table, train, cell_of(run, name, "train"));
    free(train);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunsTable(int64_t runs, const RunSummary *run, Table **table)
{
  Names names;
  Text columns = {0};
  unsigned drawn = 0;
  PetscFunctionBeginUser;
  PetscCall(NamesCollect(runs, run, &names));
  for (int64_t r = 0; r < runs; r++) drawn |= seeds_drawn(run[r].seed);
  text_add(&columns, "run,model,");
  seed_columns(drawn, &columns);
  text_add(&columns, ",status,reason");
  PetscCall(TableCreate(columns.s, table));
  text_clear(&columns);
  for (int i = 0; i < names.count; i++)
    for (int suffix = single(names.name[i]); suffix < 2; suffix++) {
      char *column = column_name(names.name[i], suffix && !single(names.name[i]));
      PetscCall(TableAddColumn(*table, column));
      free(column);
    }
  for (int64_t r = 0; r < runs; r++) {
    PetscCall(TableAddRow(*table));
    table_text(*table, "run", run[r].id);
    table_text(*table, "model", run[r].model);
    table_seeds(*table, run[r].seed);
    table_text(*table, "status", run[r].status);
    table_text(*table, "reason", run[r].reason ? run[r].reason : "");
    PetscCall(PutMetrics(&run[r], &names, *table));
  }
  PetscCall(ArrayDestroy(&names.name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A metric's values of the finished runs of a model; gives how many. */
static int64_t values_of(int64_t runs, const RunSummary *run, const char *model, const char *metric,
                         const char *split, double *value)
{
  int64_t n = 0;
  for (int64_t r = 0; r < runs; r++) {
    if (strcmp(run[r].model, model) || strcmp(run[r].status, "done")) continue;
    const char *cell = cell_of(&run[r], metric, split);
    if (*cell) value[n++] = strtod(cell, NULL);
  }
  return n;
}

/* One row: exact sums, each rounded once. */
static PetscErrorCode AddGroupRow(Table *table, const char *model, const char *metric,
                                  const char *split, int64_t n, const double *value)
{
  Exact sum = {0}, squares = {0};
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < n; i++) exact_add(&sum, value[i]);
  const double mean = exact_value(&sum) / (double)n;
  for (int64_t i = 0; i < n; i++) exact_add(&squares, (value[i] - mean) * (value[i] - mean));
  PetscCall(TableAddRow(table));
  table_text(table, "model", model);
  table_text(table, "metric", metric);
  table_text(table, "split", split);
  table_integer(table, "runs", n);
  table_number(table, "mean", mean);
  if (n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  const double sd = sqrt(exact_value(&squares) / (double)(n - 1));
  const double half = math_student_quantile(.975, (double)(n - 1)) * sd / sqrt((double)n);
  table_number(table, "sd", sd);
  table_number(table, "low", mean - half);
  table_number(table, "high", mean + half);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool named_before(int64_t r, const RunSummary *run)
{
  for (int64_t q = 0; q < r; q++)
    if (!strcmp(run[q].model, run[r].model)) return true;
  return false;
}

PetscErrorCode GroupsTable(int64_t runs, const RunSummary *run, Table **table)
{
  Names names;
  double *value;
  PetscFunctionBeginUser;
  PetscCall(NamesCollect(runs, run, &names));
  PetscCall(ArrayCreate(runs, &value));
  PetscCall(TableCreate("model,metric,split,runs,mean,sd,low,high", table));
  for (int64_t r = 0; r < runs; r++)
    for (int i = 0; !named_before(r, run) && i < names.count; i++)
      for (int s = 0; s < 2; s++) {
        const int64_t n = values_of(runs, run, run[r].model, names.name[i], splits[s], value);
        if (n > 0) PetscCall(AddGroupRow(*table, run[r].model, names.name[i], splits[s], n, value));
      }
  PetscCall(ArrayDestroy(&value));
  PetscCall(ArrayDestroy(&names.name));
  PetscFunctionReturn(PETSC_SUCCESS);
}
