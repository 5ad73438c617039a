/* The register tile of avx2: half a panel in three vectors, four broadcast rows, 12 sums held over
   the whole length. A packed panel is one half after the other, each [d x HALF]: all that a half
   brings into the first cache is its own. Included by the avx2 files only. */
#pragma once
#include "compute/backend.h"
#include <immintrin.h>

enum { HALF = PANEL / 2, ROWS4 = 4 };

typedef struct {
  __m256 a[ROWS4][3];
} Tile256;

/* sum += x p in its own register: with none to spare, GCC moves sums about, or to memory. */
#define ADD_PRODUCT(sum, x, p) __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(x), "x"(p))

/* One element of the chains: a[r] += b[r][at] * panel, 8 lanes to each of the vectors. */
__attribute__((always_inline)) static inline void tile256_add(const int vectors, const float *panel,
                                                              const float *const b[ROWS4],
                                                              int64_t at, Tile256 *tile)
{
  __m256 p[3];
#pragma GCC unroll 3
  for (int v = 0; v < vectors; v++) p[v] = _mm256_load_ps(panel + 8 * v);
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
    const __m256 x = _mm256_broadcast_ss(b[r] + at);
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) ADD_PRODUCT(tile->a[r][v], x, p[v]);
  }
}

/* a[r] += b[r][i * step] * panel[i * stride] for i in 0 .. length - 1, in order. Four at a time:
   the CPU foresees the end of the loop, and there is room for bringing near a line of what is read
   next, ahead bytes after the one before where fetch: many at once would hold up the loads. */
__attribute__((always_inline)) static inline void tile256(const int vectors, int64_t length,
                                                          const float *panel, const int stride,
                                                          const float *const b[ROWS4], int64_t step,
                                                          const bool fetch, const char *next,
                                                          int64_t ahead, Tile256 *tile)
{
  Tile256 t = *tile;
  int64_t i = 0;
  for (; i + 4 <= length; i += 4, next += ahead) {
    if (fetch) _mm_prefetch(next, _MM_HINT_T0);
#pragma GCC unroll 4
    for (int u = 0; u < 4; u++)
      tile256_add(vectors, panel + (i + u) * stride, b, (i + u) * step, &t);
  }
  for (; i < length; i++) tile256_add(vectors, panel + i * stride, b, i * step, &t);
  *tile = t;
}

/* The same of four rows whose elements stand side by side, a[4 i + r], and half a panel: they come
   as one stream, and a tile has two addresses. */
__attribute__((always_inline)) static inline void four256(const int vectors, int64_t length,
                                                          const float *panel, const float *a,
                                                          const bool fetch, const char *next,
                                                          int64_t ahead, Tile256 *tile)
{
  const float *const b[ROWS4] = {a, a + 1, a + 2, a + 3};
  tile256(vectors, length, panel, HALF, b, ROWS4, fetch, next, ahead, tile);
}

/* Lanes l .. l + 7 that are below count: the sign bits of a mask. */
static inline __m256i lanes256(int64_t count, int64_t first)
{
  const int n = (int)(count - first > 8 ? 8 : count - first < 0 ? 0 : count - first);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
