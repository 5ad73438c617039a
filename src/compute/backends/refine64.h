/* Steps down the slope of a few small least squares in float64, none of whose unknowns is below 0:
   plain arithmetic, the same for all kernel sets, which include this and are compiled for their
   CPU. Products are rounded before they are added. */
#pragma once
#include "compute/backend.h"
#include "native.h"
#include <string.h>

typedef double Slopes64 __attribute__((vector_size(NATIVE), aligned(8)));
enum {
  SLOPES = NATIVE / 8,
  REFINED = 4 /* systems whose sums go on side by side */
};

/* Sums of the squares of count[s] numbers of x[s], each in order. */
static inline void sums_of_squares(int64_t n, const int64_t *count, const double *const *x,
                                   double *sum)
{
  int64_t least = count[0];
  for (int64_t s = 0; s < n; s++) least = count[s] < least ? count[s] : least, sum[s] = 0;
  for (int64_t i = 0; i < least; i++)
    for (int64_t s = 0; s < n; s++) sum[s] += x[s][i] * x[s][i];
  for (int64_t s = 0; s < n; s++)
    for (int64_t i = least; i < count[s]; i++) sum[s] += x[s][i] * x[s][i];
}

/* slope = Q z - b; all sums side by side, Q being symmetric. SLOPES at a time, the last ones
   with some of those before them again. */
static inline void slopes64(int64_t p, const double *Q, const double *b, const double *z,
                            double *slope)
{
  for (int64_t i = 0; i < p && p < SLOPES; i++) {
    slope[i] = -b[i];
    for (int64_t j = 0; j < p; j++) slope[i] += Q[j * p + i] * z[j];
  }
  for (int64_t i = 0; i < p && p >= SLOPES; i += SLOPES) {
    const int64_t at = i + SLOPES < p ? i : p - SLOPES;
    Slopes64 sum = -*(const Slopes64 *)(const void *)(b + at);
    for (int64_t j = 0; j < p; j++) sum += *(const Slopes64 *)(const void *)(Q + j * p + at) * z[j];
    memcpy(slope + at, &sum, sizeof(sum));
  }
}

static void refine64(int64_t n, int64_t turns, const int64_t *p, int64_t ld, const double *Q,
                     const double *b, double *slope, double *z)
{
  for (int64_t s0 = 0; s0 < n; s0 += REFINED) {
    const int64_t count = n - s0 < REFINED ? n - s0 : REFINED;
    const double *matrix[REFINED];
    double square[REFINED];
    int64_t size[REFINED];
    for (int64_t s = 0; s < count; s++)
      matrix[s] = Q + (s0 + s) * ld * ld, size[s] = p[s0 + s] * p[s0 + s];
    sums_of_squares(count, size, matrix, square);
    for (int64_t s = 0; s < count; s++) {
      const double step = square[s] > 0 ? 1 / __builtin_sqrt(square[s]) : 0;
      double *x = z + (s0 + s) * ld;
      for (int64_t turn = 0; turn < turns; turn++) {
        slopes64(p[s0 + s], matrix[s], b + (s0 + s) * ld, x, slope);
        for (int64_t i = 0; i < p[s0 + s]; i++) {
          const double next = x[i] - step * slope[i];
          x[i] = next > 0 ? next : 0;
        }
      }
    }
  }
}
