/* Sparse autoencoders of every kind, trained to the same parameters as float64 NumPy trains them
   from the same start on the same batches: tests/oracle/sae.py.
   RUN ranks=1 */
#include "../method_task.h"
#include "../tap.h"

typedef struct {
  const char *name, *words;
  struct {
    const char *name;
    int64_t count, at; /* numbers, the first of them in oracle_numbers */
  } array[10];
} OracleCase;
#include "../data/sae.inc"

static const char path[] = "learn_oracle.tokens.h5";

/* Mixtures of 10 directions. */
static double value(int64_t row, int64_t i)
{
  double x = 0.2 * noise((uint64_t)(row * D + i + 1));
  for (int64_t f = 0; f < 10; f++)
    x += 9 * fmax(noise((uint64_t)(1000000 + row * 10 + f)) - 0.7, 0) *
         (noise((uint64_t)(2000000 + f * D + i)) - 0.5);
  return x;
}

/* The numbers of that name, as doubles: atoms, a tensor, a number that the code keeps, or one that
   the last step told. How many. */
static int64_t ours(SAE *sae, const StepReport *report, const char *name, double *x)
{
  const Tensor *tensor = tensor_named(sae, name);
  const bool atoms = !strcmp(name, "atoms");
  const float *from = atoms ? sae->D : tensor ? tensor->p : NULL;
  const int64_t count = atoms ? M * D : tensor ? tensor->rows * tensor->cols : 0;
  for (int64_t q = 0; q < count; q++) x[q] = (double)from[q];
  if (count) return count;
  const char *const *kept = sae->now.code->numbers ? sae->now.code->numbers(sae->now.params) : NULL;
  for (int i = 0; kept && kept[i]; i++)
    if (!strcmp(kept[i], name)) return *x = sae->now.numbers[i], 1;
  for (int i = 0; i < report->values; i++)
    if (!strcmp(report->value[i].name, name)) return *x = report->value[i].value, 1;
  return 0;
}

static double length(int64_t count, const double *x, const double *y)
{
  double sum = 0;
  for (int64_t q = 0; q < count; q++) sum += (x[q] - y[q]) * (x[q] - y[q]);
  return sqrt(sum);
}

static double farthest(int64_t count, const double *x, const double *y)
{
  double most = 0;
  for (int64_t q = 0; q < count; q++) most = fmax(most, fabs(x[q] - y[q]));
  return most;
}

/* Every array within 2e-5 of the way that it went, no element off by more than 1e-3 of the longest
   way of one; numbers within 1e-5 of their size. */
static PetscErrorCode Check(const OracleCase *c)
{
  SAETask t;
  SAE *sae;
  StepReport report;
  enum { ARRAYS = 10, MOST = M * (D > ANCHORS ? D : ANCHORS) };
  static double start[ARRAYS][MOST], end[MOST];
  char words[400];
  double worst = 0;
  bool fine = true;

  PetscFunctionBeginUser;
  snprintf(words, sizeof(words), "width=%d train.batch=%d train.steps=%d %s", M, BATCH, STEPS,
           c->words);
  PetscCall(SAETaskOpen(PETSC_COMM_WORLD, path, words, ANCHORS, &t));
  PetscCall(SAECreate(&t.task, &sae));
  for (int a = 0; a < ARRAYS && c->array[a].name; a++)
    ours(sae, &(StepReport){0}, c->array[a].name, start[a]);
  for (int step = 0; step < STEPS; step++) PetscCall(SAEStep(sae, &report));
  for (int a = 0; a < ARRAYS && c->array[a].name; a++) {
    const double *oracle = oracle_numbers + c->array[a].at;
    const int64_t count = c->array[a].count;
    const bool same = ours(sae, &report, c->array[a].name, end) == count;
    double share = fabs(end[0] - oracle[0]) / fmax(fabs(oracle[0]), 1e-9), most = 0;
    if (count > 1) {
      share = length(count, end, oracle) / length(count, end, start[a]);
      most = farthest(count, end, oracle) / farthest(count, end, start[a]);
    }
    if (!same || !(share < (count > 1 ? 2e-5 : 1e-5)) || !(most < 1e-3)) {
      fine = false;
      fprintf(stderr, "# %s %s: off by %.2g, an element by %.2g\n", c->name, c->array[a].name,
              share, most);
    }
    worst = fmax(worst, share);
  }
  OK(fine && c->array[0].name, "%s: within %.1e of its way", c->name, worst);
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(MethodTokens(path, N, D, value));
  for (size_t i = 0; i < sizeof(oracle_cases) / sizeof(*oracle_cases); i++)
    RUN(Check(&oracle_cases[i]));
  unlink(path);
  return TestEnd();
}
