/* Laws that every registered metric obeys.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "base/random.h"
#include "measure/pass.h"

#define COMM PETSC_COMM_WORLD
static const Kernels *kernels;
static ChosenMetric chosen[64]; /* all metrics */

/* Codes: the positive scores against the atoms themselves. */
static PetscErrorCode Encode(const Dictionary *D, int64_t n, const float *X, Codes *codes)
{
  Packed packed = {0};
  float *S;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n * D->m, &S));
  D->kernels->pack(D->m, D->d, D->atoms, D->d, &packed);
  PetscCall(CodesReserve(codes, n, n * D->m));
  D->kernels->scores(n, X, D->d, &packed, NULL, S, D->m);
  packed_clear(&packed);
  codes->rows = n;
  codes->start[0] = 0;
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[t];
    codes->start[t + 1] =
        at + D->kernels->select_positive(D->m, S + t * D->m, codes->atom + at, codes->value + at);
  }
  PetscCall(ArrayDestroy(&S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const Method method = {.entry = {.name = "positive"}, .encode = Encode};

static Dictionary dictionary_of(int64_t m, int64_t d, float *atoms)
{
  return (Dictionary){.method = &method, .kernels = kernels, .m = m, .d = d, .atoms = atoms};
}

/* Numbers of n tokens, added `step` at a time by the ranks of comm; backwards: last token first. */
static PetscErrorCode Measure(MPI_Comm comm, const Dictionary *D, bool train, int64_t n,
                              const float *X, int64_t step, bool backwards, Table **table)
{
  int rank, size;
  int64_t first, count;
  float *part;
  Pass *pass;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  part_of(n, 1, rank, size, &first, &count);
  PetscCall(ArrayCreate(n * D->d, &part));
  for (int64_t t = 0; t < n; t++)
    memcpy(part + t * D->d, X + (backwards ? n - 1 - t : t) * D->d, (size_t)D->d * sizeof(*X));
  PetscCall(PassCreate(D, chosen, train, &pass));
  for (int64_t t = first; t < first + count; t += step)
    PetscCall(PassAdd(pass, min_i64(step, first + count - t), part + t * D->d));
  PetscCall(PassJoin(comm, pass));
  PetscCall(TableCreate("metric,split,setting,value", table));
  PetscCall(PassFinish(pass, train ? "train" : "held_out", *table));
  PetscCall(PassDestroy(&pass));
  PetscCall(ArrayDestroy(&part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double value_of(const Table *table, const char *metric, const char *setting)
{
  for (int64_t r = 0; r < table->rows; r++)
    if (!strcmp(table_cell(table, r, "metric"), metric) &&
        !strcmp(table_cell(table, r, "setting"), setting))
      return table_real(table, r, "value");
  return (double)NAN;
}

static bool same_tables(const Table *a, const Table *b)
{
  bool same = a->rows == b->rows && a->columns == b->columns;
  for (int64_t i = 0; same && i < a->rows * a->columns; i++)
    same = !strcmp(a->cells[i], b->cells[i]);
  return same;
}

/* Every entry says what it is, and is named as its file. */
static void test_entries(void)
{
  static const char *const files[] = {
#define X(name) #name,
#include "metric.def"
#undef X
      NULL};
  for (int i = 0; metrics.entries[i]; i++) {
    const Metric *metric = (const Metric *)metrics.entries[i];
    OK(files[i] && !strcmp(files[i], metric->entry.name), "%s: named as its file", files[i]);
    OK(metric->entry.summary && metric->unit && metric->finish, "%s: complete", files[i]);
    OK(!metric->shape == !metric->add, "%s: a state needs both shape and add", files[i]);
    OK(!(metric->cosines && !metric->add), "%s: cosines are for add", files[i]);
  }
}

static const struct {
  const char *name, *setting;
  double low, high; /* bounds for any input, with room for one rounding */
  double hand;      /* value of the case below */
} known[] = {
    {"r2", "", -INFINITY, 1, 1 - 154 / 19.5},
    {"r2_scalar", "", -INFINITY, 1, 1 - 154. / 20},
    {"mse", "", 0, INFINITY, 154. / 8},
    {"cosine", "", -1, 1, (2 + 5 / 5.830951894845301) / 4},
    {"l0", "", 0, 7, 1},
    {"l1", "", 0, INFINITY, 3.5},
    {"dead", "", 0, 1, 1. / 3},
    {"density", "q=0.05", 0, 1, .05},
    {"density", "q=0.25", 0, 1, .25},
    {"density", "q=0.5", 0, 1, .5},
    {"density", "q=0.75", 0, 1, .5},
    {"density", "q=0.95", 0, 1, .5},
    {"stable_rank", "", 1, 5, 1.2},
    {"effective_rank", "", 1, 5, 1.8557926002577647},
    {"coherence", "", 0, 1, 1},
    {"ood", "", 0, 2, 1. / 3},
    {"ood", "tokens", 0, INFINITY, 4},
};
enum { KNOWN = sizeof(known) / sizeof(*known) };

/* Atoms (1, 0), (0, 2), (0, -1). Codes and reconstructions:
   (3, 0): 3 of atom 0, (3, 0).     (0, 4): 8 of atom 1, (0, 16).
   (1, 1): 1 and 2, (1, 4).         (-1, 0): none, 0. */
static PetscErrorCode TestByHand(void)
{
  float atoms[] = {1, 0, 0, 2, 0, -1}, X[] = {3, 0, 0, 4, 1, 1, -1, 0};
  Dictionary D = dictionary_of(3, 2, atoms);
  Table *table, *held_out;
  PetscFunctionBeginUser;
  PetscCall(Measure(COMM, &D, true, 4, X, 2, false, &table));
  PetscCall(Measure(COMM, &D, false, 4, X, 2, false, &held_out));
  for (int i = 0; i < KNOWN; i++)
    NEAR(value_of(table, known[i].name, known[i].setting), known[i].hand, 1e-14, "%s %s: by hand",
         known[i].name, known[i].setting);
  for (int i = 0; metrics.entries[i]; i++) {
    const Metric *metric = (const Metric *)metrics.entries[i];
    const bool there = !isnan(value_of(held_out, metric->entry.name, "")) ||
                       !isnan(value_of(held_out, metric->entry.name, "q=0.5"));
    OK(there == !(metric->once || metric->train_only), "%s: on its splits only",
       metric->entry.name);
  }
  PetscCall(TableDestroy(&held_out));
  PetscCall(TableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens of widely different sizes, so that a sum that is not exact depends on its order. */
static PetscErrorCode TestSplitting(void)
{
  enum { M = 7, WIDTH = 5, N = 301 };
  float atoms[M * WIDTH], X[N * WIDTH];
  for (uint64_t i = 0; i < M * WIDTH; i++) atoms[i] = (float)random_normal(1, RANDOM_LAST, i);
  for (uint64_t i = 0; i < N * WIDTH; i++)
    X[i] = (float)(random_normal(2, RANDOM_LAST, i) *
                   (double)(1 << random_below(3, RANDOM_LAST, i / WIDTH, 24)) * 1e-4);
  Dictionary D = dictionary_of(M, WIDTH, atoms);
  static const int64_t steps[] = {1, 7, 64, N};
  Table *whole, *part;
  PetscFunctionBeginUser;
  PetscCall(Measure(PETSC_COMM_SELF, &D, true, N, X, N, false, &whole));
  for (int i = 0; i < 4; i++) {
    PetscCall(Measure(COMM, &D, true, N, X, steps[i], i % 2, &part));
    OK(same_tables(whole, part), "tiles of %d%s: the same bits", (int)steps[i],
       i % 2 ? ", backwards" : "");
    PetscCall(TableDestroy(&part));
  }
  D.method = NULL;
  PetscCall(Measure(COMM, &D, true, N, X, 64, false, &part));
  for (int i = 0; i < KNOWN; i++) {
    const bool codeless = ((const Metric *)family_find(&metrics, known[i].name))->codeless;
    const double alone = value_of(part, known[i].name, known[i].setting);
    OK(codeless ? alone == value_of(whole, known[i].name, known[i].setting) : isnan(alone),
       "%s: %s without an encoder", known[i].name, codeless ? "the same" : "none");
  }
  PetscCall(TableDestroy(&part));
  for (int i = 0; i < KNOWN; i++) {
    const double v = value_of(whole, known[i].name, known[i].setting);
    OK(v >= known[i].low - 1e-6 && v <= known[i].high + 1e-6, "%s %s: %g is within bounds",
       known[i].name, known[i].setting, v);
  }
  PetscCall(TableDestroy(&whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  Mistakes *mistakes;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesDestroy(&mistakes));
  for (int i = 0; metrics.entries[i]; i++) chosen[i].metric = (const Metric *)metrics.entries[i];
  test_entries();
  PetscCall(TestByHand());
  PetscCall(TestSplitting());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
