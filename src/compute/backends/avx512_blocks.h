/* What both ways of the sparse kernels share: sums of lanes by halving, blocks of rows, writing
   past the caches. Included by the avx512 files only. */
#pragma once
#include "avx512_tile.h"

#define LARGE (1 << 20) /* floats written past the caches */
#define AHEAD 16        /* rows that are asked for before they are packed */

static inline void store512(bool past, float *to, __mmask16 lanes, __m512 x)
{
  if (past)
    _mm512_stream_ps(to, x);
  else
    _mm512_mask_storeu_ps(to, lanes, x);
}

static inline bool goes_past(int64_t rows, int64_t d, const float *to)
{
  return rows * d >= LARGE && d % 16 == 0 && (uintptr_t)to % 64 == 0;
}

/* The sums of 16 vectors by halving; lane 4 l + g of the answer is that of v[4 g + l]. */
static inline __m512 halve16(const __m512 *v)
{
  __m512 h[8], f[4], t[2];
  for (int i = 0; i < 8; i++) {
    h[i] = _mm512_add_ps(_mm512_shuffle_f32x4(v[2 * i], v[2 * i + 1], 0x44),
                         _mm512_shuffle_f32x4(v[2 * i], v[2 * i + 1], 0xee));
  }
  for (int i = 0; i < 4; i++) {
    f[i] = _mm512_add_ps(_mm512_shuffle_f32x4(h[2 * i], h[2 * i + 1], 0x88),
                         _mm512_shuffle_f32x4(h[2 * i], h[2 * i + 1], 0xdd));
  }
  for (int i = 0; i < 2; i++) {
    t[i] = _mm512_add_ps(_mm512_shuffle_ps(f[2 * i], f[2 * i + 1], 0x44),
                         _mm512_shuffle_ps(f[2 * i], f[2 * i + 1], 0xee));
  }
  return _mm512_add_ps(_mm512_shuffle_ps(t[0], t[1], 0x88), _mm512_shuffle_ps(t[0], t[1], 0xdd));
}

/* One block's part of the blockdots of e with the rows index[0 .. 15] of D, `stride` apart; where
   there are fewer, with the last one again. e is - 0 past the end of a row, where D has + 0: that
   changes no lane. */
static inline __m512 dots16(int64_t count, const int32_t *index, const float *D, int64_t stride,
                            const __m512 *e)
{
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  __m512 dot[16];
#pragma GCC unroll 16
  for (int r = 0; r < 16; r++) {
    const float *row = D + (int64_t)index[r < count ? r : count - 1] * stride;
    dot[r] = _mm512_setzero_ps();
    for (int v = 0; v < DOT_BLOCK / 16; v++)
      dot[r] = _mm512_fmadd_ps(e[v], _mm512_load_ps(row + 16 * v), dot[r]);
  }
  return _mm512_permutexvar_ps(order, halve16(dot));
}

/* Columns i .. i + 16 vectors - 1 of D, as rows; the columns past d as + 0. */
static inline void pack_block(int64_t m, int64_t d, int64_t i, int vectors, const float *D,
                              float *block)
{
  for (int64_t j = 0; j < m; j++) {
    const float *row = D + j * d + i;
    for (int v = 0; v < vectors; v++) {
      _mm_prefetch(row + AHEAD * d + 16 * v, _MM_HINT_T0);
      _mm512_store_ps(block + (j * vectors + v) * 16,
                      _mm512_maskz_loadu_ps(lanes512(d - i, 16 * v), row + 16 * v));
    }
  }
}

/* Adds the squares of a vector to 8 lanes. */
static inline __m512d add_squares(__m512 e, __m512d sum)
{
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(e)),
                high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(e, 1));
  return _mm512_fmadd_pd(high, high, _mm512_fmadd_pd(low, low, sum));
}
