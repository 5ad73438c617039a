/* Screening in whole numbers with AVX-512: bytes with VNNI's dot products, 16-bit numbers with or
   without them. */
#include "avx512_nearest.h"
#include "avx512_dense.h"
#include "avx512_vnni.h"
#include "grid_write.h"
#include <immintrin.h>

typedef __m512i (*Add)(__m512i, __m512i, __m512i);

/* The sums of a tile become scores; they are left in a. */
__attribute__((always_inline)) static inline bool
screen_scores(const GridTile *tile, __m512i a[PANEL_ROWS][3], uint64_t lanes[PANEL_ROWS])
{
  const __m512 radius = _mm512_set1_ps(tile->radius), rest = _mm512_set1_ps(tile->rest),
               tail = _mm512_set1_ps(tile->tail), slack = _mm512_set1_ps(tile->slack);
  __mmask16 hit[PANEL_ROWS][3], any = 0;
  __m512 bound[3];
#pragma GCC unroll 3
  for (int l = 0; l < 3; l++) {
    __m512 e = _mm512_add_ps(slack, _mm512_loadu_ps(tile->room + 16 * l));
    e = _mm512_fmadd_ps(_mm512_loadu_ps(tile->reach + 16 * l), radius, e);
    e = _mm512_fmadd_ps(_mm512_loadu_ps(tile->span + 16 * l), rest, e);
    bound[l] = e = _mm512_fmadd_ps(_mm512_loadu_ps(tile->beyond + 16 * l), tail, e);
    const __m512 unit = _mm512_loadu_ps(tile->unit + 16 * l),
                 low = _mm512_loadu_ps(tile->low + 16 * l), limit = _mm512_sub_ps(low, e);
    __m512 best = _mm512_set1_ps(-INFINITY);
#pragma GCC unroll 8
    for (int q = 0; q < PANEL_ROWS; q++) {
      const __m512 s =
          _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(a[q][l]), unit),
                          _mm512_set1_ps(tile->scale[q]), _mm512_set1_ps(tile->half[q]));
      hit[q][l] = _mm512_cmp_ps_mask(s, limit, _CMP_NLT_UQ);
      any |= hit[q][l];
      best = _mm512_max_ps(best, s);
      a[q][l] = _mm512_castps_si512(s);
    }
    if (tile->raise)
      _mm512_storeu_ps(tile->low + 16 * l, _mm512_max_ps(low, _mm512_sub_ps(best, e)));
  }
  if (!any) return false;
#pragma GCC unroll 8
  for (int q = 0; q < PANEL_ROWS; q++) {
    lanes[q] = (uint64_t)hit[q][0] | (uint64_t)hit[q][1] << 16 | (uint64_t)hit[q][2] << 32;
#pragma GCC unroll 3
    for (int l = 0; l < 3; l++)
      _mm512_storeu_ps(tile->score + q * PANEL + 16 * l, _mm512_castsi512_ps(a[q][l]));
  }
#pragma GCC unroll 3
  for (int l = 0; l < 3; l++) _mm512_storeu_ps(tile->bound + 16 * l, bound[l]);
  return true;
}

__attribute__((always_inline)) static inline bool screen_tile(const GridTile *tile, Add add,
                                                              uint64_t lanes[PANEL_ROWS])
{
  __m512i a[PANEL_ROWS][3];
  const char *b[PANEL_ROWS];
#pragma GCC unroll 8
  for (int q = 0; q < PANEL_ROWS; q++) {
    b[q] = tile->centroids + q * tile->ld;
#pragma GCC unroll 3
    for (int l = 0; l < 3; l++) a[q][l] = _mm512_set1_epi32(tile->init[q]);
  }
  for (int64_t i = 0; i < tile->steps; i++) {
    const uint32_t *x = tile->tokens + i * PANEL;
    const __m512i p0 = _mm512_load_si512(x), p1 = _mm512_load_si512(x + 16),
                  p2 = _mm512_load_si512(x + 32);
#pragma GCC unroll 8
    for (int q = 0; q < PANEL_ROWS; q++) {
      const __m512i c = _mm512_set1_epi32(((const int32_t *)(const void *)b[q])[i]);
      a[q][0] = add(a[q][0], p0, c);
      a[q][1] = add(a[q][1], p1, c);
      a[q][2] = add(a[q][2], p2, c);
    }
  }
  return screen_scores(tile, a, lanes);
}

static bool screen_bytes(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  return screen_tile(tile, add_bytes, lanes);
}

static bool screen_words_vnni(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  return screen_tile(tile, add_words, lanes);
}

static bool screen_words(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  return cpu_has_vnni() ? screen_words_vnni(tile, lanes)
                        : screen_tile(tile, add_words_plain, lanes);
}

/* Four rows at a time, so that their sums do not wait for each other. */
__attribute__((always_inline)) static inline void dots(int64_t ld, const char *x, const char *rows,
                                                       int64_t count, const int32_t *place,
                                                       int32_t *dot, Add add)
{
  for (int64_t i = 0; i < count; i += 4) {
    const char *row[4];
    __m512i a[4];
    for (int r = 0; r < 4; r++) {
      row[r] = rows + place[i + r < count ? i + r : i] * ld;
      a[r] = _mm512_setzero_si512();
    }
    for (int64_t l = 0; l < ld; l += 64) {
      const __m512i p = _mm512_loadu_si512(x + l);
#pragma GCC unroll 4
      for (int r = 0; r < 4; r++) a[r] = add(a[r], p, _mm512_loadu_si512(row[r] + l));
    }
    for (int r = 0; r < 4 && i + r < count; r++) dot[i + r] = _mm512_reduce_add_epi32(a[r]);
  }
}

static void dots_bytes(int64_t ld, const char *x, const char *rows, int64_t count,
                       const int32_t *place, int32_t *dot)
{
  dots(ld, x, rows, count, place, dot, add_bytes);
}

static void dots_words(int64_t ld, const char *x, const char *rows, int64_t count,
                       const int32_t *place, int32_t *dot)
{
  dots(ld, x, rows, count, place, dot, add_words_plain);
}

static int best(void)
{
  return cpu_has_vnni() ? 1 : 2;
}

const Screens avx512_screens = {
    .chain = avx512_screen,
    .write = grid_write,
    .grid = {screen_bytes, screen_words},
    .dots = {dots_bytes, dots_words},
    .best = best,
    .token = 127,
    .centroid = 127,
    .turn = 4,
    .dot = 8,
};
