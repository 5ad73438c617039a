/* Sparse principal components: one pass for the covariance, then sparse loadings from it alone. */
#include "../classical/projection.h"
#include "../classical/work.h"
#include "base/eigen.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t width, iterations;
  double l1, ridge, tolerance;
} SparsePCA;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(SparsePCA, width), NULL, 1, 1e9,
     "components, at most the width of a token"},
    {"l1", PARAM_REAL, offsetof(SparsePCA, l1), "0.05", 0, 1e9,
     "weight of the sum of sizes of the loadings, for factors of mean square 1"},
    {"ridge", PARAM_REAL, offsetof(SparsePCA, ridge), "0.01", 0, 1e9,
     "weight of the squares of a token's code", .open_min = true},
    {"iterations", PARAM_INT, offsetof(SparsePCA, iterations), "1000", 0, 1e6,
     "most turns between loadings and factors; they need no pass over the tokens"},
    {"tolerance", PARAM_REAL, offsetof(SparsePCA, tolerance), "1e-8", 0, 1,
     "it ends when a turn lowers the objective by no more than this share of it"},
    {0},
};

/* The factors are u_k = p_k^T x, of mean square at most 1; all that is asked of the tokens is C. */
typedef struct {
  int64_t m, d;
  double *C;       /* [d x d] covariance */
  double *P, *V;   /* [m x d] factors, loadings */
  double *PC, *M;  /* [m x d] P C, [m x m] P C P^T */
  double *scratch; /* [d] */
} Turn;

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return width_check(((const SparsePCA *)settings)->width, all, "components");
}

static double dot(int64_t d, const double *x, const double *y)
{
  double sum = 0;
  for (int64_t i = 0; i < d; i++) sum += x[i] * y[i];
  return sum;
}

/* y [d] = C x. */
static void times_covariance(const Turn *t, const double *x, double *restrict y)
{
  const int64_t d = t->d;
  memset(y, 0, (size_t)d * sizeof(*y));
  for (int64_t l = 0; l < d; l++) {
    const double *restrict row = t->C + l * d;
    for (int64_t i = 0; i < d; i++) y[i] += x[l] * row[i];
  }
}

static void find_products(Turn *t)
{
  for (int64_t k = 0; k < t->m; k++) times_covariance(t, t->P + k * t->d, t->PC + k * t->d);
  for (int64_t k = 0; k < t->m; k++)
    for (int64_t l = 0; l <= k; l++)
      t->M[k * t->m + l] = t->M[l * t->m + k] = dot(t->d, t->PC + k * t->d, t->P + l * t->d);
}

/* Loadings of all dimensions at once: coordinate descent over the factors, each in turn best while
   the others stay, until none moves by more than 1e-12 of the largest. */
static void find_loadings(Turn *t, double l1)
{
  const int64_t m = t->m, d = t->d;
  for (int sweep = 0; sweep < 1000; sweep++) {
    double moved = 0, largest = 0;
    for (int64_t k = 0; k < m; k++) {
      const double square = t->M[k * m + k];
      double *restrict left = t->scratch;
      if (!(square > 0)) continue;
      memcpy(left, t->PC + k * d, (size_t)d * sizeof(*left));
      for (int64_t l = 0; l < m; l++) {
        const double a = t->M[k * m + l];
        const double *restrict v = t->V + l * d;
        for (int64_t i = 0; i < d && l != k; i++) left[i] -= a * v[i];
      }
      for (int64_t i = 0; i < d; i++) {
        const double size = fmax(fabs(left[i]) - l1, 0) / square, v = left[i] < 0 ? -size : size;
        moved = fmax(moved, fabs(v - t->V[k * d + i]));
        largest = fmax(largest, size);
        t->V[k * d + i] = v;
      }
    }
    if (moved <= 1e-12 * largest) break;
  }
}

/* Each factor in turn the best one for the loadings while the others stay, its mean square brought
   down to 1. */
static void find_factors(Turn *t)
{
  const int64_t m = t->m, d = t->d;
  for (int64_t k = 0; k < m; k++) {
    const double *v = t->V + k * d, square = dot(d, v, v);
    double *restrict p = t->P + k * d;
    if (!(square > 1e-12)) continue;
    for (int64_t i = 0; i < d; i++) t->scratch[i] = v[i];
    for (int64_t l = 0; l < m; l++) {
      const double a = dot(d, v, t->V + l * d);
      for (int64_t i = 0; i < d; i++) t->scratch[i] -= a * t->P[l * d + i];
    }
    for (int64_t i = 0; i < d; i++) p[i] += t->scratch[i] / square;
    times_covariance(t, p, t->scratch);
    const double size = sqrt(fmax(dot(d, p, t->scratch), 0));
    for (int64_t i = 0; i < d && size > 1; i++) p[i] /= size;
  }
}

/* Mean over tokens of |x - sum_k u_k V_k|^2 / 2, and the penalty. */
static double objective_of(const Turn *t, double l1)
{
  const int64_t m = t->m, d = t->d;
  double sum = 0, size = 0;
  for (int64_t i = 0; i < d; i++) sum += t->C[i * d + i] / 2;
  for (int64_t k = 0; k < m; k++) {
    sum -= dot(d, t->PC + k * d, t->V + k * d);
    for (int64_t l = 0; l < m; l++) sum += t->M[k * m + l] * dot(d, t->V + k * d, t->V + l * d) / 2;
    for (int64_t i = 0; i < d; i++) size += fabs(t->V[k * d + i]);
  }
  return sum + l1 * size;
}

static double turn_until(Turn *t, const SparsePCA *sparse, int64_t *ended)
{
  double last = 0, now = 0;
  *ended = CLASSICAL_ITERATIONS;
  for (int64_t turn = 0; turn < max_i64(sparse->iterations, 1); turn++) {
    find_products(t);
    find_loadings(t, sparse->l1);
    now = objective_of(t, sparse->l1);
    if (turn > 0 && last - now <= sparse->tolerance * last) {
      *ended = CLASSICAL_CONVERGED;
      break;
    }
    last = now;
    if (turn + 1 < sparse->iterations) find_factors(t);
  }
  return now;
}

/* Atoms are the loadings as unit rows; the encoder is (V V^T + ridge)^(-1) V. */
static PetscErrorCode Form(Classical *c, Turn *t)
{
  const int64_t m = t->m, d = t->d;
  double *S, *E;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * m, &S));
  PetscCall(ArrayCreate(m * d, &E));
  for (int64_t k = 0; k < m; k++) {
    double *v = t->V + k * d;
    const double size = sqrt(dot(d, v, v));
    settle_sign(d, v);
    for (int64_t i = 0; i < d && size > 0; i++) v[i] /= size;
    for (int64_t i = 0; i < d; i++) c->atoms[k * d + i] = (float)(E[k * d + i] = v[i]);
  }
  for (int64_t k = 0; k < m; k++)
    for (int64_t l = 0; l < m; l++)
      S[k * m + l] =
          dot(d, t->V + k * d, t->V + l * d) + (k == l ? ((const SparsePCA *)c->params)->ridge : 0);
  PetscCheck(cholesky(m, S), PETSC_COMM_SELF, PETSC_ERR_PLIB, "the loadings' products and a ridge");
  PetscCall(SolveFactored(c->kernels, m, d, S, E));
  projection_encoder(c, E);
  PetscCall(ArrayDestroy(&S));
  PetscCall(ArrayDestroy(&E));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Classical *c, const double *sums, double objective, StepReport *report)
{
  Turn t = {.m = c->m, .d = c->d};

  PetscFunctionBegin;
  (void)objective;
  PetscCall(ProjectionFinish(c, sums, 0, report));
  const double *variance = projection_variance(c);
  PetscCall(ArrayCreate(t.d * t.d, &t.C));
  PetscCall(ArrayCreate(t.m * t.d, &t.P));
  PetscCall(ArrayCreate(t.m * t.d, &t.V));
  PetscCall(ArrayCreate(t.m * t.d, &t.PC));
  PetscCall(ArrayCreate(t.m * t.m, &t.M));
  PetscCall(ArrayCreate(t.d, &t.scratch));
  PetscCall(ProjectionCovariance(c, sums, t.C));
  for (int64_t i = 0; i < t.m * t.d; i++) {
    const double s = sqrt(variance[i / t.d]), v = (double)c->atoms[i];
    t.P[i] = s > 0 ? v / s : 0;
    t.V[i] = s * v;
  }
  report->value[0].name = "objective";
  report->value[0].value = turn_until(&t, c->params, &c->number[CLASSICAL_ENDED]);
  PetscCall(Form(c, &t));
  PetscCall(ArrayDestroy(&t.C));
  PetscCall(ArrayDestroy(&t.P));
  PetscCall(ArrayDestroy(&t.V));
  PetscCall(ArrayDestroy(&t.PC));
  PetscCall(ArrayDestroy(&t.M));
  PetscCall(ArrayDestroy(&t.scratch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(ProjectionStart(c, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Turns, at most, each with some fifty sweeps over the loadings. */
static MethodWork work(const void *settings, double n, double d, double p)
{
  const SparsePCA *sparse = settings;
  const double m = (double)sparse->width, turns = (double)sparse->iterations;
  MethodWork all = gram_work(d);
  (void)n, (void)p;
  all.once += turns * (4 * m * d * d + 100 * m * m * d);
  return all;
}

static const ClassicalParts parts = {
    .start = Start,
    PROJECTION_PARTS,
    .finish = Finish,
};

extern const Method method_sparse_pca;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_sparse_pca.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_sparse_pca = {
    .entry = {"sparse_pca", "sparse principal components: sparse atoms, codes by ridge regression",
              "Mairal et al. 2009, ICML, section 4.4; Zou, Hastie and Tibshirani 2006", params,
              sizeof(SparsePCA), 0, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeScores,
    .work = work,
};
