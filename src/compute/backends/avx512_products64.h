/* Products of a few rows with each other, and with themselves, by lane64 with AVX-512; follows
   add_scaled, the eight lanes of float64 (Wide64, wide64_load, wide64_part, wide64_fma, halve) and
   the side SIDE of a tile of products that registers hold. */
#pragma once
#include <stdint.h>

/* Adds columns `at` on, eight of them or so many as are left. */
__attribute__((always_inline)) static inline void
products_add(const int side, const bool half, const bool whole, int64_t at, int64_t left,
             const float *const *x, const float *const *y, Wide64 sum[SIDE][SIDE])
{
  Wide64 column[SIDE];
#pragma GCC unroll 4
  for (int c = 0; c < SIDE; c++)
    column[c] = whole ? wide64_load(y[c] + at) : wide64_part(y[c] + at, left);
#pragma GCC unroll 4
  for (int r = 0; r < side; r++) {
    const Wide64 row = half    ? column[r]
                       : whole ? wide64_load(x[r] + at)
                               : wide64_part(x[r] + at, left);
#pragma GCC unroll 4
    for (int c = 0; c < SIDE; c++)
      if (!half || c <= r) sum[r][c] = wide64_fma(row, column[c], sum[r][c]);
  }
}

/* Of `side` rows x with SIDE rows y; half: both are the same rows, and no product is made twice.
   `next`, a row or NULL, is brought near meanwhile. */
__attribute__((always_inline)) static inline void
products_tile(const int side, const bool half, int64_t d, const float *const *x,
              const float *const *y, const float *next, double out[SIDE][SIDE])
{
  Wide64 sum[SIDE][SIDE] = {0};
  int64_t at = 0;
  for (; at + 8 <= d; at += 8) {
    if (next && at % 16 == 0) __builtin_prefetch(next + at, 0, 2);
    products_add(side, half, true, at, 8, x, y, sum);
  }
  if (at < d) products_add(side, half, false, at, d - at, x, y, sum);
#pragma GCC unroll 4
  for (int r = 0; r < SIDE; r++)
#pragma GCC unroll 4
    for (int c = 0; c < SIDE; c++) out[r][c] = halve(sum[r][c]);
}

/* x follows the rows; past it a tile has it again. */
static void products64(int64_t p, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                       const float *x, int64_t nexts, const int32_t *next, double *Q, double *b,
                       double *work)
{
  (void)work;
  int64_t tile = 0;
  for (int64_t i = 0; i <= p; i += SIDE)
    for (int64_t j = 0; j < p && j <= i; j += SIDE, tile++) {
      const float *row[SIDE], *column[SIDE], *fetch = tile < nexts ? D + next[tile] * ldD : NULL;
      double out[SIDE][SIDE];
      for (int64_t r = 0; r < SIDE; r++) {
        row[r] = i + r < p ? D + index[i + r] * ldD : x;
        column[r] = j + r < p ? D + index[j + r] * ldD : x;
      }
      if (i == p)
        products_tile(1, false, d, row, column, fetch, out);
      else if (i == j)
        products_tile(SIDE, true, d, row, column, fetch, out);
      else
        products_tile(SIDE, false, d, row, column, fetch, out);
      for (int64_t r = 0; r < SIDE && i + r <= p; r++)
        for (int64_t c = 0; c < SIDE && j + c < p && j + c <= i + r; c++) {
          if (i + r == p)
            b[j + c] = out[r][c];
          else
            Q[(i + r) * p + j + c] = Q[(j + c) * p + i + r] = out[r][c];
        }
    }
}

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
