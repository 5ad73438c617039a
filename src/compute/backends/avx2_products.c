/* Sums of products over tokens with AVX2: four columns of A by three vectors of B in registers. */
#include "avx2_dense.h"
#include "avx2_tile.h"
#include "sum_products.h"

__attribute__((always_inline)) static inline void
tile_of(const int vectors, int64_t n, const float *b, const float *a, float *out)
{
  __m256 t[ROWS4][3];
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++)
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) t[r][v] = _mm256_setzero_ps();
  for (int64_t k = 0; k < n; k++) {
    __m256 p[3];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) p[v] = _mm256_load_ps(b + k * PANEL + 8 * v);
#pragma GCC unroll 4
    for (int r = 0; r < ROWS4; r++) {
      const __m256 x = _mm256_broadcast_ss(a + k * PANEL + r);
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) t[r][v] = _mm256_fmadd_ps(x, p[v], t[r][v]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++)
#pragma GCC unroll 3
    for (int v = 0; v < 3; v++)
      _mm256_store_ps(out + r * HALF + 8 * v, v < vectors
                                                  ? _mm256_add_ps(t[r][v], _mm256_setzero_ps())
                                                  : _mm256_setzero_ps());
}

static void tile(int64_t n, const float *b, const float *a, int64_t width, float *out)
{
  if (width > 16)
    tile_of(3, n, b, a, out);
  else if (width > 8)
    tile_of(2, n, b, a, out);
  else
    tile_of(1, n, b, a, out);
}

void avx2_pack_columns(int64_t n, int64_t d, const float *X, int64_t ldX, const float *shift,
                       Packed *P)
{
  sum_pack(n, d, X, ldX, shift, P);
}

void avx2_sum_products(const Packed *A, int64_t first, int64_t m, const Packed *B, int64_t d,
                       double *OUT, int64_t ldOUT)
{
  const SumKind kind = {tile, ROWS4, HALF};
  sum_all(&kind, A, first, m, B, d, OUT, ldOUT);
}
