/* Semi-nonnegative factorisation: nonnegative codes, atoms of either sign. */
#include "../classical/factors.h"
#include "../classical/work.h"
#include "base/eigen.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t width, iterations;
  double tolerance;
} SemiNMF;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(SemiNMF, width), NULL, 1, 1e9, "atoms of the dictionary"},
    {"iterations", PARAM_INT, offsetof(SemiNMF, iterations), "100", 0, 1e6,
     "most times that the atoms are renewed, each after a pass over the training tokens"},
    {"tolerance", PARAM_REAL, offsetof(SemiNMF, tolerance), "1e-4", 0, 1,
     "it ends when a pass lowers the objective by no more than this share of it; 0: never"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return tokens_check(((const SemiNMF *)settings)->width, all);
}

static PetscErrorCode Start(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreateBytes(1, sizeof(Factors), &c->own));
  PetscCall(FactorsCreate(c, &(CodeRule){0}, c->own));
  PetscCall(StartFromTokens(c));
  c->units = ((const SemiNMF *)c->params)->iterations + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Leaf(Classical *c, int64_t first, int64_t rows, const float *X, float *sums)
{
  PetscFunctionBegin;
  (void)first;
  PetscCall(FactorsLeaf(c, c->own, 0, rows, X, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The best atoms for these codes: (Z^T Z + 1e-8 of its mean diagonal) D = Z^T X. An atom of no code
   stays. */
static PetscErrorCode Renew(Classical *c, const double *sums)
{
  const int64_t m = c->m, d = c->d;
  double *S, *Y, trace = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * m, &S));
  PetscCall(ArrayCreate(m * d, &Y));
  for (int64_t j = 0; j < m; j++) trace += factors_zz(c, sums, j, j);
  for (int64_t j = 0; j < m; j++) {
    for (int64_t l = j; l < m; l++) S[j * m + l] = factors_zz(c, sums, j, l);
    S[j * m + j] += 1e-8 * trace / (double)m;
    for (int64_t i = 0; i < d; i++) Y[j * d + i] = factors_zx(c, sums, j, i);
  }
  if (cholesky(m, S)) {
    solve_factored(m, d, S, Y);
    for (int64_t i = 0; i < m * d; i++)
      if (factors_zz(c, sums, i / d, i / d) > 0) c->atoms[i] = (float)Y[i];
  }
  PetscCall(ArrayDestroy(&S));
  PetscCall(ArrayDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Classical *c, const double *sums, double objective, StepReport *report)
{
  const SemiNMF *semi = c->params;

  PetscFunctionBegin;
  ((Factors *)c->own)->ready = false;
  if (factors_go_on(c, objective, semi->tolerance, semi->iterations, report))
    PetscCall(Renew(c, sums));
  else
    PetscCall(FactorsSettle(c, sums, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(FactorsDestroy(c->own));
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  const SemiNMF *semi = settings;
  const double m = (double)semi->width;
  MethodWork all = factors_work((double)semi->iterations + 1, m, d, m / 2);
  (void)n, (void)p;
  all.after_exact += m * m * m / 3 + 2 * m * m * d;
  return all;
}

static const ClassicalParts parts = {
    .start = Start, .count = factors_count, .leaf = Leaf, .finish = Finish, .destroy = Destroy};

extern const Method method_seminmf;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_seminmf.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encode(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  PetscFunctionBegin;
  PetscCall(EncodeSolved(dictionary, n, X, &(CodeRule){0}, codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_seminmf = {
    .entry = {"seminmf",
              "semi-nonnegative factorisation: free atoms, nonnegative codes by least squares",
              "Ding, Li and Jordan 2010, IEEE Trans. PAMI 32, 45, section 3.1", params,
              sizeof(SemiNMF), SEED_INIT, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = Encode,
    .work = work,
};
