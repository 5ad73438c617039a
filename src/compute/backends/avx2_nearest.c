/* Screening in whole numbers with AVX2: single bytes, and 16-bit numbers.

   `vpmaddubsw` adds two products of bytes in 16 bits, and saturates. Numbers are at most 45 in size
   here, and those of tokens stored as 1 .. 91: such a sum is at most 2 * 91 * 45 = 8,190, and four
   of them fit before they are widened. */
#include "avx2_nearest.h"
#include "avx2_dense.h"
#include "avx2_tile.h"
#include "grid_write.h"
#include "ref_nearest.h"

enum { TOKEN = 45, CENTROID = 45, NARROW = 4 /* sums of two products that 16 bits hold */ };
_Static_assert(NARROW * 2 * (2 * TOKEN + 1) * CENTROID <= INT16_MAX, "sums of 16 bits");

/* What a tile's sums say: centroids q .. q + ROWS4 - 1, tokens at .. at + 7. */
static inline uint64_t screen_scores(const GridTile *tile, const __m256i a[ROWS4], int q, int at,
                                     uint64_t lanes[PANEL_ROWS])
{
  const __m256 unit = _mm256_loadu_ps(tile->unit + at),
               limit = _mm256_sub_ps(_mm256_loadu_ps(tile->low + at),
                                     _mm256_loadu_ps(tile->bound + at));
  uint64_t any = 0;
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
    const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(a[r]), unit),
                 s = _mm256_fmadd_ps(v, _mm256_set1_ps(tile->scale[q + r]),
                                     _mm256_set1_ps(tile->half[q + r]));
    const uint64_t hit =
        (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(s, limit, _CMP_NLT_UQ));
    lanes[q + r] |= hit << at;
    any |= hit;
    _mm256_storeu_ps(tile->score + (q + r) * PANEL + at, s);
  }
  return any;
}

/* In assembly: compilers join sums in another order, for which there are too few registers. */
static inline __m256i products(__m256i unsign, __m256i sign)
{
  __m256i p;
  __asm__("vpmaddubsw %2, %1, %0" : "=x"(p) : "x"(unsign), "x"(sign));
  return p;
}

static inline __m256i add_products(__m256i sum, __m256i unsign, __m256i sign)
{
  __m256i p;
  __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
          : "+x"(sum), "=&x"(p)
          : "x"(unsign), "x"(sign));
  return sum;
}

static inline void add_widened(__m256i *to, __m256i sum, __m256i ones)
{
  __asm__("vpmaddwd %2, %1, %1\n\tvpaddd %0, %1, %1\n\tvmovdqa %1, %0"
          : "+m"(*to), "+x"(sum)
          : "x"(ones));
}

/* Bytes: centroids q0 .. q0 + 3, tokens l0 .. l0 + 15, a line of the cache each step. */
static uint64_t screen_bytes_part(const GridTile *tile, int q0, int l0, uint64_t lanes[PANEL_ROWS])
{
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i a[2][ROWS4];
  const int32_t *c[ROWS4];
  for (int q = 0; q < ROWS4; q++) {
    c[q] = (const int32_t *)(const void *)(tile->centroids + (q0 + q) * tile->ld);
    a[0][q] = a[1][q] = _mm256_set1_epi32(tile->init[q0 + q]);
  }
  for (int64_t i = 0; i < tile->steps; i += NARROW) {
    __m256i sum[2][ROWS4];
#pragma GCC unroll 4
    for (int r = 0; r < NARROW; r++) {
      const __m256i *x = (const __m256i *)(const void *)(tile->tokens + (i + r) * PANEL + l0);
      const __m256i x0 = _mm256_load_si256(x), x1 = _mm256_load_si256(x + 1);
#pragma GCC unroll 4
      for (int q = 0; q < ROWS4; q++) {
        const __m256i y = _mm256_set1_epi32(c[q][i + r]);
        sum[0][q] = r ? add_products(sum[0][q], x0, y) : products(x0, y);
        sum[1][q] = r ? add_products(sum[1][q], x1, y) : products(x1, y);
      }
    }
#pragma GCC unroll 4
    for (int q = 0; q < ROWS4; q++) {
      add_widened(&a[0][q], sum[0][q], ones);
      add_widened(&a[1][q], sum[1][q], ones);
    }
  }
  return screen_scores(tile, a[0], q0, l0, lanes) | screen_scores(tile, a[1], q0, l0 + 8, lanes);
}

/* 16-bit numbers: a quarter of the tile, centroids q0 .. q0 + 3, tokens l0 .. l0 + 23. */
static uint64_t screen_words_part(const GridTile *tile, int q0, int l0, uint64_t lanes[PANEL_ROWS])
{
  __m256i a[3][ROWS4];
  const char *b = tile->centroids + q0 * tile->ld;
  uint64_t any = 0;
  for (int q = 0; q < ROWS4; q++)
    for (int l = 0; l < 3; l++) a[l][q] = _mm256_set1_epi32(tile->init[q0 + q]);
  for (int64_t i = 0; i < tile->steps; i++) {
    const __m256i *x = (const __m256i *)(const void *)(tile->tokens + i * PANEL + l0);
#pragma GCC unroll 4
    for (int q = 0; q < ROWS4; q++) {
      const __m256i c = _mm256_set1_epi32(((const int32_t *)(const void *)(b + q * tile->ld))[i]);
      for (int l = 0; l < 3; l++)
        a[l][q] = _mm256_add_epi32(a[l][q], _mm256_madd_epi16(_mm256_load_si256(x + l), c));
    }
  }
  for (int l = 0; l < 3; l++) any |= screen_scores(tile, a[l], q0, l0 + 8 * l, lanes);
  return any;
}

/* Before the parts of a tile, and after them. */
static void screen_begin(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  for (int l = 0; l < PANEL; l++)
    tile->bound[l] = tile->reach[l] * tile->radius + tile->span[l] * tile->rest +
                     tile->beyond[l] * tile->tail + tile->slack + tile->room[l];
  for (int q = 0; q < PANEL_ROWS; q++) lanes[q] = 0;
}

static void screen_raise(const GridTile *tile)
{
  if (!tile->raise) return;
  for (int l = 0; l < PANEL; l++) {
    float best = tile->score[l];
    for (int q = 1; q < PANEL_ROWS; q++) {
      const float s = tile->score[q * PANEL + l];
      best = s > best ? s : best;
    }
    const float low = best - tile->bound[l];
    tile->low[l] = low > tile->low[l] ? low : tile->low[l];
  }
}

static bool screen_bytes(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  uint64_t any = 0;
  screen_begin(tile, lanes);
  for (int l = 0; l < PANEL; l += 16)
    for (int q = 0; q < PANEL_ROWS; q += ROWS4) any |= screen_bytes_part(tile, q, l, lanes);
  screen_raise(tile);
  return any;
}

static bool screen_words(const GridTile *tile, uint64_t lanes[PANEL_ROWS])
{
  uint64_t any = 0;
  screen_begin(tile, lanes);
  for (int l = 0; l < PANEL; l += HALF)
    for (int q = 0; q < PANEL_ROWS; q += ROWS4) any |= screen_words_part(tile, q, l, lanes);
  screen_raise(tile);
  return any;
}

static inline int32_t sum_of(__m256i a)
{
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
  return _mm_cvtsi128_si32(s);
}

static void dots_bytes(int64_t ld, const char *x, const char *rows, int64_t count,
                       const int32_t *place, int32_t *dot)
{
  const __m256i ones = _mm256_set1_epi16(1);
  for (int64_t i = 0; i < count; i++) {
    const __m256i *p = (const __m256i *)(const void *)x,
                  *c = (const __m256i *)(const void *)(rows + place[i] * ld);
    __m256i a = _mm256_setzero_si256();
    for (int64_t l = 0; l < ld / 32; l += 2) {
      const __m256i two = _mm256_add_epi16(
          _mm256_maddubs_epi16(_mm256_loadu_si256(p + l), _mm256_loadu_si256(c + l)),
          _mm256_maddubs_epi16(_mm256_loadu_si256(p + l + 1), _mm256_loadu_si256(c + l + 1)));
      a = _mm256_add_epi32(a, _mm256_madd_epi16(two, ones));
    }
    dot[i] = sum_of(a);
  }
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
    dot[i] = sum_of(_mm256_add_epi32(a, b));
  }
}

static int best(void)
{
  return 1;
}

const Screens avx2_screens = {
    .chain = avx2_screen,
    .write = grid_write,
    .grid = {screen_bytes, screen_words},
    .dots = {dots_bytes, dots_words},
    .best = best,
    .token = TOKEN,
    .centroid = CENTROID,
    .turn = 2,
    .dot = 3,
};
