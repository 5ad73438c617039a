/* Products of a few rows with each other by lane64, for the vector backends: each includes this
   after its eight lanes of float64 (Wide64, wide64_load, wide64_fma, halve) and the side SIDE of a
   tile of products that its registers hold. */
#pragma once
#include <stdint.h>

/* Of rows i .. i + side - 1 with rows j .. j + SIDE - 1 of X [any x ld]. */
__attribute__((always_inline)) static inline void products_tile(const int side, int64_t ld,
                                                                const double *X, int64_t i,
                                                                int64_t j, int64_t p, double *Q,
                                                                double *b)
{
  Wide64 sum[SIDE][SIDE] = {0};
  for (int64_t at = 0; at < ld; at += 8) {
    Wide64 y[SIDE];
#pragma GCC unroll 4
    for (int c = 0; c < SIDE; c++) y[c] = wide64_load(X + (j + c) * ld + at);
#pragma GCC unroll 4
    for (int r = 0; r < side; r++) {
      const Wide64 x = wide64_load(X + (i + r) * ld + at);
#pragma GCC unroll 4
      for (int c = 0; c < SIDE; c++) sum[r][c] = wide64_fma(x, y[c], sum[r][c]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < side; r++)
#pragma GCC unroll 4
    for (int c = 0; c < SIDE; c++) {
      const double dot = halve(sum[r][c]);
      if (j + c >= p) continue; /* zeros */
      if (i + r < p)
        Q[(i + r) * p + j + c] = Q[(j + c) * p + i + r] = dot;
      else if (i + r == p)
        b[j + c] = dot;
    }
}

/* The last of the rows is x; those past it, up to a whole tile, are zeros. */
static void products64(int64_t p, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                       const float *x, double *Q, double *b, double *work)
{
  const int64_t ld = (d + 7) / 8 * 8;
  for (int64_t i = 0; i < p + SIDE; i++) {
    const float *restrict row = i < p ? D + index[i] * ldD : x;
    double *restrict to = work + i * ld;
    for (int64_t l = 0; l < d && i <= p; l++) to[l] = (double)row[l];
    for (int64_t l = i <= p ? d : 0; l < ld; l++) to[l] = 0;
  }
  for (int64_t i = 0; i <= p; i += SIDE)
    for (int64_t j = 0; j < p && j <= i; j += SIDE) {
      if (i == p)
        products_tile(1, ld, work, i, j, p, Q, b);
      else
        products_tile(SIDE, ld, work, i, j, p, Q, b);
    }
}
