/* Kernels of codes by pursuit, for ref.c, after its dot64. */
#pragma once
#include <stdint.h>

static inline uint64_t not_below(const float *y, float least)
{
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) bits |= (uint64_t)(y[i] >= least) << i;
  return bits;
}
#include "pursuit.h"

static void products64(int64_t p, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                       const float *x, int64_t nexts, const int32_t *next, double *Q, double *b)
{
  (void)nexts, (void)next;
  for (int64_t i = 0; i < p; i++) {
    b[i] = dot64(d, D + index[i] * ldD, x);
    for (int64_t j = 0; j < p; j++) Q[i * p + j] = dot64(d, D + index[i] * ldD, D + index[j] * ldD);
  }
}

static void less_rows(int64_t n, int64_t stride, const int32_t *index, const float *a, int64_t d,
                      const float *D, int64_t ldD, float *Y, double *square)
{
  for (int64_t t = 0; t < n; t++) {
    add_scaled(d, -a[t * stride], D + index[t * stride] * ldD, Y + t * d);
    square[t] = square64(d, Y + t * d);
  }
}
