/* Unit rows, and exact column sums at the price of plain ones. */
#include "measure/rows.h"
#include <math.h>

void unit_rows(const Kernels *kernels, int64_t n, int64_t d, const float *X, float *U)
{
  for (int64_t t = 0; t < n; t++) {
    const float *x = X + t * d;
    float *u = U + t * d;
    const double norm = sqrt(kernels->square64(d, x));
    const bool usable = norm > 0 && isfinite(norm);
    for (int64_t i = 0; i < d; i++) u[i] = usable ? (float)((double)x[i] / norm) : 0.0f;
  }
}

enum { BLOCK = 64 };

/* A value below 2^20 is the sum of a multiple of 2^-8 and, mostly, one of 2^-40 that is at most
   2^-9: up to 2^20 of either add up in a double without rounding. The others go to the exact sum
   one by one. */
static void add_block(int64_t n, int64_t width, const float *X, int64_t ldX, Exact *sums)
{
  const double high_units = 0x1.8p44, low_units = 0x1.8p12;
  double high[BLOCK] = {0}, low[BLOCK] = {0};
  for (int64_t t = 0; t < n; t++)
    for (int64_t j = 0; j < width; j++) {
      const double v = (double)X[t * ldX + j];
      const double h = (v + high_units) - high_units, rest = v - h;
      const double l = (rest + low_units) - low_units;
      if (fabs(v) < 0x1p20 && rest == l) {
        high[j] += h;
        low[j] += l;
      } else {
        exact_add(&sums[j], v);
      }
    }
  for (int64_t j = 0; j < width; j++) {
    exact_add(&sums[j], high[j]);
    exact_add(&sums[j], low[j]);
  }
}

void exact_columns(int64_t n, int64_t d, const float *X, Exact *sums)
{
  for (int64_t j = 0; j < d; j += BLOCK)
    add_block(n, d - j < BLOCK ? d - j : BLOCK, X + j, d, sums + j);
}
