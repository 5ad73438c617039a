/* Kernels of codes by pursuit, for ref.c, after its dot64. */
#pragma once
#include <stdint.h>
#include <string.h>

/* y less c x / 2^15, rounded, within 16 bits; best: the largest of each lane of each group, or 0;
   least: the least of each lane, or what it is. */
static inline void less_whole(int64_t count, int64_t group, int16_t c, const int16_t *x, int16_t *y,
                              int16_t *best, int16_t *least)
{
  memset(best, 0, (size_t)((count + group - 1) / group * 64) * sizeof(*best));
  for (int64_t i = 0; i < count; i++) {
    const int part = (c * x[i] + (1 << 14)) >> 15, left = y[i] - part, lane = (int)(i % 64);
    int16_t *most = best + i / group * 64 + lane;
    y[i] = (int16_t)(left > INT16_MAX ? INT16_MAX : left < INT16_MIN ? INT16_MIN : left);
    *most = y[i] > *most ? y[i] : *most;
    least[lane] = y[i] < least[lane] ? y[i] : least[lane];
  }
}

static inline uint64_t not_below(const int16_t *y, int16_t least)
{
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) bits |= (uint64_t)(y[i] >= least) << i;
  return bits;
}
#include "pursuit.h"
#include "unroll.h"

static void products64(int64_t p, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                       const float *x, int64_t nexts, const int32_t *next, double *Q, double *b,
                       double *work)
{
  (void)nexts, (void)next, (void)work;
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
