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
  MOST64 = 8, /* vectors of sums that go on side by side */
  REFINED = 4 /* systems whose sums of squares do */
};

/* Sums of the squares of count[s] numbers of x[s], each in order. */
static inline void sums_of_squares(const int64_t *count, const double *const *x, double *sum)
{
  int64_t least = count[0];
  double all[REFINED] = {0};
  for (int s = 1; s < REFINED; s++) least = count[s] < least ? count[s] : least;
  for (int64_t i = 0; i < least; i++)
#pragma GCC unroll 4
    for (int s = 0; s < REFINED; s++) all[s] += x[s][i] * x[s][i];
#pragma GCC unroll 4
  for (int s = 0; s < REFINED; s++) {
    for (int64_t i = least; i < count[s]; i++) all[s] += x[s][i] * x[s][i];
    sum[s] = all[s];
  }
}

/* slope = Q z - b from place i on, for `vectors` of them. Those past the end are the last one
   again, which has some places of the one before it where p is no multiple of SLOPES. */
__attribute__((always_inline)) static inline void slopes64_part(const int vectors, const bool whole,
                                                                int64_t p, int64_t i,
                                                                const double *Q, const double *b,
                                                                const double *z, double *slope)
{
  Slopes64 sum[MOST64];
  int64_t at[MOST64];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; v++) {
    at[v] = whole || i + (v + 1) * SLOPES <= p ? i + v * SLOPES : p - SLOPES;
    sum[v] = -*(const Slopes64 *)(const void *)(b + at[v]);
  }
  for (int64_t j = 0; j < p; j++, Q += p)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) sum[v] += *(const Slopes64 *)(const void *)(Q + at[v]) * z[j];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; v++) memcpy(slope + at[v], &sum[v], sizeof(sum[v]));
}

/* slope = Q z - b, Q being symmetric. */
static inline void slopes64(int64_t p, const double *Q, const double *b, const double *z,
                            double *slope)
{
  int64_t i = 0;
  for (; i + MOST64 * SLOPES <= p; i += MOST64 * SLOPES)
    slopes64_part(MOST64, true, p, i, Q, b, z, slope);
  for (; i < p && p >= SLOPES; i += MOST64 / 2 * SLOPES)
    slopes64_part(MOST64 / 2, false, p, i, Q, b, z, slope);
  for (; i < p; i++) {
    slope[i] = -b[i];
    for (int64_t j = 0; j < p; j++) slope[i] += Q[j * p + i] * z[j];
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
    for (int64_t s = 0; s < REFINED; s++) {
      const int64_t of = s0 + (s < count ? s : 0);
      matrix[s] = Q + of * ld * ld, size[s] = p[of] * p[of];
    }
    sums_of_squares(size, matrix, square);
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
