/* Exact sums of columns, fast: what the statistics of a token file are made of. */
#pragma once
#include "base/exact.h"

typedef struct {
  int64_t d;
  Exact *sum, *square; /* [d] of x, of x^2 */
  float *least, *most; /* [d] */
} ColumnSums;

/* ColumnSumsCreate - nothing added yet. Not collective. */
PetscErrorCode ColumnSumsCreate(int64_t d, ColumnSums **sums);
PetscErrorCode ColumnSumsDestroy(ColumnSums **sums);
/* Adds rows of finite numbers X [rows x d]. */
void column_sums_add(ColumnSums *sums, int64_t rows, const float *X);
/* ColumnSumsJoin - the sums of all ranks, everywhere. Collective. */
PetscErrorCode ColumnSumsJoin(MPI_Comm comm, ColumnSums *sums);
