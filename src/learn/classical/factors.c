/* What factorisations share: the sums of a pass, the end of a run, the order of the atoms. */
#include "factors.h"
#include "base/random.h"
#include "learn/kmeans.h"
#include "learn/train.h"
#include <math.h>
#include <string.h>

PetscErrorCode FactorsCreate(const Classical *c, const CodeRule *rule, Factors *factors)
{
  PetscFunctionBegin;
  PetscCall(CodeSolverCreate(c->kernels, c->m, c->d, rule, &factors->solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FactorsDestroy(Factors *factors)
{
  PetscFunctionBegin;
  PetscCall(CodeSolverDestroy(&factors->solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t factors_count(const Classical *c)
{
  return c->m * (c->d + c->m);
}

PetscErrorCode FactorsLeaf(Classical *c, Factors *factors, double l1, int64_t rows, const float *X,
                           double *sums)
{
  const int64_t m = c->m, d = c->d, wide = d + m;
  double distance[CLASSICAL_FEW];
  float *Z, *Y;

  PetscFunctionBegin;
  if (!factors->ready) PetscCall(CodeSolverRenew(factors->solver, c->atoms));
  factors->ready = true;
  PetscCall(ClassicalScratch(c, 0, rows * m, &Z));
  PetscCall(ClassicalScratch(c, 1, CLASSICAL_FEW * d, &Y));
  code_solver_rows(factors->solver, rows, X, Z);
  for (int64_t t = 0; t < rows; t += CLASSICAL_FEW) {
    const int64_t count = min_i64(CLASSICAL_FEW, rows - t);
    c->kernels->combine(count, m, d, Z + t * m, m, c->atoms, d, Y, d);
    c->kernels->distances64(count, d, X + t * d, d, Y, d, NULL, distance);
    for (int64_t q = 0; q < count; q++) {
      double size = 0;
      for (int64_t j = 0; j < m && l1 > 0; j++) size += fabs((double)Z[(t + q) * m + j]);
      exact_add(&c->objective, distance[q] / 2 + l1 * size);
    }
  }
  c->kernels->pack_columns(rows, d, X, d, NULL, &c->columns);
  c->kernels->pack_columns(rows, m, Z, m, NULL, &c->codes);
  c->kernels->sum_products(&c->codes, 0, m, &c->columns, d, sums, wide);
  c->kernels->sum_products(&c->codes, 0, m, &c->codes, m, sums + d, wide);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool factors_go_on(Classical *c, double objective, double tolerance, int64_t passes,
                   StepReport *report)
{
  int64_t *ended = &c->number[CLASSICAL_ENDED];
  const int64_t pass = c->number[CLASSICAL_PASS]++;
  report->log = true;
  report->values = 1;
  report->value[0].name = "objective";
  report->value[0].value = objective / (double)c->n;
  if (pass > 0 && tolerance > 0 && c->last - objective <= tolerance * c->last)
    *ended = CLASSICAL_CONVERGED;
  else if (pass >= passes)
    *ended = CLASSICAL_ITERATIONS;
  return !*ended;
}

PetscErrorCode FactorsSettle(Classical *c, const double *sums, bool unit)
{
  const int64_t m = c->m, d = c->d;
  int64_t *order;
  double *energy;
  float *old;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m, &order));
  PetscCall(ArrayCreate(m, &energy));
  PetscCall(ArrayCreate(m * d, &old));
  memcpy(old, c->atoms, (size_t)(m * d) * sizeof(*old));
  for (int64_t j = 0; j < m; j++)
    energy[j] = factors_zz(c, sums, j, j) * c->kernels->square64(d, old + j * d);
  order_by(m, energy, order);
  for (int64_t j = 0; j < m; j++) {
    memcpy(c->atoms + j * d, old + order[j] * d, (size_t)d * sizeof(*old));
    if (unit) c->kernels->unit(d, c->atoms + j * d);
  }
  PetscCall(ArrayDestroy(&order));
  PetscCall(ArrayDestroy(&energy));
  PetscCall(ArrayDestroy(&old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StartFromTokens(Classical *c)
{
  int64_t *token;

  PetscFunctionBegin;
  PetscCheck(c->m <= c->n, c->task->comm, PETSC_ERR_ARG_SIZ, "%lld atoms of %lld tokens",
             (long long)c->m, (long long)c->n);
  PetscCall(ArrayCreate(c->m, &token));
  for (int64_t j = 0; j < c->m; j++)
    token[j] = random_permuted((uint64_t)c->task->seed_init, RANDOM_ATOMS, 0, c->n, j);
  PetscCall(KMeansGather(c->task, c->m, token, c->atoms));
  PetscCall(ArrayDestroy(&token));
  PetscFunctionReturn(PETSC_SUCCESS);
}

char *sparsity_check(const Choice *sparsity, const char **path)
{
  const Sparsity *how = (const Sparsity *)sparsity->entry;
  const char *wrong = NULL;
  Text why = {0};
  *path = "sparsity";
  if (how->of_number)
    wrong = "the number of codes has no gradient, and best codes under a penalty on it are not "
            "found token by token; take l1";
  else if (how->adapts)
    wrong = "a weight that follows the number of codes would change the objective in every pass, "
            "so that none could be said to fall; take l1";
  else if (warmup_factor(how->warmup(sparsity->params), 0, 1000) < 1)
    wrong = "codes and atoms are renewed for one objective, whose weight cannot rise on the way; "
            "take warmup: 0";
  if (wrong) text_add(&why, "%s", wrong);
  return why.s;
}

double sparsity_weight(const Choice *sparsity, int64_t d)
{
  const Sparsity *how = (const Sparsity *)sparsity->entry;
  return how->penalty(sparsity->params, false, 0, 0, 1).l1 * (double)d / 2;
}
