/* Sums of products over tokens with AVX-512: eight columns of A by three vectors of B in
   registers. */
#include "avx512_dense.h"
#include "avx512_tile.h"
#include "sum_products.h"

__attribute__((always_inline)) static inline void
tile_of(const int vectors, int64_t n, const float *b, const float *a, float *out)
{
  __m512 t[PANEL_ROWS][3];
#pragma GCC unroll 8
  for (int r = 0; r < PANEL_ROWS; r++)
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) t[r][v] = _mm512_setzero_ps();
  for (int64_t k = 0; k < n; k++) {
    __m512 p[3];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) p[v] = _mm512_load_ps(b + k * PANEL + 16 * v);
#pragma GCC unroll 8
    for (int r = 0; r < PANEL_ROWS; r++) {
      const __m512 x = _mm512_set1_ps(a[k * PANEL + r]);
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) t[r][v] = _mm512_fmadd_ps(x, p[v], t[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < PANEL_ROWS; r++)
#pragma GCC unroll 3
    for (int v = 0; v < 3; v++)
      _mm512_store_ps(out + r * PANEL + 16 * v, v < vectors
                                                    ? _mm512_add_ps(t[r][v], _mm512_setzero_ps())
                                                    : _mm512_setzero_ps());
}

static void tile(int64_t n, const float *b, const float *a, int64_t width, float *out)
{
  if (width > 32)
    tile_of(3, n, b, a, out);
  else if (width > 16)
    tile_of(2, n, b, a, out);
  else
    tile_of(1, n, b, a, out);
}

void avx512_pack_columns(int64_t n, int64_t d, const float *X, int64_t ldX, const float *shift,
                         Packed *P)
{
  sum_pack(n, d, X, ldX, shift, P);
}

void avx512_sum_products(const Packed *A, int64_t first, int64_t m, const Packed *B, int64_t d,
                         double *OUT, int64_t ldOUT)
{
  const SumKind kind = {tile, PANEL_ROWS, PANEL};
  sum_all(&kind, A, first, m, B, d, OUT, ldOUT);
}
