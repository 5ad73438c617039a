/* The register tile of avx512: PANEL outputs in three vectors, PANEL_ROWS broadcast rows, 24 sums
   held over the whole length. Included by the avx512 files only. */
#pragma once
#include "compute/backend.h"
#include <immintrin.h>

typedef struct {
  __m512 a[PANEL_ROWS][3];
} Tile512;

/* a[r] += b[r][i * step] * panel[i] for i in 0 .. length - 1, in order. */
__attribute__((always_inline)) static inline void tile512(int64_t length, const float *panel,
                                                          const float *const b[PANEL_ROWS],
                                                          int64_t step, Tile512 *tile)
{
  Tile512 t = *tile;
  for (int64_t i = 0; i < length; i++) {
    const __m512 p0 = _mm512_load_ps(panel + i * PANEL),
                 p1 = _mm512_load_ps(panel + i * PANEL + 16),
                 p2 = _mm512_load_ps(panel + i * PANEL + 32);
#pragma GCC unroll 8
    for (int r = 0; r < PANEL_ROWS; r++) {
      const __m512 x = _mm512_set1_ps(b[r][i * step]);
      t.a[r][0] = _mm512_fmadd_ps(x, p0, t.a[r][0]);
      t.a[r][1] = _mm512_fmadd_ps(x, p1, t.a[r][1]);
      t.a[r][2] = _mm512_fmadd_ps(x, p2, t.a[r][2]);
    }
  }
  *tile = t;
}

/* The lanes first .. first + 15 of a panel that are below count. */
static inline __mmask16 lanes512(int64_t count, int64_t first)
{
  const int64_t n = count - first;
  return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
}
