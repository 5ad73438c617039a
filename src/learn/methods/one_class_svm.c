/* The tokens that a one-class support vector machine, made from a sample, puts outermost. */
#include "../classical/lanes.h"
#include "../classical/select.h"
#include "base/math.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t width, sample;
  double nu, gamma;
} SVM;

typedef struct {
  int64_t n;
  float *rows;    /* [n x d] the sample */
  double *a;      /* [n] weights, of sum 1 */
  double rate;    /* kernel exp(-rate |x - y|^2) */
  int64_t outer;  /* rows of weight above 0, */
  int64_t ld;     /* up to a multiple of 8, */
  Packed packed;  /* packed, */
  double *weight; /* [ld] their weights */
  double *square; /* [ld] and squares */
  float *S;       /* [CLASSICAL_CHUNK x ld] */
  double *e;      /* [ld] */
} Machine;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(SVM, width), NULL, 1, 1e9, "tokens chosen"},
    {"nu", PARAM_REAL, offsetof(SVM, nu), "0.1", 0, 1, "share of the sample that may lie outside",
     .open_min = true},
    {"gamma", PARAM_REAL, offsetof(SVM, gamma), "1", 0, 1e9,
     "of the kernel exp(-gamma |x - y|^2 / d)", .open_min = true},
    {"sample", PARAM_INT, offsetof(SVM, sample), "1024", 2, 20000,
     "training tokens drawn at random that it is made from"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return tokens_check(((const SVM *)settings)->width, all);
}

static double kernel_of(const Classical *c, const Machine *machine, const float *x, int64_t row)
{
  return math_exp(-machine->rate * c->kernels->distance64(c->d, x, machine->rows + row * c->d));
}

/* Minimises a^T K a / 2 over 0 <= a <= most of sum 1: weight goes from the row of the largest slope
   to that of the least, until they differ by no more than 1e-9. */
static void solve(int64_t n, const double *K, double most, double *a, double *slope)
{
  double left = 1;
  for (int64_t i = 0; i < n; i++) a[i] = fmin(most, left), left -= a[i];
  for (int64_t i = 0; i < n; i++)
    for (int64_t l = 0; l < n; l++) slope[i] += K[i * n + l] * a[l];
  for (int64_t turn = 0; turn < 200 * n; turn++) {
    int64_t to = -1, from = -1;
    for (int64_t i = 0; i < n; i++) {
      if (a[i] < most && (to < 0 || slope[i] < slope[to])) to = i;
      if (a[i] > 0 && (from < 0 || slope[i] > slope[from])) from = i;
    }
    if (to < 0 || from < 0 || slope[from] - slope[to] <= 1e-9) break;
    const double bend = K[to * n + to] + K[from * n + from] - 2 * K[to * n + from];
    double step = fmin(most - a[to], a[from]);
    if (bend > 0) step = fmin(step, (slope[from] - slope[to]) / bend);
    a[to] = a[to] + step >= most ? most : a[to] + step;
    a[from] = step >= a[from] ? 0 : a[from] - step;
    for (int64_t i = 0; i < n; i++) slope[i] += step * (K[to * n + i] - K[from * n + i]);
  }
}

/* The rows that scores are made of. */
static PetscErrorCode PackOuter(const Classical *c, Machine *machine)
{
  const int64_t d = c->d;
  float *rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(machine->n * d, &rows));
  PetscCall(ArrayCreate(machine->n + 8, &machine->weight));
  PetscCall(ArrayCreate(machine->n + 8, &machine->square));
  for (int64_t i = 0; i < machine->n; i++) {
    if (!(machine->a[i] > 0)) continue;
    memcpy(rows + machine->outer * d, machine->rows + i * d, (size_t)d * sizeof(*rows));
    machine->square[machine->outer] = c->kernels->square64(d, machine->rows + i * d);
    machine->weight[machine->outer++] = machine->a[i];
  }
  c->kernels->pack(machine->outer, d, rows, d, &machine->packed);
  machine->ld = (machine->outer + 7) / 8 * 8;
  PetscCall(ArrayCreate(CLASSICAL_CHUNK * machine->ld, &machine->S));
  PetscCall(ArrayCreate(machine->ld, &machine->e));
  PetscCall(ArrayDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(Classical *c, void **model)
{
  const SVM *svm = c->params;
  Machine *machine;
  double *K, *slope;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &machine));
  *model = machine;
  machine->n = svm->sample;
  machine->rate = svm->gamma / (double)c->d;
  PetscCall(SampleTokens(c, &machine->n, &machine->rows));
  const int64_t n = machine->n;
  PetscCall(ArrayCreate(n, &machine->a));
  PetscCall(ArrayCreate(n, &slope));
  PetscCall(ArrayCreate(n * n, &K));
  for (int64_t i = 0; i < n; i++)
    for (int64_t l = 0; l <= i; l++)
      K[i * n + l] = K[l * n + i] = kernel_of(c, machine, machine->rows + i * c->d, l);
  solve(n, K, fmax(1 / (svm->nu * (double)n), 1 / (double)n), machine->a, slope);
  PetscCall(PackOuter(c, machine));
  PetscCall(ArrayDestroy(&K));
  PetscCall(ArrayDestroy(&slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sum of weight times kernel over the rows, row i in lane i mod 8; lanes are joined 4 apart, then
   2, then 1. |x - y|^2 = |x|^2 + |y|^2 - 2 x y, the products s in float32. */
static double inside(const Classical *c, const Machine *machine, double square, const float *s)
{
  const Lanes *squares = (const Lanes *)machine->square, *weight = (const Lanes *)machine->weight;
  Lanes *e = (Lanes *)machine->e, sum[4] = {{0}};
  for (int64_t i = 0; i < machine->ld / 2; i++) {
    const Lanes product = {(double)s[2 * i], (double)s[2 * i + 1]},
                far = square + squares[i] - 2 * product;
    e[i] = -machine->rate * above_zero(far);
  }
  c->kernels->exp64(machine->ld, machine->e, machine->e);
  for (int64_t i = 0; i < machine->ld / 2; i++) sum[i % 4] += weight[i] * e[i];
  sum[0] += sum[2], sum[1] += sum[3];
  sum[0] += sum[1];
  return sum[0][0] + sum[0][1];
}

static PetscErrorCode Score(const Classical *c, void *model, int64_t rows, const float *X,
                            double *score)
{
  const Machine *machine = model;
  const int64_t d = c->d, ld = machine->ld;

  PetscFunctionBegin;
  c->kernels->scores(rows, X, d, &machine->packed, NULL, machine->S, ld);
  for (int64_t t = 0; t < rows; t++)
    score[t] = -inside(c, machine, c->kernels->square64(d, X + t * d), machine->S + t * ld);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Release(void **model)
{
  Machine *machine = *model;

  PetscFunctionBegin;
  if (!machine) PetscFunctionReturn(PETSC_SUCCESS);
  packed_clear(&machine->packed);
  PetscCall(ArrayDestroy(&machine->weight));
  PetscCall(ArrayDestroy(&machine->square));
  PetscCall(ArrayDestroy(&machine->S));
  PetscCall(ArrayDestroy(&machine->e));
  PetscCall(ArrayDestroy(&machine->rows));
  PetscCall(ArrayDestroy(&machine->a));
  PetscCall(ArrayDestroy(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  const SVM *s = settings;
  const double sample = fmin((double)s->sample, n);
  const double outside = fmax(s->nu * sample, 1);
  (void)p;
  MethodWork all =
      select_work(2 * outside * d, 2 * d + outside * 40, 0, sample * sample * (1.5 * d + 40),
                  sample * (8 * sample + 4 * d), (sample + (double)s->width) * d);
  work_part(&all, "square64", 0, d, 1);
  work_part(&all, "scores", outside, d, 1);
  work_part(&all, "exp64", outside, 0, 1);
  return all;
}

/* The rows that the machine has, which are at least the share nu of its sample. */
static void fitted(const void *self, MethodWork *all)
{
  const double outer = (double)((const Machine *)select_model(self))->outer;
  all->products *= outer / all->part[1].a;
  all->exact = 2 * all->part[0].b + outer * 40;
  all->part[1].a = all->part[2].a = outer;
}

SELECT_METHOD(
    one_class_svm, SVM,
    "the tokens that a one-class support vector machine puts outermost; codes are 1 at the "
    "nearest",
    "Scholkopf et al. 2001, Neural Comput. 13, 1443; Fel et al. 2025, figure 11", .fitted = fitted)
