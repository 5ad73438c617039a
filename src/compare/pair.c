/* Two sets of atoms: cosines, matchings and maxima, made once for all comparisons. */
#include "compare/pair.h"
#include "compare/assignment.h"
#include "measure/rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static PetscErrorCode Match(int64_t rows, int64_t columns, Matched *matched)
{
  int32_t *weight;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(rows * columns, &weight));
  PetscCall(ArrayCreate(rows, &matched->partner));
  PetscCall(AssignmentWeights(rows * columns, matched->cosine, weight));
  PetscCall(AssignmentSolve(rows, columns, weight, matched->partner, &matched->sum));
  PetscCall(ArrayDestroy(&weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Cosines(const Kernels *kernels, int64_t rows, const float *A, int64_t columns,
                              const float *B, int64_t d, float **cosine)
{
  Packed packed = {0};
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(rows * columns, cosine));
  kernels->pack(columns, d, B, d, &packed);
  kernels->scores(rows, A, d, &packed, NULL, *cosine, columns);
  packed_clear(&packed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { LANES = 16 };

/* least[q] = the larger of itself and c[q]; a NaN is passed over. */
static void raise_lanes(const float *restrict c, float *restrict least)
{
  for (int q = 0; q < LANES; q++) least[q] = c[q] > least[q] ? c[q] : least[q];
}

static PetscErrorCode Largest(AtomPair *pair)
{
  const int64_t rows = pair->a.m, columns = pair->b.m, whole = columns / LANES * LANES;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(rows, &pair->largest_a));
  PetscCall(ArrayCreate(columns, &pair->largest_b));
  for (int64_t j = 0; j < columns; j++) pair->largest_b[j] = -INFINITY;
  for (int64_t i = 0; i < rows; i++) {
    const float *c = pair->atoms.cosine + i * columns;
    float *most = pair->largest_b, lane[LANES], one = -INFINITY;
    for (int q = 0; q < LANES; q++) lane[q] = -INFINITY;
    for (int64_t j = 0; j < whole; j += LANES) {
      raise_lanes(c + j, most + j);
      raise_lanes(c + j, lane);
    }
    for (int64_t j = whole; j < columns; j++) {
      if (c[j] > most[j]) most[j] = c[j];
      if (c[j] > one) one = c[j];
    }
    for (int q = 0; q < LANES; q++) one = lane[q] > one ? lane[q] : one;
    pair->largest_a[i] = one;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matchings by |cosine| and by the mean of both cosines. */
static PetscErrorCode OtherMatchings(unsigned needs, AtomPair *pair)
{
  const int64_t rows = pair->a.m, columns = pair->b.m, count = rows * columns;
  PetscFunctionBeginUser;
  if (needs & NEED_ABSOLUTE) {
    PetscCall(ArrayCreate(count, &pair->absolute.cosine));
    for (int64_t i = 0; i < count; i++) pair->absolute.cosine[i] = fabsf(pair->atoms.cosine[i]);
    PetscCall(Match(rows, columns, &pair->absolute));
  }
  if (needs & NEED_BOTH && pair->encoder.cosine) {
    PetscCall(ArrayCreate(count, &pair->both.cosine));
    for (int64_t i = 0; i < count; i++)
      pair->both.cosine[i] = (pair->atoms.cosine[i] + pair->encoder.cosine[i]) * .5f;
    PetscCall(Match(rows, columns, &pair->both));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairCreate(const Kernels *kernels, const Atoms *a, const Atoms *b, unsigned needs,
                          AtomPair *pair)
{
  PetscFunctionBeginUser;
  *pair = (AtomPair){.kernels = kernels, .a = *a, .b = *b, .of_a = a->m, .of_b = b->m};
  if (a->m == 0 || b->m == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (needs & NEED_COSINES)
    PetscCall(Cosines(kernels, a->m, a->unit, b->m, b->unit, a->d, &pair->atoms.cosine));
  if (needs & NEED_MATCHING) PetscCall(Match(a->m, b->m, &pair->atoms));
  if (needs & NEED_MAXIMA) PetscCall(Largest(pair));
  if (needs & NEED_ENCODER && a->encoder && b->encoder) {
    PetscCall(Cosines(kernels, a->m, a->encoder, b->m, b->encoder, a->d, &pair->encoder.cosine));
    PetscCall(Match(a->m, b->m, &pair->encoder));
  }
  PetscCall(OtherMatchings(needs, pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairDestroy(AtomPair *pair)
{
  Matched *const all[] = {&pair->atoms, &pair->absolute, &pair->encoder, &pair->both};
  PetscFunctionBeginUser;
  for (int i = 0; i < 4; i++) {
    PetscCall(ArrayDestroy(&all[i]->cosine));
    PetscCall(ArrayDestroy(&all[i]->partner));
  }
  PetscCall(ArrayDestroy(&pair->largest_a));
  PetscCall(ArrayDestroy(&pair->largest_b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is everything there that a comparison needs of this pair? */
static bool can_say(const AtomPair *pair, unsigned needs)
{
  if (pair->a.m == 0 || pair->b.m == 0) return false;
  if (needs & (NEED_ENCODER | NEED_BOTH) && !pair->encoder.cosine) return false;
  return !(needs & NEED_CODES) || (pair->a.codes && pair->b.codes && pair->a.codes->n);
}

void pair_values(AtomPair *pair, const ChosenComparison *chosen, double *values)
{
  for (int64_t v = 0; chosen[v].comparison; v++) {
    const Comparison *one = chosen[v].comparison;
    pair->own_a = pair->a.own ? pair->a.own[v] : NULL;
    pair->own_b = pair->b.own ? pair->b.own[v] : NULL;
    values[v] = can_say(pair, one->needs) ? one->value(pair, chosen[v].params) : (double)NAN;
  }
}

PetscErrorCode PairValues(const Kernels *kernels, Atoms a, Atoms b, const ChosenComparison *chosen,
                          double *values)
{
  double **own_a, **own_b;
  AtomPair pair;
  PetscFunctionBeginUser;
  PetscCall(OwnCreate(kernels, &a, chosen, &own_a));
  PetscCall(OwnCreate(kernels, &b, chosen, &own_b));
  a.own = own_a;
  b.own = own_b;
  PetscCall(PairCreate(kernels, &a, &b, chosen_needs(chosen), &pair));
  pair_values(&pair, chosen, values);
  PetscCall(PairDestroy(&pair));
  PetscCall(OwnDestroy(chosen, &own_a));
  PetscCall(OwnDestroy(chosen, &own_b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpreadJoin(MPI_Comm comm, int64_t count, double *values)
{
  uint64_t *bits;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(count, &bits));
  memcpy(bits, values, (size_t)count * sizeof(*bits));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bits, (int)count, MPI_UINT64_T, MPI_BOR, comm));
  memcpy(values, bits, (size_t)count * sizeof(*bits));
  PetscCall(ArrayDestroy(&bits));
  PetscFunctionReturn(PETSC_SUCCESS);
}
