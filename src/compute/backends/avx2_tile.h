/* The register tile of avx2: half a panel in three vectors, four broadcast rows, 12 sums held over
   the whole length. Included by the avx2 files only. */
#pragma once
#include "compute/backend.h"
#include <immintrin.h>

enum { HALF = PANEL / 2, ROWS4 = 4 };

typedef struct {
  __m256 a[ROWS4][3];
} Tile256;

/* a[r] += b[r][i * step] * panel[i] for i in 0 .. length - 1, in order; panel is the first or the
   second half of one. */
__attribute__((always_inline)) static inline void tile256(int64_t length, const float *panel,
                                                          const float *const b[ROWS4], int64_t step,
                                                          Tile256 *tile)
{
  Tile256 t = *tile;
  for (int64_t i = 0; i < length; i++) {
    const __m256 p0 = _mm256_load_ps(panel + i * PANEL), p1 = _mm256_load_ps(panel + i * PANEL + 8),
                 p2 = _mm256_load_ps(panel + i * PANEL + 16);
#pragma GCC unroll 4
    for (int r = 0; r < ROWS4; r++) {
      const __m256 x = _mm256_broadcast_ss(b[r] + i * step);
      t.a[r][0] = _mm256_fmadd_ps(x, p0, t.a[r][0]);
      t.a[r][1] = _mm256_fmadd_ps(x, p1, t.a[r][1]);
      t.a[r][2] = _mm256_fmadd_ps(x, p2, t.a[r][2]);
    }
  }
  *tile = t;
}

/* Lanes l .. l + 7 that are below count: the sign bits of a mask. */
static inline __m256i lanes256(int64_t count, int64_t first)
{
  const int n = (int)(count - first > 8 ? 8 : count - first < 0 ? 0 : count - first);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
