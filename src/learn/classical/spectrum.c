/* Sums of products of dimensions in one pass, and the directions of most variance from them. */
#include "learn/classical.h"
#include "base/eigen.h"
#include <math.h>
#include <string.h>

void shift_of(const View *view, float *shift)
{
  const TokenStatistics *statistics = tokens_statistics(view->tokens);
  const Normaliser *normaliser = view->normaliser;
  for (int64_t i = 0; i < normaliser->d; i++) shift[i] = (float)statistics->mean[i];
  view->kernels->normalise(1, normaliser->d, shift, normaliser->d, normaliser->mu, normaliser->inv);
}

/* Rows of the lower triangle are summed by blocks, each as wide as its last row is long; then the
   tokens themselves. */
enum { BLOCK = 48 };

int64_t gram_count(int64_t d)
{
  int64_t count = d;
  for (int64_t i = 0; i < d; i += BLOCK) count += min_i64(BLOCK, d - i) * min_i64(i + BLOCK, d);
  return count;
}

void gram_leaf(Classical *c, const float *shift, int64_t rows, const float *X, double *sums)
{
  const int64_t d = c->d;
  const float one = 1;
  c->kernels->pack_columns(rows, d, X, d, shift, &c->columns);
  for (int64_t i = 0; i < d; i += BLOCK) {
    const int64_t count = min_i64(BLOCK, d - i);
    c->kernels->sum_products(&c->columns, i, count, &c->columns, i + count, sums, i + count);
    sums += count * (i + count);
  }
  c->kernels->pack_columns(rows, 1, &one, 0, NULL, &c->codes);
  c->kernels->sum_products(&c->codes, 0, 1, &c->columns, d, sums, d);
}

PetscErrorCode CovarianceOfGram(int64_t n, int64_t d, const double *sums, const float *shift,
                                double *mean, double *A)
{
  double *off;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(d, &off));
  const double *all = sums + gram_count(d) - d;
  for (int64_t i = 0; shift && i < d; i++) {
    off[i] = all[i] / (double)n;
    mean[i] = (double)shift[i] + off[i];
  }
  for (int64_t i = 0; i < d; i++) {
    for (int64_t j = 0; j <= i; j++)
      A[i * d + j] = A[j * d + i] = sums[j] / (double)n - off[i] * off[j];
    sums += min_i64(i / BLOCK * BLOCK + BLOCK, d);
  }
  PetscCall(ArrayDestroy(&off));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpectrumOfGram(int64_t n, int64_t d, const double *sums, const float *shift,
                              int64_t k, double *mean, double *values, double *vectors)
{
  double *A, *all;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(d * d, &A));
  PetscCall(ArrayCreate(d, &all));
  PetscCall(CovarianceOfGram(n, d, sums, shift, mean, A));
  PetscCall(EigenSymmetric(d, A, true, all));
  for (int64_t j = 0; j < k; j++) {
    const bool there = all[d - 1 - j] > 0x1p-20 * all[d - 1];
    values[j] = there ? all[d - 1 - j] : 0;
    memcpy(vectors + j * d, A + (d - 1 - j) * d, (size_t)d * sizeof(*vectors));
    settle_sign(d, vectors + j * d);
    if (!there) memset(vectors + j * d, 0, (size_t)d * sizeof(*vectors));
  }
  PetscCall(ArrayDestroy(&A));
  PetscCall(ArrayDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
