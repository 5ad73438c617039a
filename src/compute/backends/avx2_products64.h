/* Products of a few rows with each other by lane64, and rows that lose a multiple of another, with
   AVX2; follows Lanes, widen, fma64 and halve. For products rows are widened once, the first four
   lanes of every eight apart from the last four, so that a tile of three rows with three has nine
   sums, for which there are registers. */
#pragma once
#include "avx2_tile.h"
#include "compute/backend.h"

enum { SIDE = 3, SUMS = 4 * SIDE * SIDE /* of a tile, by lane */ };

/* Past the end of a row are zeros, which change no sum. */
static inline void widen_row(int64_t d, const float *x, int64_t half, double *to)
{
  for (int64_t i = 0; i < d; i += 8, to += 4) {
    const Lanes wide = widen(d, x, i);
    _mm256_storeu_pd(to, wide.a);
    _mm256_storeu_pd(to + half, wide.b);
  }
}

/* Columns at .. at + 3. */
__attribute__((always_inline)) static inline void pairs_add(const bool same, int64_t at, int64_t ld,
                                                            const double *x, const double *y,
                                                            __m256d sum[SIDE][SIDE])
{
  __m256d column[SIDE];
#pragma GCC unroll 3
  for (int c = 0; c < SIDE; c++) column[c] = _mm256_loadu_pd(y + c * ld + at);
#pragma GCC unroll 3
  for (int r = 0; r < SIDE; r++) {
    const __m256d row = same ? column[r] : _mm256_loadu_pd(x + r * ld + at);
#pragma GCC unroll 3
    for (int c = 0; c < SIDE; c++)
      if (!same || c <= r) sum[r][c] = _mm256_fmadd_pd(row, column[c], sum[r][c]);
  }
}

/* Sums over n columns of SIDE rows x with SIDE rows y; same: they are the same rows, and no product
   is made twice. As many numbers from `next` on, or NULL, are brought near. */
__attribute__((always_inline)) static inline void pairs_tile(const bool same, int64_t n, int64_t ld,
                                                             const double *x, const double *y,
                                                             const float *next, double *to)
{
  __m256d sum[SIDE][SIDE];
  int64_t at = 0;
#pragma GCC unroll 3
  for (int r = 0; r < SIDE; r++)
#pragma GCC unroll 3
    for (int c = 0; c < SIDE; c++) sum[r][c] = _mm256_setzero_pd();
  for (; at + 16 <= n; at += 16) {
    if (next) _mm_prefetch((const char *)(next + at), _MM_HINT_T1);
#pragma GCC unroll 4
    for (int64_t i = at; i < at + 16; i += 4) pairs_add(same, i, ld, x, y, sum);
  }
  for (; at < n; at += 4) pairs_add(same, at, ld, x, y, sum);
#pragma GCC unroll 3
  for (int r = 0; r < SIDE; r++)
#pragma GCC unroll 3
    for (int c = 0; c < SIDE; c++)
      if (!same || c <= r) _mm256_storeu_pd(to + 4 * (r * SIDE + c), sum[r][c]);
}

/* Products of rows i .. i + SIDE - 1 with those before them and each other, from the sums of both
   halves, each [tiles x SUMS]. x is row p. */
static void pairs_store(int64_t p, int64_t i, const double *low, const double *high, double *Q,
                        double *b)
{
  for (int64_t j = 0; j <= i; j += SIDE, low += SUMS, high += SUMS)
    for (int64_t r = 0; r < SIDE && i + r <= p; r++)
      for (int64_t c = 0; c < SIDE && j + c < p && j + c <= i + r; c++) {
        const int64_t at = 4 * (r * SIDE + c);
        const double sum = halve((Lanes){_mm256_loadu_pd(low + at), _mm256_loadu_pd(high + at)});
        if (i + r == p)
          b[j + c] = sum;
        else
          Q[(i + r) * p + j + c] = Q[(j + c) * p + i + r] = sum;
      }
}

static void products64(int64_t p, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                       const float *x, int64_t nexts, const int32_t *next, double *Q, double *b,
                       double *work)
{
  const int64_t tiles = p / SIDE + 1, half = (d + 7) / 8 * 4, ld = 2 * half + 8;
  double *sums = work + tiles * SIDE * ld;
  for (int64_t i = 0; i < tiles * SIDE; i++) /* x once more where no row is left */
    widen_row(d, i < p ? D + index[i] * ldD : x, half, work + i * ld);
  for (int64_t i = 0, tile = 0; i <= p; i += SIDE) {
    for (int h = 0; h < 2; h++) {
      double *to = sums + h * tiles * SUMS;
      const double *row = work + i * ld + h * half;
      for (int64_t j = 0; j <= i; j += SIDE, to += SUMS) {
        const int64_t q = tile + j / SIDE;
        const float *soon = q < nexts ? D + next[q] * ldD + h * half : NULL;
        if (i == j)
          pairs_tile(true, half, ld, row, row, NULL, to);
        else
          pairs_tile(false, half, ld, row, work + j * ld + h * half, soon, to);
      }
    }
    tile += i / SIDE;
    pairs_store(p, i, sums, sums + tiles * SUMS, Q, b);
  }
}

/* Columns at .. at + 7 of y, or those below d, get a times x more; what they are then. Past d is 0,
   where an infinite a times 0 were none. */
static inline Lanes less_columns(int64_t d, int64_t at, __m256 a, const float *x, float *y)
{
  const bool whole = at + 8 <= d;
  const __m256i lanes = whole ? _mm256_set1_epi32(-1) : lanes256(d, at);
  __m256 v = whole ? _mm256_loadu_ps(x + at) : _mm256_maskload_ps(x + at, lanes);
  const __m256 left = whole ? _mm256_loadu_ps(y + at) : _mm256_maskload_ps(y + at, lanes);
  v = _mm256_fmadd_ps(a, v, left);
  if (whole) {
    _mm256_storeu_ps(y + at, v);
  } else {
    _mm256_maskstore_ps(y + at, lanes, v);
    v = _mm256_and_ps(v, _mm256_castsi256_ps(lanes));
  }
  return (Lanes){_mm256_cvtps_pd(_mm256_castps256_ps128(v)),
                 _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))};
}

/* One row, or a few together, as one sum alone waits for itself. */
__attribute__((always_inline)) static inline void less_some(const int rows, int64_t stride,
                                                            const int32_t *index, const float *a,
                                                            int64_t d, const float *D, int64_t ldD,
                                                            float *Y, double *square)
{
  Lanes sum[ROWS4];
  const float *x[ROWS4];
  __m256 by[ROWS4];
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++) {
    sum[r] = (Lanes){_mm256_setzero_pd(), _mm256_setzero_pd()};
    x[r] = D + index[r * stride] * ldD, by[r] = _mm256_set1_ps(-a[r * stride]);
  }
  int64_t at = 0;
  for (; at + 8 <= d; at += 8)
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
      const Lanes wide = less_columns(8, 0, by[r], x[r] + at, Y + r * d + at);
      sum[r] = fma64(wide, wide, sum[r]);
    }
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++) {
    if (at < d) {
      const Lanes wide = less_columns(d, at, by[r], x[r], Y + r * d);
      sum[r] = fma64(wide, wide, sum[r]);
    }
    square[r] = halve(sum[r]);
  }
}

static void less_rows(int64_t n, int64_t stride, const int32_t *index, const float *a, int64_t d,
                      const float *D, int64_t ldD, float *Y, double *square)
{
  int64_t t = 0;
  for (; t + ROWS4 <= n; t += ROWS4)
    less_some(ROWS4, stride, index + t * stride, a + t * stride, d, D, ldD, Y + t * d, square + t);
  for (; t < n; t++)
    less_some(1, stride, index + t * stride, a + t * stride, d, D, ldD, Y + t * d, square + t);
}
