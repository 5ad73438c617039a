/* Sparse codes with AVX2: sums over few rows. */
#include "avx2_sparse.h"
#include "avx2_tile.h"

#define WIDE 12  /* vectors of a row held in registers */
#define NARROW 4 /* the same near the row's end, with masks */

static inline __m256 load_lanes(bool masked, int64_t left, int v, const float *x)
{
  return masked ? _mm256_maskload_ps(x + 8 * v, lanes256(left, 8 * v)) : _mm256_loadu_ps(x + 8 * v);
}

/* Sums over the same vectors of many rows, in order, from + 0, and + 0 at the end. */
__attribute__((always_inline)) static inline void sum_rows(int vectors, bool masked, int64_t count,
                                                           const int32_t *index, const float *value,
                                                           int64_t left, const float *X,
                                                           int64_t ldX, float *a)
{
  __m256 sum[WIDE];
  for (int v = 0; v < vectors; v++) sum[v] = _mm256_setzero_ps();
  for (int64_t q = 0; q < count; q++) {
    const float *x = X + index[q] * ldX;
    const __m256 scale = _mm256_set1_ps(value[q]);
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++)
      sum[v] = _mm256_fmadd_ps(scale, load_lanes(masked, left, v, x), sum[v]);
  }
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++) {
    sum[v] = _mm256_add_ps(sum[v], _mm256_setzero_ps());
    if (masked)
      _mm256_maskstore_ps(a + 8 * v, lanes256(left, 8 * v), sum[v]);
    else
      _mm256_storeu_ps(a + 8 * v, sum[v]);
  }
}

void avx2_decode(int64_t nonzeros, const int32_t *index, const float *value, int64_t d,
                 const float *D, int64_t ldD, float *y)
{
  int64_t i = 0;
  for (; i + 8 * WIDE <= d; i += 8 * WIDE)
    sum_rows(WIDE, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  for (; i + 8 * NARROW <= d; i += 8 * NARROW)
    sum_rows(NARROW, false, nonzeros, index, value, 0, D + i, ldD, y + i);
  if (i < d) sum_rows(NARROW, true, nonzeros, index, value, d - i, D + i, ldD, y + i);
}

void avx2_add_picks(int64_t rows, const int64_t *start, const int32_t *index, const float *value,
                    const float *X, float *sum)
{
  enum { VECTORS = DOT_BLOCK / 8 };
  for (int64_t r = 0; r < rows; r++, sum += DOT_BLOCK) {
    __m256 a[VECTORS];
    for (int v = 0; v < VECTORS; v++) a[v] = _mm256_loadu_ps(sum + 8 * v);
    for (int64_t q = start[r]; q < start[r + 1]; q++) {
      const float *x = X + (int64_t)index[q] * DOT_BLOCK;
      const __m256 scale = _mm256_set1_ps(value[q]);
      for (int v = 0; v < VECTORS; v++)
        a[v] = _mm256_fmadd_ps(scale, _mm256_loadu_ps(x + 8 * v), a[v]);
    }
    for (int v = 0; v < VECTORS; v++) _mm256_storeu_ps(sum + 8 * v, a[v]);
  }
}
