/* Subspaces that atoms span, and how far two of them are the same. */
#include "compare/comparison.h"
#include <math.h>

double spans_overlap(int64_t d, int64_t p, const double *A, int64_t q, const double *B)
{
  double sum = 0;
  for (int64_t i = 0; i < p; i++)
    for (int64_t j = 0; j < q; j++) {
      double dot = 0;
      for (int64_t k = 0; k < d; k++) dot += A[i * d + k] * B[j * d + k];
      sum += dot * dot;
    }
  return sum / (double)min_i64(p, q);
}

/* Takes off v what lies along the rows of the basis; gives the length of what is left. */
static double take_off(int64_t d, int64_t rows, const double *basis, double *v)
{
  double square = 0;
  for (int64_t r = 0; r < rows; r++) {
    double dot = 0;
    for (int64_t k = 0; k < d; k++) dot += basis[r * d + k] * v[k];
    for (int64_t k = 0; k < d; k++) v[k] -= dot * basis[r * d + k];
  }
  for (int64_t k = 0; k < d; k++) square += v[k] * v[k];
  return sqrt(square);
}

int64_t span_basis(int64_t d, int64_t count, const float *unit, const int64_t *row, double *basis)
{
  int64_t rows = 0;
  for (int64_t i = 0; i < count; i++) {
    double *v = basis + rows * d;
    for (int64_t k = 0; k < d; k++) v[k] = (double)unit[row[i] * d + k];
    const double left = take_off(d, rows, basis, v);
    if (!(left > 0x1p-20)) continue;
    for (int64_t k = 0; k < d; k++) v[k] /= left;
    const double again = take_off(d, rows, basis, v);
    for (int64_t k = 0; k < d; k++) v[k] /= again;
    rows++;
  }
  return rows;
}
