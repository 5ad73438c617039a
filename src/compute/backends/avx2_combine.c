/* Combinations of rows with AVX2: four rows by three vectors in registers over a block of depth;
   sparse rows by 12 vectors of one row. */
#include "avx2_dense.h"
#include "avx2_tile.h"
#include "combine.h"

enum { STRIDE = COMBINE_DEPTH + COMBINE_PAD };

static inline __m256 load(const float *x, int64_t lanes, int v)
{
  return lanes >= 8 * (v + 1) ? _mm256_loadu_ps(x + 8 * v)
                              : _mm256_maskload_ps(x + 8 * v, lanes256(lanes, 8 * v));
}

static inline void store(float *x, int64_t lanes, int v, __m256 y)
{
  if (lanes >= 8 * (v + 1))
    _mm256_storeu_ps(x + 8 * v, y);
  else
    _mm256_maskstore_ps(x + 8 * v, lanes256(lanes, 8 * v), y);
}

/* vectors of 8 columns, the last one masked. */
__attribute__((always_inline)) static inline void tile_of(const int vectors, int64_t depth,
                                                          const float *panel, const float *a,
                                                          float *out, int64_t ld, int64_t lanes,
                                                          bool first, bool last)
{
  __m256 t[ROWS4][3];
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++)
      t[r][v] = first ? _mm256_setzero_ps() : load(out + r * ld, lanes, v);
  }
  for (int64_t k = 0; k < depth; k++) {
    __m256 p[3];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) p[v] = _mm256_load_ps(panel + k * HALF + 8 * v);
#pragma GCC unroll 4
    for (int r = 0; r < ROWS4; r++) {
      const __m256 x = _mm256_broadcast_ss(a + r * STRIDE + k);
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) t[r][v] = _mm256_fmadd_ps(x, p[v], t[r][v]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++)
      store(out + r * ld, lanes, v, last ? _mm256_add_ps(t[r][v], _mm256_setzero_ps()) : t[r][v]);
  }
}

static void tile(int64_t depth, const float *panel, const float *a, float *out, int64_t ld,
                 int64_t lanes, bool first, bool last)
{
  if (lanes > 16)
    tile_of(3, depth, panel, a, out, ld, lanes, first, last);
  else if (lanes > 8)
    tile_of(2, depth, panel, a, out, ld, lanes, first, last);
  else
    tile_of(1, depth, panel, a, out, ld, lanes, first, last);
}

/* vectors of 8 columns, the last one masked. */
__attribute__((always_inline)) static inline void row_of(const int vectors, int64_t count,
                                                         const int32_t *index, const float *value,
                                                         int64_t lanes, const float *B, int64_t ldB,
                                                         float *out, bool first, bool last)
{
  __m256 t[12];
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++) t[v] = first ? _mm256_setzero_ps() : load(out, lanes, v);
  for (int64_t q = 0; q < count; q++) {
    const __m256 x = _mm256_broadcast_ss(value + q);
    const float *b = B + index[q] * ldB;
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) t[v] = _mm256_fmadd_ps(x, load(b, lanes, v), t[v]);
  }
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++)
    store(out, lanes, v, last ? _mm256_add_ps(t[v], _mm256_setzero_ps()) : t[v]);
}

static void row(int64_t count, const int32_t *index, const float *value, int64_t d, const float *B,
                int64_t ldB, float *out, bool first, bool last)
{
  int64_t i = 0;
  for (; d - i >= 96; i += 96)
    row_of(12, count, index, value, 96, B + i, ldB, out + i, first, last);
  for (; d - i >= 32; i += 32) row_of(4, count, index, value, 32, B + i, ldB, out + i, first, last);
  for (; i < d; i += 8)
    row_of(1, count, index, value, d - i < 8 ? d - i : 8, B + i, ldB, out + i, first, last);
}

void avx2_combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                  int64_t ldB, float *OUT, int64_t ldOUT)
{
  const CombineKind kind = {tile, row, ROWS4, HALF};
  combine_all(&kind, m, p, d, A, ldA, B, ldB, OUT, ldOUT);
}
