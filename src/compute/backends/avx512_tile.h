/* The register tile of avx512: PANEL outputs in three vectors, PANEL_ROWS broadcast rows, 24 sums
   held over the whole length. Included by the avx512 files only. */
#pragma once
#include "compute/backend.h"
#include <immintrin.h>

typedef struct {
  __m512 a[PANEL_ROWS][3];
} Tile512;

/* a[r] += b[r][i * step] * panel[i] for i in 0 .. length - 1, in order; of the first `vectors`
   vectors alone, with which 8 rows are still sums enough to hide how long each addition takes. */
__attribute__((always_inline)) static inline void tile512_of(const int vectors, int64_t length,
                                                             const float *panel,
                                                             const float *const b[PANEL_ROWS],
                                                             int64_t step, Tile512 *tile)
{
  Tile512 t = *tile;
  for (int64_t i = 0; i < length; i++) {
    __m512 p[3];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) p[v] = _mm512_load_ps(panel + i * PANEL + 16 * v);
#pragma GCC unroll 8
    for (int r = 0; r < PANEL_ROWS; r++) {
      const __m512 x = _mm512_set1_ps(b[r][i * step]);
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) t.a[r][v] = _mm512_fmadd_ps(x, p[v], t.a[r][v]);
    }
  }
  *tile = t;
}

__attribute__((always_inline)) static inline void tile512(int64_t length, const float *panel,
                                                          const float *const b[PANEL_ROWS],
                                                          int64_t step, Tile512 *tile)
{
  tile512_of(3, length, panel, b, step, tile);
}

/* The lanes first .. first + 15 of a panel that are below count. */
static inline __mmask16 lanes512(int64_t count, int64_t first)
{
  const int64_t n = count - first;
  return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
}
