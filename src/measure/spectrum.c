/* Singular values from the smaller Gram matrix. */
#include "measure/spectrum.h"
#include "base/eigen.h"

/* The shorter side of D as rows: D itself where m <= d, else its transpose. */
static PetscErrorCode ShortSide(const Dictionary *D, int64_t *rows, int64_t *cols, float **R)
{
  const bool tall = D->m > D->d;
  PetscFunctionBeginUser;
  *rows = tall ? D->d : D->m;
  *cols = tall ? D->m : D->d;
  PetscCall(ArrayCreate(D->m * D->d, R));
  for (int64_t j = 0; j < D->m; j++)
    for (int64_t i = 0; i < D->d; i++)
      (*R)[tall ? i * D->m + j : j * D->d + i] = D->atoms[j * D->d + i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumSquares(const Dictionary *dictionary, int64_t *count, double **squares)
{
  int64_t rows, cols;
  float *R;
  double *gram, *values;
  PetscFunctionBeginUser;
  PetscCall(ShortSide(dictionary, &rows, &cols, &R));
  PetscCall(ArrayCreate(rows * rows, &gram));
  PetscCall(ArrayCreate(rows, &values));
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j <= i; j++)
      gram[i * rows + j] = gram[j * rows + i] =
          dictionary->kernels->dot64(cols, R + i * cols, R + j * cols);
  PetscCall(EigenSymmetric(rows, gram, false, values));
  const double least = rows > 0 ? (double)rows * 0x1p-52 * values[rows - 1] : 0;
  for (int64_t i = 0; i < rows; i++)
    if (!(values[i] > least)) values[i] = 0;
  PetscCall(ArrayDestroy(&gram));
  PetscCall(ArrayDestroy(&R));
  *count = rows;
  *squares = values;
  PetscFunctionReturn(PETSC_SUCCESS);
}
