/* Mixtures of anchors: projected gradient on W between passes. Each rank has the rows of W of its
   atoms. */
#include "mixtures.h"
#include "base/eigen.h"
#include "learn/simplex.h"
#include "work.h"
#include <math.h>
#include <string.h>

typedef struct {
  Factors factors; /* first, as FactorsLeaf is given it */
  const MixtureParams *params;
  bool strict;
  double l1;              /* of the rule of codes */
  int64_t p, first, rows; /* anchors; this rank's atoms */
  float *W;               /* [rows x p] */
  Packed anchors;
  double steepest; /* largest eigenvalue of C C^T */
} Mixture;

/* D = W C of all ranks. */
static PetscErrorCode Form(Classical *c)
{
  Mixture *own = c->own;
  const int64_t d = c->d;
  int *count;
  float *mine;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(2 * c->size, &count));
  PetscCall(ArrayCreate(own->rows * d, &mine));
  for (int r = 0; r < c->size; r++) {
    int64_t first, rows;
    part_of(c->m, 1, r, c->size, &first, &rows);
    count[r] = (int)(rows * d), count[c->size + r] = (int)(first * d);
  }
  c->kernels->combine(own->rows, own->p, d, own->W, own->p, c->task->anchors->points, d, mine, d);
  PetscCallMPI(MPI_Allgatherv(mine, count[c->rank], MPI_FLOAT, c->atoms, count, count + c->size,
                              MPI_FLOAT, c->task->comm));
  PetscCall(ArrayDestroy(&mine));
  PetscCall(ArrayDestroy(&count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest eigenvalue of C^T C, which is that of C C^T. */
static PetscErrorCode FindSteepest(Classical *c)
{
  Mixture *own = c->own;
  const int64_t p = own->p, d = c->d;
  const float *C = c->task->anchors->points;
  double *A, *values;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(d * d, &A));
  PetscCall(ArrayCreate(d, &values));
  for (int64_t q = 0; q < p; q++)
    for (int64_t i = 0; i < d; i++) {
      const double a = (double)C[q * d + i];
      for (int64_t l = 0; l < d; l++) A[i * d + l] += a * (double)C[q * d + l];
    }
  PetscCall(EigenSymmetric(d, A, false, values));
  own->steepest = values[d - 1];
  PetscCall(ArrayDestroy(&A));
  PetscCall(ArrayDestroy(&values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

MethodWork mixture_work(const MixtureParams *params, double d, double p, double share)
{
  const double m = (double)params->width, sweeps = (double)params->sweeps;
  MethodWork all = factors_work((double)params->iterations + 1, m, d, share * m);
  all.after_exact += 2 * sweeps * m * m * d;
  all.spread = 4 * sweeps * m * p * d;
  all.once = p * d * d + 9 * d * d * d;
  all.memory += 8 * p * d;
  all.spread_memory = 8 * m * p;
  return all;
}

unsigned mixture_draws(const MixtureParams *params)
{
  return params->pick == PICK_IDENTITY ? 0 : SEED_ANCHORS;
}

char *mixture_check(const MixtureParams *params, const Settings *all, const char **path)
{
  *path = "pick";
  return pick_check(params->pick, all);
}

PetscErrorCode MixtureStart(Classical *c, const MixtureParams *params, bool strict,
                            const CodeRule *rule)
{
  const Anchors *anchors = c->task->anchors;
  Mixture *own;
  void *W;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &own));
  c->own = own;
  own->params = params, own->strict = strict, own->l1 = rule->l1;
  own->p = anchors->p;
  part_of(c->m, 1, c->rank, c->size, &own->first, &own->rows);
  PetscCall(FactorsCreate(c, rule, &own->factors));
  PetscCall(ClassicalSliced(c, "W", H5_F32, c->m, own->p, true, &W));
  own->W = W;
  c->kernels->pack(own->p, c->d, anchors->points, c->d, &own->anchors);
  PetscCall(FindSteepest(c));
  for (int64_t j = 0; j < own->rows; j++) {
    const AnchorPick picked = anchor_pick((Pick)params->pick, (uint64_t)c->task->seed_anchors, c->m,
                                          own->p, own->first + j);
    own->W[j * own->p + picked.q[0]] = picked.w[0];
    if (picked.w[1] != 0) own->W[j * own->p + picked.q[1]] = picked.w[1];
  }
  c->units = params->iterations + 1;
  PetscCall(Form(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MixtureLeaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums)
{
  Mixture *own = c->own;

  PetscFunctionBegin;
  (void)first;
  PetscCall(FactorsLeaf(c, &own->factors, own->l1, rows, X, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G = Z^T Z D - Z^T X of the atoms here. */
static PetscErrorCode FindSlopes(const Classical *c, const double *sums, float *G)
{
  const Mixture *own = c->own;
  const int64_t m = c->m, d = c->d, wide = d + m;
  const double *mine = sums + own->first * wide;
  double *D, *left;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * d, &D));
  PetscCall(ArrayCreate(own->rows * d, &left));
  for (int64_t i = 0; i < m * d; i++) D[i] = (double)c->atoms[i];
  for (int64_t j = 0; j < own->rows; j++)
    memcpy(left + j * d, mine + j * wide, (size_t)d * sizeof(*left));
  c->kernels->subtract64(own->rows, m, d, mine + d, wide, D, d, NULL, left, d);
  for (int64_t i = 0; i < own->rows * d; i++) G[i] = (float)-left[i];
  PetscCall(ArrayDestroy(&D));
  PetscCall(ArrayDestroy(&left));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step. Z^T Z is not above the diagonal of its rows' sums of sizes, so that each row can go by
   1 / (that sum times the steepest slope of the anchors). */
static PetscErrorCode Step(Classical *c, const double *sums)
{
  Mixture *own = c->own;
  const int64_t p = own->p;
  float *G, *slope;
  double *w;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(own->rows * c->d, &G));
  PetscCall(ArrayCreate(own->rows * p, &slope));
  PetscCall(ArrayCreate(p, &w));
  PetscCall(FindSlopes(c, sums, G));
  c->kernels->scores(own->rows, G, c->d, &own->anchors, NULL, slope, p);
  for (int64_t j = 0; j < own->rows; j++) {
    double size = 0;
    for (int64_t l = 0; l < c->m; l++) size += fabs(factors_zz(c, sums, own->first + j, l));
    if (!(size * own->steepest > 0)) continue; /* no token uses it */
    float *row = own->W + j * p;
    for (int64_t q = 0; q < p; q++)
      w[q] = (double)row[q] - (double)slope[j * p + q] / (size * own->steepest);
    if (own->strict) simplex_nearest(p, w);
    for (int64_t q = 0; q < p; q++) row[q] = (float)fmax(w[q], 0);
  }
  PetscCall(ArrayDestroy(&G));
  PetscCall(ArrayDestroy(&slope));
  PetscCall(ArrayDestroy(&w));
  PetscCall(Form(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MixtureFinish(Classical *c, const double *sums, double objective, StepReport *report)
{
  Mixture *own = c->own;

  PetscFunctionBegin;
  own->factors.ready = false;
  if (factors_go_on(c, objective, own->params->tolerance, own->params->iterations, report))
    for (int64_t s = 0; s < own->params->sweeps; s++) PetscCall(Step(c, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MixtureDestroy(Classical *c)
{
  Mixture *own = c->own;

  PetscFunctionBegin;
  PetscCall(FactorsDestroy(&own->factors));
  packed_clear(&own->anchors);
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}
