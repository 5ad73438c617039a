/* The triangular factor of a positive semi-definite matrix. */
#include "base/eigen.h"

#include <math.h>
#include <string.h>

/* Takes the outer product of row k from all rows below it */
static void subtract_row(int64_t d, int64_t k, double *A)
{
  const double *restrict from = A + k * d;
  for (int64_t i = k + 1; i < d; i++) {
    double *restrict row = A + i * d;
    const double a = from[i];
    if (a == 0) continue;
    for (int64_t j = i; j < d; j++) row[j] -= a * from[j];
  }
}

bool cholesky(int64_t d, double *A)
{
  for (int64_t i = 0; i < d; i++)
    for (int64_t j = i; j < d; j++)
      if (!isfinite(A[i * d + j])) return false;
  for (int64_t k = 0; k < d;
       k++) /* the lower triangle's first column keeps the diagonal until it is used */
    for (int64_t j = 0; j < k; j++) A[k * d + j] = j == 0 ? A[k * d + k] : 0;
  for (int64_t k = 0; k < d; k++) {
    double *row = A + k * d;
    const double start = row[0];
    const double limit = 1e-10 * start;
    const double pivot = row[k];
    if (k > 0) row[0] = 0;
    if (!isfinite(pivot) || pivot < -1e-6 * fabs(start) || start < 0) return false;
    if (pivot <= limit) {
      memset(row, 0, (size_t)d * sizeof(*row));
      continue;
    }
    const double root = sqrt(pivot);
    row[k] = root;
    for (int64_t j = k + 1; j < d; j++) row[j] /= root;
    subtract_row(d, k, A);
  }
  return true;
}
