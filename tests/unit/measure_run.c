/* Measuring a model from its token file: splits, sample, atoms, ranks.
   RUN ranks=1
   RUN ranks=3 */
#include "../tap.h"
#include "measure/metric.h"
#include "random_tokens.h"
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
enum { N = 2500, WIDTH = 6, M = 5, LIMIT = 700 };
static const char path[] = "measure_run.test.h5";
static const Kernels *kernels;

/* One atom for each token: the one of the largest score, never atom 3. */
static PetscErrorCode Encode(const Dictionary *D, int64_t n, const float *X, Codes *codes)
{
  float S[M];
  uint8_t mask[M] = {1, 1, 1, 0, 1};
  Packed packed = {0};
  PetscFunctionBeginUser;
  D->kernels->pack(M, D->d, D->atoms, D->d, &packed);
  PetscCall(CodesReserve(codes, n, n));
  codes->rows = n;
  codes->start[0] = 0;
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[t];
    D->kernels->scores(1, X + t * D->d, D->d, &packed, NULL, S, M);
    codes->start[t + 1] =
        at + D->kernels->select_top(M, S, 1, mask, codes->atom + at, codes->value + at);
  }
  packed_clear(&packed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Method method = {.entry = {.name = "first"}, .encode = Encode};

static bool same_tables(const Table *a, const Table *b)
{
  bool same = a->rows == b->rows && a->columns == b->columns;
  for (int64_t i = 0; same && i < a->rows * a->columns; i++)
    same = !strcmp(a->cells[i], b->cells[i]);
  return same;
}

static double value_of(const Table *table, const char *metric, const char *split,
                       const char *setting)
{
  for (int64_t r = 0; r < table->rows; r++)
    if (!strcmp(table_cell(table, r, "metric"), metric) &&
        !strcmp(table_cell(table, r, "split"), split) &&
        !strcmp(table_cell(table, r, "setting"), setting))
      return table_real(table, r, "value");
  return (double)NAN;
}

/* mse and counts of firing of the tokens on one side, straight from the definition. */
static PetscErrorCode Plain(const View *view, const Dictionary *D, int64_t n, const int64_t *row,
                            double *mse, int64_t *fired)
{
  float X[WIDTH], Y[WIDTH];
  Codes codes = {0};
  PetscFunctionBeginUser;
  *mse = 0;
  memset(fired, 0, M * sizeof(*fired));
  for (int64_t t = 0; t < n; t++) {
    PetscCall(ViewRead(view, 1, row + t, X));
    PetscCall(Encode(D, 1, X, &codes));
    PetscCall(DictionaryDecode(D, &codes, Y));
    if (codes.start[1]) fired[codes.atom[0]]++;
    for (int i = 0; i < WIDTH; i++)
      *mse += ((double)X[i] - (double)Y[i]) * ((double)X[i] - (double)Y[i]) / (double)(n * WIDTH);
  }
  codes_clear(&codes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSide(const View *view, const Dictionary *D, const char *split,
                                const Table *values, const Table *atoms)
{
  const bool train = !strcmp(split, "train");
  const int64_t n = train ? split_sample_count(view->split, LIMIT) : split_count(view->split, true);
  int64_t *row, fired[M];
  double mse;
  bool counts = true;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n, &row));
  if (train) PetscCall(SplitSample(view->split, LIMIT, row));
  for (int64_t i = 0; !train && i < n; i++) row[i] = split_row(view->split, true, i);
  PetscCall(Plain(view, D, n, row, &mse, fired));
  for (int j = 0; j < M; j++)
    counts &= table_real(atoms, j, train ? "fired_train" : "fired_held_out") == (double)fired[j];
  NEAR(value_of(values, "mse", split, ""), mse, 1e-12, "mse on %s", split);
  OK(counts && fired[3] == 0 && fired[0] > 0, "counts of firing on %s", split);
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestRun(Mistakes *mistakes)
{
  ChosenMetric chosen[64] = {0};
  float atoms[M * WIDTH];
  TestView test;
  Table *values, *table, *values_alone, *table_alone;
  PetscFunctionBeginUser;
  for (int i = 0; metrics.entries[i]; i++) chosen[i].metric = (const Metric *)metrics.entries[i];
  for (uint64_t i = 0; i < M * WIDTH; i++) atoms[i] = (float)random_normal(9, RANDOM_LAST, i);
  Dictionary D = {.method = &method, .kernels = kernels, .m = M, .d = WIDTH, .atoms = atoms};
  PetscCall(TestViewCreate(COMM, kernels, path, .25, mistakes, &test));
  PetscCall(MeasureRun(COMM, &test.view, &D, chosen, LIMIT, &values, &table));
  PetscCall(
      MeasureRun(PETSC_COMM_SELF, &test.view, &D, chosen, LIMIT, &values_alone, &table_alone));
  OK(same_tables(values, values_alone) && same_tables(table, table_alone),
     "the same bits on one rank");
  OK(table->rows == M, "a row for each atom");
  NEAR(table_real(table, 1, "norm"), sqrt(kernels->square64(WIDTH, atoms + WIDTH)), 0, "norm");
  PetscCall(CheckSide(&test.view, &D, "train", values, table));
  PetscCall(CheckSide(&test.view, &D, "held_out", values, table));
  NEAR(value_of(values, "dead", "train", ""), .2, 1e-15, "atom 3 is dead");
  const double seen = value_of(values, "ood", "train", "tokens");
  OK(seen <= LIMIT && seen > LIMIT / 2, "the sample keeps its limit: %g", seen);
  PetscCall(TableDestroy(&values));
  PetscCall(TableDestroy(&table));
  PetscCall(TableDestroy(&values_alone));
  PetscCall(TableDestroy(&table_alone));
  PetscCall(TestViewDestroy(&test));
  PetscCall(TestViewCreate(COMM, kernels, path, 0, mistakes, &test));
  PetscCall(MeasureRun(COMM, &test.view, &D, chosen, LIMIT, &values, &table));
  OK(isnan(value_of(values, "mse", "held_out", "")) && value_of(values, "mse", "train", "") > 0,
     "nothing held out: no such rows");
  PetscCall(TableDestroy(&values));
  PetscCall(TableDestroy(&table));
  PetscCall(TestViewDestroy(&test));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  Mistakes *mistakes;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(RandomTokens(COMM, kernels, path, N, WIDTH, mistakes));
  PetscCall(TestRun(mistakes));
  OK(!mistakes_count(mistakes), "no mistakes");
  PetscCall(MistakesDestroy(&mistakes));
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0) unlink(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
