/* Screening in whole numbers with AVX2: 16-bit numbers; single bytes only where they are asked for.
 */
#include "avx2_nearest.h"
#include "avx2_dense.h"
#include "avx2_tile.h"
#include "grid_write.h"
#include "ref_nearest.h"

/* A quarter of the tile: centroids q0 .. q0 + 3, tokens l0 .. l0 + 23. */
static bool screen_part(const GridTile *tile, int q0, int l0, uint64_t lanes[PANEL_ROWS])
{
  __m256i a[ROWS4][3];
  const char *b = tile->centroids + q0 * tile->ld;
  uint64_t any = 0;
  for (int q = 0; q < ROWS4; q++)
    for (int l = 0; l < 3; l++) a[q][l] = _mm256_set1_epi32(tile->init[q0 + q]);
  for (int64_t i = 0; i < tile->steps; i++) {
    const __m256i *x = (const __m256i *)(const void *)(tile->tokens + i * PANEL + l0);
#pragma GCC unroll 4
    for (int q = 0; q < ROWS4; q++) {
      const __m256i c = _mm256_set1_epi32(((const int32_t *)(const void *)(b + q * tile->ld))[i]);
      for (int l = 0; l < 3; l++)
        a[q][l] = _mm256_add_epi32(a[q][l], _mm256_madd_epi16(_mm256_load_si256(x + l), c));
    }
  }
  for (int l = 0; l < 3; l++) {
    const int at = l0 + 8 * l;
    const __m256 e = _mm256_loadu_ps(tile->bound + at), unit = _mm256_loadu_ps(tile->unit + at),
                 limit = _mm256_sub_ps(_mm256_loadu_ps(tile->low + at), e);
    for (int q = 0; q < ROWS4; q++) {
      const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(a[q][l]), unit);
      const __m256 s = _mm256_fmadd_ps(v, _mm256_set1_ps(tile->scale[q0 + q]),
                                       _mm256_set1_ps(tile->half[q0 + q]));
      const uint64_t hit =
          (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(s, limit, _CMP_NLT_UQ));
      lanes[q0 + q] |= hit << at;
      any |= hit;
      _mm256_storeu_ps(tile->score + (q0 + q) * PANEL + at, s);
    }
  }
  return any;
}

static bool screen_words(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  bool any = false;
  for (int l = 0; l < PANEL; l++)
    tile->bound[l] = tile->reach[l] * tile->radius + tile->span[l] * tile->rest +
                     tile->beyond[l] * tile->tail + tile->slack + tile->room[l];
  for (int q = 0; q < PANEL_ROWS; q++) lanes[q] = 0;
  for (int l = 0; l < PANEL; l += HALF)
    for (int q = 0; q < PANEL_ROWS; q += ROWS4) any |= screen_part(tile, q, l, lanes);
  if (!tile->raise) return any;
  for (int l = 0; l < PANEL; l++) {
    float best = tile->score[l];
    for (int q = 1; q < PANEL_ROWS; q++) {
      const float s = tile->score[q * PANEL + l];
      best = s > best ? s : best;
    }
    const float low = best - tile->bound[l];
    tile->low[l] = low > tile->low[l] ? low : tile->low[l];
  }
  return any;
}

static void dots_words(int64_t ld, const char *x, const char *rows, int64_t count,
                       const int32_t *place, int32_t *dot)
{
  for (int64_t i = 0; i < count; i++) {
    const char *row = rows + place[i] * ld;
    __m256i a = _mm256_setzero_si256(), b = a;
    for (int64_t l = 0; l < ld; l += 64) {
      const __m256i *p = (const __m256i *)(const void *)(x + l),
                    *c = (const __m256i *)(const void *)(row + l);
      a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_loadu_si256(p), _mm256_loadu_si256(c)));
      b = _mm256_add_epi32(b,
                           _mm256_madd_epi16(_mm256_loadu_si256(p + 1), _mm256_loadu_si256(c + 1)));
    }
    a = _mm256_add_epi32(a, b);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    dot[i] = _mm_cvtsi128_si32(s);
  }
}

static int best(void)
{
  return 2;
}

const Screens avx2_screens = {
    .chain = avx2_screen,
    .write = grid_write,
    .grid = {ref_screen_bytes, screen_words},
    .dots = {ref_dots_bytes, dots_words},
    .best = best,
};
