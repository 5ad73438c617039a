/* Mean and covariance of tokens in a fixed order of operations, where every rank reads all tokens
   and sums its own rows of the matrix; and tokens that look like them. */
#include "compare/covariance.h"
#include "base/array.h"
#include "base/random.h"
#include "compare/pair.h"
#include <string.h>

enum { TILE = 256 };

static void add_products(int64_t n, int64_t d, int64_t from, int64_t step, const double *restrict T,
                         double *restrict upper)
{
  for (int64_t i = from; i < d; i += step) {
    double *restrict sum = upper + i * d;
    for (int64_t t = 0; t < n; t++) {
      const double *restrict x = T + t * d;
      const double a = x[i];
      for (int64_t j = i; j < d; j++) sum[j] += a * x[j];
    }
  }
}

static PetscErrorCode AddMean(const View *view, int64_t n, const int64_t *row, int64_t d, float *X,
                              double *mean)
{
  PetscFunctionBeginUser;
  for (int64_t t = 0; t < n; t += TILE) {
    const int64_t here = min_i64(TILE, n - t);
    PetscCall(ViewRead(view, here, row + t, X));
    for (int64_t q = 0; q < here; q++)
      for (int64_t i = 0; i < d; i++) mean[i] += (double)X[q * d + i];
  }
  for (int64_t i = 0; i < d; i++) mean[i] /= (double)n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TokensCovariance(MPI_Comm comm, const View *view, int64_t n, const int64_t *row,
                                double *mean, double *upper)
{
  const int64_t d = tokens_width(view->tokens);
  int rank, size;
  float *X;
  double *T;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(ArrayCreate(TILE * d, &X));
  PetscCall(ArrayCreate(TILE * d, &T));
  for (int64_t i = 0; i < d; i++) mean[i] = 0;
  for (int64_t i = 0; i < d * d; i++) upper[i] = 0;
  PetscCall(AddMean(view, n, row, d, X, mean));
  for (int64_t t = 0; t < n; t += TILE) {
    const int64_t here = min_i64(TILE, n - t);
    PetscCall(ViewRead(view, here, row + t, X));
    for (int64_t q = 0; q < here; q++)
      for (int64_t i = 0; i < d; i++) T[q * d + i] = (double)X[q * d + i] - mean[i];
    add_products(here, d, rank, size, T, upper);
  }
  for (int64_t i = 0; i < d * d; i++) upper[i] /= (double)n;
  PetscCall(SpreadJoin(comm, d * d, upper));
  PetscCall(ArrayDestroy(&T));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A tile of rows, so that a row of the factor is read once for all of them. */
static void gaussian_tile(int64_t d, const double *restrict mean, const double *restrict factor,
                          int64_t rows, const double *restrict z, double *restrict x)
{
  for (int64_t t = 0; t < rows; t++) memcpy(x + t * d, mean, (size_t)d * sizeof(*x));
  for (int64_t q = 0; q < d; q++)
    for (int64_t t = 0; t < rows; t++) {
      const double *restrict r = factor + q * d;
      double *restrict y = x + t * d;
      const double a = z[t * d + q];
      for (int64_t i = q; i < d; i++) y[i] += a * r[i];
    }
}

PetscErrorCode GaussianRows(int64_t d, const double *mean, const double *factor, uint64_t seed,
                            uint32_t purpose, uint64_t at, int64_t rows, float *X)
{
  const int64_t most = 32;
  double *z, *x;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(most * d, &z));
  PetscCall(ArrayCreate(most * d, &x));
  for (int64_t t = 0; t < rows; t += most) {
    const int64_t here = min_i64(most, rows - t);
    for (int64_t i = 0; i < here * d; i++)
      z[i] = random_normal(seed, purpose, at + (uint64_t)(t * d + i));
    gaussian_tile(d, mean, factor, here, z, x);
    for (int64_t i = 0; i < here * d; i++) X[t * d + i] = (float)x[i];
  }
  PetscCall(ArrayDestroy(&x));
  PetscCall(ArrayDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
