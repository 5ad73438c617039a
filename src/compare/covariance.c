/* Mean and covariance of tokens in a fixed order of operations. Every rank reads all tokens and
   sums its own rows of the matrix. */
#include "compare/covariance.h"
#include "base/array.h"
#include "compare/pair.h"

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
