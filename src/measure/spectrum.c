/* Singular values from the smaller Gram matrix. */
#include "measure/spectrum.h"
#include "base/eigen.h"
#include "base/math.h"

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

PetscErrorCode EffectiveRank(const Kernels *kernels, int64_t m, int64_t d, const float *D,
                             double *rank)
{
  const Dictionary dictionary = {.kernels = kernels, .m = m, .d = d, .atoms = (float *)D};
  double *squares, sum = 0, entropy = 0;
  int64_t count;
  PetscFunctionBeginUser;
  PetscCall(SpectrumSquares(&dictionary, &count, &squares));
  for (int64_t i = 0; i < count; i++) sum += sqrt(squares[i]);
  for (int64_t i = 0; i < count; i++) {
    const double p = sqrt(squares[i]) / sum;
    if (p > 0) entropy -= p * math_log(p);
  }
  *rank = sum > 0 ? math_exp(entropy) : (double)NAN;
  PetscCall(ArrayDestroy(&squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}
