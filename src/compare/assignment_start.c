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

static void column_means(Matching *M)
{
  for (int64_t j = 0; j < M->m; j++) M->price[j] = 0;
  for (int64_t i = 0; i < M->n; i++)
    for (int64_t j = 0; j < M->m; j++) M->price[j] += (double)M->weight[i * M->m + j];
  for (int64_t j = 0; j < M->m; j++) M->price[j] = floor(M->price[j] / (double)M->n);
}

/* What sampled rows would give for each column, beyond what they get in the sample's matching: the
   most that any of a group of rows would, averaged over groups */
static void offers(const Matching *C, Matching *M, double *most)
{
  for (int64_t j = 0; j < M->m; j++) M->price[j] = 0;
  for (int64_t g = 0; g < GROUPS; g++) {
    for (int64_t j = 0; j < M->m; j++) most[j] = -(double)INFINITY;
    for (int64_t i = g * C->n / GROUPS; i < (g + 1) * C->n / GROUPS; i++) {
      const int32_t *restrict weight = M->weight + (i * M->n / C->n) * M->m;
      const double gain = (double)C->weight[i * C->m + C->column[i]] - C->price[C->column[i]];
      for (int64_t j = 0; j < M->m; j++) {
        const double offer = (double)weight[j] - gain;
        most[j] = offer > most[j] ? offer : most[j];
      }
    }
    for (int64_t j = 0; j < M->m; j++) M->price[j] += most[j];
  }
  for (int64_t j = 0; j < M->m; j++) M->price[j] = floor(M->price[j] / GROUPS);
}

static PetscErrorCode PricesFromSample(Matching *M)
{
  Matching C = {.n = M->n / SHRINK, .m = M->m / SHRINK};
  int32_t *weight;
  double *most;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(C.n * C.m, &weight, C.m, &C.price, C.n, &C.column, C.m, &C.owner));
  for (int64_t i = 0; i < C.n; i++)
    for (int64_t j = 0; j < C.m; j++)
      weight[i * C.m + j] = M->weight[(i * M->n / C.n) * M->m + j * M->m / C.m];
  C.weight = weight;
  PetscCall(AssignmentMatch(&C));
  PetscCall(PetscMalloc1(M->m, &most));
  offers(&C, M, most);
  PetscCall(PetscFree(most));
  PetscCall(PetscFree4(weight, C.price, C.column, C.owner));
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
    column_means(M);
  else
    PetscCall(PricesFromSample(M));
  *level = 0;
  if (M->n < M->m) PetscCall(PlaceDummies(M, M->m - M->n, level));
  PetscFunctionReturn(PETSC_SUCCESS);
}
