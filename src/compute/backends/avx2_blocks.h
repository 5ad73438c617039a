/* What both ways of the sparse kernels share: sums of lanes by halving, blocks of rows. Included by
   the avx2 files only. */
#pragma once
#include "avx2_tile.h"
#include <string.h>

#define VECTORS 8 /* of a block */
#define AHEAD 16  /* rows asked for before their turn: no CPU foresees steps of a whole row */

/* The sums of 8 vectors by halving; their order in the answer is 0 2 4 6 1 3 5 7. */
static inline __m256 halve8(const __m256 *v)
{
  __m256 h[4], f[2];
  for (int i = 0; i < 4; i++) {
    h[i] = _mm256_add_ps(_mm256_permute2f128_ps(v[2 * i], v[2 * i + 1], 0x20),
                         _mm256_permute2f128_ps(v[2 * i], v[2 * i + 1], 0x31));
  }
  for (int i = 0; i < 2; i++) {
    f[i] = _mm256_add_ps(_mm256_shuffle_ps(h[2 * i], h[2 * i + 1], 0x44),
                         _mm256_shuffle_ps(h[2 * i], h[2 * i + 1], 0xee));
  }
  return _mm256_add_ps(_mm256_shuffle_ps(f[0], f[1], 0x88), _mm256_shuffle_ps(f[0], f[1], 0xdd));
}

/* count numbers, a multiple of 8. */
__attribute__((always_inline)) static inline void copy_block(int64_t count, const float *from,
                                                             float *to)
{
#pragma GCC unroll 8
  for (int64_t l = 0; l < count; l += 8) _mm256_storeu_ps(to + l, _mm256_loadu_ps(from + l));
}

/* Columns first .. first + count - 1 of rows x of d numbers, side by side in blocks of stride
   numbers; columns past d are + 0. */
__attribute__((always_inline)) static inline void pack_columns(int64_t rows, int64_t d,
                                                               int64_t first, int64_t count,
                                                               const float *x, int64_t stride,
                                                               float *to)
{
  const int64_t there = d - first < count ? d - first : count;
  for (int64_t t = 0; t < rows; t++) {
    const float *from = x + t * d + first;
    for (int64_t l = 0; l < there; l += 16) __builtin_prefetch(from + AHEAD * d + l);
    if (there == count) {
      copy_block(count, from, to + t * stride);
      continue;
    }
    memcpy(to + t * stride, from, (size_t)there * sizeof(*to));
    memset(to + t * stride + there, 0, (size_t)(count - there) * sizeof(*to));
  }
}

/* Of one row, before its lanes are joined. */
__attribute__((always_inline)) static inline __m256 products(const __m256 *e, const float *row)
{
  __m256 low = _mm256_setzero_ps(), high = low;
#pragma GCC unroll 4
  for (int v = 0; v < VECTORS; v += 2) {
    low = _mm256_fmadd_ps(e[v], _mm256_load_ps(row + 8 * v), low);
    high = _mm256_fmadd_ps(e[v + 1], _mm256_load_ps(row + 8 * v + 8), high);
  }
  return _mm256_add_ps(low, high);
}

/* Lanes l and l + 4 of both; then, of two such, l and l + 2. */
static inline __m256 halve(__m256 a, __m256 b)
{
  return _mm256_add_ps(_mm256_blend_ps(a, b, 0xf0), _mm256_permute2f128_ps(a, b, 0x21));
}

static inline __m256 quarter(__m256 a, __m256 b)
{
  return _mm256_add_ps(_mm256_blend_ps(a, b, 0xcc), _mm256_shuffle_ps(a, b, 0x4e));
}

/* A block of e with eight rows. */
__attribute__((always_inline)) static inline __m256 row_dots(const float *const row[8],
                                                             const __m256 *e)
{
  const __m256 a = halve(products(e, row[0]), products(e, row[4])),
               b = halve(products(e, row[1]), products(e, row[5])), f = quarter(a, b),
               c = halve(products(e, row[2]), products(e, row[6])),
               d = halve(products(e, row[3]), products(e, row[7])), g = quarter(c, d);
  return _mm256_add_ps(_mm256_shuffle_ps(f, g, 0x88), _mm256_shuffle_ps(f, g, 0xdd));
}

/* One block's part of the blockdots of e with the rows index[0 .. 7] of D; where there are fewer,
   with the last one again. e is - 0 past the end of a row, where D has + 0: that changes no lane.
 */
__attribute__((always_inline)) static inline __m256 dots8(int64_t count, const int32_t *index,
                                                          const float *D, const float *e)
{
  __m256 x[VECTORS];
  const float *row[8];
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++) x[v] = _mm256_load_ps(e + 8 * v);
#pragma GCC unroll 8
  for (int r = 0; r < 8; r++) row[r] = D + (int64_t)index[r < count ? r : count - 1] * DOT_BLOCK;
  return row_dots(row, x);
}

/* Adds part to the first eight slopes, or to those of them that there are; first: they hold nothing
   yet. */
static inline void add_slopes(__m256 part, int64_t count, bool first, float *slope)
{
  if (count >= 8) { /* masks are slow on some CPUs */
    _mm256_storeu_ps(slope, first ? part : _mm256_add_ps(_mm256_loadu_ps(slope), part));
    return;
  }
  const __m256i lanes = lanes256(count, 0);
  if (!first) part = _mm256_add_ps(_mm256_maskload_ps(slope, lanes), part);
  _mm256_maskstore_ps(slope, lanes, part);
}

/* Adds the squares of a block to 8 lanes. */
static inline void add_squares(const float *e, double *square)
{
  __m256d low = _mm256_load_pd(square), high = _mm256_load_pd(square + 4);
  for (int v = 0; v < VECTORS; v++) {
    const __m256d a = _mm256_cvtps_pd(_mm_load_ps(e + 8 * v)),
                  b = _mm256_cvtps_pd(_mm_load_ps(e + 8 * v + 4));
    low = _mm256_fmadd_pd(a, a, low);
    high = _mm256_fmadd_pd(b, b, high);
  }
  _mm256_store_pd(square, low);
  _mm256_store_pd(square + 4, high);
}
