/* Rows that lose a multiple of another, and their squares by lane64, for the vector backends: each
   includes this after its add_scaled and its eight lanes of float64 (Wide64, wide64_load,
   wide64_part, wide64_fma, halve). */
#pragma once
#include <stdint.h>

/* A few rows together, as one sum alone waits for itself. */
static void less_rows(int64_t n, int64_t stride, const int32_t *index, const float *a, int64_t d,
                      const float *D, int64_t ldD, float *Y, double *square)
{
  enum { ROWS = 4 };
  for (int64_t t = 0; t < n; t += ROWS) {
    const float *y[ROWS];
    Wide64 sum[ROWS] = {0};
    int64_t at = 0;
    for (int64_t r = 0; r < ROWS; r++) {
      const int64_t row = t + r < n ? t + r : n - 1;
      y[r] = Y + row * d;
      if (t + r < n) add_scaled(d, -a[row * stride], D + index[row * stride] * ldD, Y + row * d);
    }
    for (; at + 8 <= d; at += 8)
#pragma GCC unroll 4
      for (int r = 0; r < ROWS; r++) {
        const Wide64 x = wide64_load(y[r] + at);
        sum[r] = wide64_fma(x, x, sum[r]);
      }
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) {
      const Wide64 x = wide64_part(y[r] + at, d - at);
      if (at < d) sum[r] = wide64_fma(x, x, sum[r]);
      if (t + r < n) square[t + r] = halve(sum[r]);
    }
  }
}
