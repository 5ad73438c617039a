/* Cosines and the optimal assignment of two sets of atoms, made once for all comparisons. */
#include "compare/pair.h"
#include "compare/assignment.h"
#include "measure/rows.h"
#include <math.h>
#include <string.h>

const char *const centring_names[CENTRINGS] = {"raw", "centred"};

PetscErrorCode AtomsPrepare(const Kernels *kernels, Centring centring, int64_t m, int64_t d,
                            const float *D, float *unit)
{
  double *mean;
  PetscFunctionBeginUser;
  if (centring == CENTRING_RAW) {
    unit_rows(kernels, m, d, D, unit);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ArrayCreate(d, &mean));
  for (int64_t j = 0; j < m; j++)
    for (int64_t i = 0; i < d; i++) mean[i] += (double)D[j * d + i];
  for (int64_t i = 0; i < d; i++) mean[i] /= (double)m;
  for (int64_t j = 0; j < m; j++)
    for (int64_t i = 0; i < d; i++) unit[j * d + i] = (float)((double)D[j * d + i] - mean[i]);
  unit_rows(kernels, m, d, unit, unit);
  PetscCall(ArrayDestroy(&mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights round(2^30 cosine); a NaN counts as 0. */
static void weigh(int64_t count, const float *cosine, int32_t *weight)
{
  for (int64_t i = 0; i < count; i++)
    weight[i] = isfinite(cosine[i]) ? (int32_t)llrint((double)cosine[i] * 0x1p30) : 0;
}

PetscErrorCode PairValues(const Kernels *kernels, Atoms a, Atoms b, const ChosenComparison *chosen,
                          double *values)
{
  Packed packed = {0};
  float *cosine;
  int32_t *weight;
  int64_t *partner;
  AtomPair pair = {.a = a, .b = b};
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(a.m * b.m, &cosine));
  PetscCall(ArrayCreate(a.m * b.m, &weight));
  PetscCall(ArrayCreate(a.m, &partner));
  kernels->pack(b.m, b.d, b.unit, b.d, &packed);
  kernels->scores(a.m, a.unit, a.d, &packed, NULL, cosine, b.m);
  weigh(a.m * b.m, cosine, weight);
  PetscCall(AssignmentSolve(a.m, b.m, weight, partner, &pair.matched_sum));
  pair.cosine = cosine;
  pair.partner = partner;
  for (int i = 0; chosen[i].comparison; i++)
    values[i] = chosen[i].comparison->value(&pair, chosen[i].params);
  packed_clear(&packed);
  PetscCall(ArrayDestroy(&partner));
  PetscCall(ArrayDestroy(&weight));
  PetscCall(ArrayDestroy(&cosine));
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
