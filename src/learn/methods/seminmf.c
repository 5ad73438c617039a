/* Semi-nonnegative factorisation: nonnegative codes, atoms of either sign. */
#include "../classical/factors.h"
#include "../classical/work.h"
#include "base/eigen.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t width, iterations;
  double tolerance;
  Choice sparsity;
} SemiNMF;

enum { SWEEPS = 10 }; /* over the atoms, where codes have a penalty */

static const Param params[] = {
    {"width", PARAM_INT, offsetof(SemiNMF, width), NULL, 1, 1e9, "atoms of the dictionary"},
    {"iterations", PARAM_INT, offsetof(SemiNMF, iterations), "100", 0, 1e6,
     "most times that the atoms are renewed, each after a pass over the training tokens"},
    {"tolerance", PARAM_REAL, offsetof(SemiNMF, tolerance), "1e-4", 0, 1,
     "it ends when a pass lowers the objective by no more than this share of it; 0: never"},
    SPARSITY_PARAM(SemiNMF),
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  const SemiNMF *semi = settings;
  *path = "width";
  char *why = tokens_check(semi->width, all);
  return why ? why : sparsity_check(&semi->sparsity, path);
}

static CodeRule rule_of(const SemiNMF *semi, int64_t d)
{
  return (CodeRule){.l1 = sparsity_weight(&semi->sparsity, d)};
}

static PetscErrorCode Start(Classical *c)
{
  const CodeRule rule = rule_of(c->params, c->d);

  PetscFunctionBegin;
  PetscCall(ArrayCreateBytes(1, sizeof(Factors), &c->own));
  PetscCall(FactorsCreate(c, &rule, c->own));
  PetscCall(StartFromTokens(c));
  for (int64_t j = 0; j < c->m && rule.l1 > 0; j++) c->kernels->unit(c->d, c->atoms + j * c->d);
  c->units = ((const SemiNMF *)c->params)->iterations + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Leaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums)
{
  PetscFunctionBegin;
  (void)first;
  PetscCall(FactorsLeaf(c, c->own, rule_of(c->params, c->d).l1, rows, X, sums));
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
    memcpy(Y + j * d, sums + j * (d + m), (size_t)d * sizeof(*Y));
  }
  if (cholesky(m, S)) {
    PetscCall(SolveFactored(c->kernels, m, d, S, Y));
    for (int64_t j = 0; j < m; j++)
      for (int64_t i = j * d; factors_zz(c, sums, j, j) > 0 && i < (j + 1) * d; i++)
        c->atoms[i] = (float)Y[i];
  }
  PetscCall(ArrayDestroy(&S));
  PetscCall(ArrayDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Under a penalty on codes atoms are unit rows, since longer ones would make any penalty small. In
   turn each is the best one for these codes while the others stay: along (Z^T X)_j - sum over l !=
   j of (Z^T Z)_jl D_l; one that no code uses stays, since that is 0. */
static PetscErrorCode RenewUnit(Classical *c, const double *sums)
{
  const int64_t m = c->m, d = c->d;
  double *row;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(d, &row));
  for (int64_t j = 0; j < SWEEPS * m; j++) {
    const int64_t a = j % m;
    double square = 0;
    for (int64_t i = 0; i < d; i++) row[i] = factors_zx(c, sums, a, i);
    for (int64_t l = 0; l < m; l++)
      for (int64_t i = 0; i < d && l != a; i++)
        row[i] -= factors_zz(c, sums, a, l) * (double)c->atoms[l * d + i];
    for (int64_t i = 0; i < d; i++) square += row[i] * row[i];
    for (int64_t i = 0; i < d && square > 0; i++)
      c->atoms[a * d + i] = (float)(row[i] / sqrt(square));
  }
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Classical *c, const double *sums, double objective, StepReport *report)
{
  const SemiNMF *semi = c->params;

  PetscFunctionBegin;
  ((Factors *)c->own)->ready = false;
  if (factors_go_on(c, objective, semi->tolerance, semi->iterations, report))
    PetscCall(sparsity_weight(&semi->sparsity, c->d) > 0 ? RenewUnit(c, sums) : Renew(c, sums));
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
  SemiNMF semi;

  PetscFunctionBegin;
  PetscCall(ParamsRead(&dictionary->settings, "", params, &semi));
  const CodeRule rule = rule_of(&semi, dictionary->d);
  PetscCall(EncodeSolved(dictionary, n, X, &rule, codes));
  PetscCall(ParamsRelease(params, &semi));
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
