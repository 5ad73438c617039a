/* Prices to begin with: from the optimal matching of a sample of rows and columns, and so on down
   to a size where anything will do. They only save time. */
#include "compare/assignment_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COARSEST = 256, SHRINK = 4, GROUPS = 16 };

static int compare_doubles(const void *x, const void *y)
{
  const double a = *(const double *)x;
  const double b = *(const double *)y;
  return (a > b) - (a < b);
}

static PetscErrorCode ColumnMeans(Matching *M)
{
  PetscFunctionBegin;
  for (int64_t j = 0; j < M->m; j++) M->price[j] = 0;
  for (int64_t i = 0; i < M->n; i++) {
    const int32_t *weight;
    PetscCall(WeightsNext(M->weights, i, &weight));
    for (int64_t j = 0; j < M->m; j++) M->price[j] += (double)weight[j];
  }
  for (int64_t j = 0; j < M->m; j++) M->price[j] = floor(M->price[j] / (double)M->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What sampled rows would give for each column, beyond what they get in the sample's matching: the
   most that any of a group of rows would, averaged over groups */
static PetscErrorCode Offers(const Matching *C, Matching *M, double *most)
{
  Weights *rows;

  PetscFunctionBegin;
  PetscCall(WeightsSample(M->weights, C->n, M->m, &rows));
  for (int64_t j = 0; j < M->m; j++) M->price[j] = 0;
  for (int64_t g = 0; g < GROUPS; g++) {
    for (int64_t j = 0; j < M->m; j++) most[j] = -(double)INFINITY;
    for (int64_t i = g * C->n / GROUPS; i < (g + 1) * C->n / GROUPS; i++) {
      const double gain = (double)C->worth[i] - C->price[C->column[i]];
      const int32_t *weight;
      PetscCall(WeightsNext(rows, i, &weight));
      for (int64_t j = 0; j < M->m; j++) {
        const double offer = (double)weight[j] - gain;
        most[j] = offer > most[j] ? offer : most[j];
      }
    }
    for (int64_t j = 0; j < M->m; j++) M->price[j] += most[j];
  }
  for (int64_t j = 0; j < M->m; j++) M->price[j] = floor(M->price[j] / GROUPS);
  PetscCall(WeightsDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PricesFromSample(Matching *M)
{
  Weights *sample;
  Matching C;
  double *most;

  PetscFunctionBegin;
  PetscCall(WeightsSample(M->weights, M->n / SHRINK, M->m / SHRINK, &sample));
  PetscCall(MatchingCreate(sample, &C));
  PetscCall(AssignmentMatch(&C));
  PetscCall(WeightsDestroy(&sample));
  PetscCall(PetscMalloc1(M->m, &most));
  PetscCall(Offers(&C, M, most));
  PetscCall(PetscFree(most));
  PetscCall(MatchingDestroy(&C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dummies get the `count` cheapest columns, whose prices are made equal */
static PetscErrorCode PlaceDummies(Matching *M, int64_t count, double *level)
{
  double *sorted;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(M->m, &sorted));
  memcpy(sorted, M->price, (size_t)M->m * sizeof(*sorted));
  qsort(sorted, (size_t)M->m, sizeof(*sorted), compare_doubles);
  *level = sorted[count - 1];
  for (int64_t j = 0; j < M->m; j++) {
    if (M->price[j] >= *level) continue;
    M->price[j] = *level;
    M->owner[j] = OWNER_DUMMY;
    count--;
  }
  for (int64_t j = 0; j < M->m && count > 0; j++) {
    if (M->price[j] > *level || M->owner[j] == OWNER_DUMMY) continue;
    M->owner[j] = OWNER_DUMMY;
    count--;
  }
  PetscCall(PetscFree(sorted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentStartPrices(Matching *M, double *level)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < M->n; i++) M->column[i] = OWNER_NONE;
  for (int64_t j = 0; j < M->m; j++) M->owner[j] = OWNER_NONE;
  if (M->n < COARSEST)
    PetscCall(ColumnMeans(M));
  else
    PetscCall(PricesFromSample(M));
  *level = 0;
  if (M->n < M->m) PetscCall(PlaceDummies(M, M->m - M->n, level));
  PetscFunctionReturn(PETSC_SUCCESS);
}
