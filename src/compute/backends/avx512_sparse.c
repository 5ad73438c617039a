/* Sparse codes with AVX-512: sums over few rows. */
#include "avx512_sparse.h"
#include "avx512_tile.h"

#define WIDE 24  /* vectors of a row held in registers */
#define NARROW 8 /* the same near the row's end, with masks */

/* Sums over the same vectors of many rows, in order, from + 0, and + 0 at the end. */
__attribute__((always_inline)) static inline void sum_rows(int vectors, bool masked, int64_t count,
                                                           const int32_t *index, const float *value,
                                                           int64_t left, const float *X,
                                                           int64_t ldX, float *a)
{
  __m512 sum[WIDE];
  for (int v = 0; v < vectors; v++) sum[v] = _mm512_setzero_ps();
  for (int64_t q = 0; q < count; q++) {
    const float *x = X + index[q] * ldX;
    const __m512 scale = _mm512_set1_ps(value[q]);
#pragma GCC unroll 24
    for (int v = 0; v < vectors; v++) {
      const __mmask16 lanes = masked ? lanes512(left, 16 * v) : 0xffff;
      sum[v] = _mm512_fmadd_ps(scale, _mm512_maskz_loadu_ps(lanes, x + 16 * v), sum[v]);
    }
  }
#pragma GCC unroll 24
  for (int v = 0; v < vectors; v++) {
    const __mmask16 lanes = masked ? lanes512(left, 16 * v) : 0xffff;
    _mm512_mask_storeu_ps(a + 16 * v, lanes, _mm512_add_ps(sum[v], _mm512_setzero_ps()));
  }
}

void avx512_decode(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                   const float *D, int64_t ldD, float *y)
{
  int64_t i = 0;
  for (; i + 16 * WIDE <= d; i += 16 * WIDE)
    sum_rows(WIDE, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  for (; i + 16 * NARROW <= d; i += 16 * NARROW)
    sum_rows(NARROW, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  for (; i + 64 <= d; i += 64) sum_rows(4, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  if (i < d) sum_rows(NARROW, true, nonzeros, index, value, d - i, D + i, ldD, y + i);
}

void avx512_add_picks(int64_t rows, const int64_t *start, const int32_t *index, const float *value,
                      const float *X, float *sum)
{
  enum { VECTORS = DOT_BLOCK / 16 };
  for (int64_t r = 0; r < rows; r++, sum += DOT_BLOCK) {
    __m512 a[VECTORS];
    for (int v = 0; v < VECTORS; v++) a[v] = _mm512_loadu_ps(sum + 16 * v);
    for (int64_t q = start[r]; q < start[r + 1]; q++) {
      const float *x = X + (int64_t)index[q] * DOT_BLOCK;
      const __m512 scale = _mm512_set1_ps(value[q]);
      for (int v = 0; v < VECTORS; v++)
        a[v] = _mm512_fmadd_ps(scale, _mm512_loadu_ps(x + 16 * v), a[v]);
    }
    for (int v = 0; v < VECTORS; v++) _mm512_storeu_ps(sum + 16 * v, a[v]);
  }
}
