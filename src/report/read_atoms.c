/* How often atoms fire, and how often they are found again: atoms.csv beside partners.csv. */
#include "read.h"
#include "base/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 48 }; /* bin b: 2^b to 2^(b + 1) - 1 tokens */

typedef struct {
  int64_t atoms, partners;
  double found, cosine;
} Bin;

static int bin_of(double fired)
{
  int bin = 0;
  while (bin < BINS - 1 && fired >= 2) fired /= 2, bin++;
  return bin;
}

/* Columns of cosines with the other runs of the model of that row of the plan; a run of two models
   has those of both. Gives how many. */
static int64_t own_columns(const Report *report, int64_t row, const Table *partners, int *column)
{
  const char *model = table_cell(report->plan, row, "model");
  int64_t count = 0;
  for (int64_t r = 0; r < report->plan->rows; r++) {
    Text name = {0};
    if (r == row || strcmp(table_cell(report->plan, r, "model"), model)) continue;
    text_add(&name, "%s_cosine", table_cell(report->plan, r, "run"));
    column[count] = table_column(partners, name.s);
    count += column[count] >= 0;
    text_clear(&name);
  }
  return count;
}

/* The least cosine of partners that count as one atom. */
static double threshold_of(const Report *report, const char *model)
{
  for (int64_t i = 0; i < report->recurrence->rows; i++)
    if (!strcmp(table_cell(report->recurrence, i, "model"), model))
      return table_real(report->recurrence, i, "t");
  return NAN;
}

static void add_atom(const Table *partners, int64_t row, int64_t others, const int *column,
                     double t, double fired, Bin *bins)
{
  Bin *bin = &bins[bin_of(fired)];
  char **cell = partners->cells + row * partners->columns;
  int64_t found = 0;
  for (int64_t i = 0; i < others; i++) {
    if (!*cell[column[i]]) continue;
    const double cosine = strtod(cell[column[i]], NULL);
    bin->cosine += cosine;
    bin->partners++;
    found += cosine >= t;
  }
  if (!others) return;
  bin->atoms++;
  bin->found += (double)found / (double)others;
}

static PetscErrorCode AddRun(const Report *report, int64_t row, Mistakes *mistakes, Bin *bins)
{
  char *path[2] = {report_run_file(report, row, "atoms.csv"),
                   report_run_file(report, row, "partners.csv")};

  PetscFunctionBegin;
  if (file_exists(path[0]) && file_exists(path[1])) {
    Table *atoms, *partners;
    PetscCall(TableRead(path[0], mistakes, &atoms));
    PetscCall(TableRead(path[1], mistakes, &partners));
    const int fires = atoms ? table_column(atoms, "fired_train") : -1,
              atom = partners ? table_column(partners, "atom") : -1,
              recurrence = partners ? table_column(partners, "recurrence") : -1;
    const double t = threshold_of(report, table_cell(report->plan, row, "model"));
    int *column;
    PetscCall(PetscMalloc1((size_t)report->plan->rows + 1, &column));
    const int64_t others = partners ? own_columns(report, row, partners, column) : 0;
    for (int64_t i = 0; fires >= 0 && atom >= 0 && recurrence >= 0 && i < partners->rows; i++) {
      const int64_t j = strtoll(partners->cells[i * partners->columns + atom], NULL, 10);
      if (j < 0 || j >= atoms->rows || !*partners->cells[i * partners->columns + recurrence])
        continue;
      const double fired = strtod(atoms->cells[j * atoms->columns + fires], NULL);
      if (fired >= 1) add_atom(partners, i, others, column, t, fired, bins);
    }
    PetscCall(PetscFree(column));
    PetscCall(TableDestroy(&atoms));
    PetscCall(TableDestroy(&partners));
  }
  free(path[0]);
  free(path[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReadFrequencies(Report *report)
{
  Mistakes *none;

  PetscFunctionBegin;
  PetscCall(MistakesCreate(&none)); /* a broken table of one run is left out */
  for (int64_t m = 0; m < report->models->rows; m++) {
    const char *model = table_cell(report->models, m, "model");
    Bin bins[BINS] = {0};
    for (int64_t r = 0; r < report->plan->rows; r++)
      if (!strcmp(table_cell(report->plan, r, "model"), model))
        PetscCall(AddRun(report, r, none, bins));
    for (int b = 0; b < BINS; b++) {
      if (!bins[b].atoms) continue;
      PetscCall(TableAddRow(report->frequency));
      table_text(report->frequency, "model", model);
      table_integer(report->frequency, "low", (int64_t)1 << b);
      table_integer(report->frequency, "high", (int64_t)1 << (b + 1));
      table_integer(report->frequency, "atoms", bins[b].atoms);
      table_number(report->frequency, "found", bins[b].found / (double)bins[b].atoms);
      table_number(report->frequency, "cosine",
                   bins[b].partners ? bins[b].cosine / (double)bins[b].partners : (double)NAN);
    }
  }
  PetscCall(MistakesDestroy(&none));
  PetscFunctionReturn(PETSC_SUCCESS);
}
