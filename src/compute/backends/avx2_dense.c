/* Dense products with AVX2: packing, scores, and the screening of nearest centroids, all on one
   register tile. */
#include "avx2_dense.h"
#include "avx2_tile.h"

#define TOKENS 128 /* rows that stay in the second cache while the panels pass */
#define PIECE 64   /* elements of a panel that stay in the first cache, with the next ones */
#define LINES 3    /* of 64 bytes brought near with a tile: PIECE x PANEL by 2 TOKENS / ROWS4 */

/* 8 rows of 8 elements become 8 columns. */
static inline void transpose8(const __m256 *row, __m256 *column)
{
  __m256 u[8];
  for (int g = 0; g < 8; g += 4) { /* u[g + c]: columns c and c + 4 of rows g .. g + 3 */
    const __m256 a = _mm256_unpacklo_ps(row[g], row[g + 1]),
                 b = _mm256_unpackhi_ps(row[g], row[g + 1]),
                 c = _mm256_unpacklo_ps(row[g + 2], row[g + 3]),
                 d = _mm256_unpackhi_ps(row[g + 2], row[g + 3]);
    u[g] = _mm256_shuffle_ps(a, c, 0x44);
    u[g + 1] = _mm256_shuffle_ps(a, c, 0xee);
    u[g + 2] = _mm256_shuffle_ps(b, d, 0x44);
    u[g + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
  for (int c = 0; c < 4; c++) {
    column[c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x20);
    column[4 + c] = _mm256_permute2f128_ps(u[c], u[4 + c], 0x31);
  }
}

void avx2_pack(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P)
{
  packed_reserve(P, m, d);
  for (int64_t j = 0; j < m; j += PANEL) {
    for (int l = 0; l < PANEL; l += 8) {
      float *to = P->x + j * d + l;
      for (int64_t i = 0; i < d; i += 8) {
        __m256 row[8], column[8];
        for (int r = 0; r < 8; r++) {
          row[r] = j + l + r < m ? _mm256_maskload_ps(E + (j + l + r) * ldE + i, lanes256(d, i))
                                 : _mm256_setzero_ps();
        }
        transpose8(row, column);
        for (int c = 0; c < 8 && i + c < d; c++) _mm256_store_ps(to + (i + c) * PANEL, column[c]);
      }
    }
  }
}

/* The rows of a tile, the last one again where there are fewer. */
static inline void tile_rows(const float *X, int64_t ldX, int64_t rows, const float **b)
{
  for (int64_t r = 0; r < ROWS4; r++) b[r] = X + (r < rows ? r : rows - 1) * ldX;
}

static inline void tile_store(const Tile256 *tile, int64_t rows, int64_t lanes, float *S,
                              int64_t ldS)
{
  for (int r = 0; r < ROWS4 && r < rows; r++) {
    for (int l = 0; l < 3; l++) {
      float *to = S + r * ldS + 8 * l;
      if (lanes >= HALF)
        _mm256_storeu_ps(to, tile->a[r][l]);
      else if (lanes > 8 * l)
        _mm256_maskstore_ps(to, lanes256(lanes, 8 * l), tile->a[r][l]);
    }
  }
}

static inline void tile_load(Tile256 *tile, int64_t rows, int64_t lanes, const float *S,
                             int64_t ldS)
{
  for (int l = 0; l < 3; l++) {
    const __m256i mask = lanes256(lanes, 8 * l);
    for (int r = 0; r < ROWS4; r++) {
      tile->a[r][l] = r < rows && lanes > 8 * l ? _mm256_maskload_ps(S + r * ldS + 8 * l, mask)
                                                : _mm256_setzero_ps();
    }
  }
}

/* Half a panel over depth elements of the rows X [n x depth]: S goes on from its value, or starts
   at init or + 0. next: what the panel's next pieces read, brought near meanwhile: panels come from
   the third cache or from memory; waiting for them took a tenth of the time. */
static void scores_block(int64_t n, int64_t lanes, int64_t depth, const float *X, int64_t ldX,
                         const float *panel, bool first, const float *init, float *S, int64_t ldS,
                         const char *next)
{
  Tile256 start = {0};
  if (first && init) tile_load(&start, ROWS4, lanes, init, 0);
  for (int64_t t = 0; t < n; t += ROWS4, next += LINES * 64) {
    const float *b[ROWS4];
    for (int q = 0; q < LINES; q++) _mm_prefetch(next + 64 * q, _MM_HINT_T0);
    Tile256 tile = start;
    if (!first) tile_load(&tile, n - t, lanes, S + t * ldS, ldS);
    tile_rows(X + t * ldX, ldX, n - t, b);
    tile256(depth, panel, b, 1, &tile);
    tile_store(&tile, n - t, lanes, S + t * ldS, ldS);
  }
}

void avx2_scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                 float *S, int64_t ldS)
{
  for (int64_t t = 0; t < n; t += TOKENS) {
    const int64_t rows = n - t < TOKENS ? n - t : TOKENS;
    for (int64_t j = 0; j < P->rows; j += PANEL) {
      const float *panel = P->x + j * P->d;
      for (int64_t i = 0; i == 0 || i < P->d; i += PIECE) {
        const int64_t depth = P->d - i < PIECE ? P->d - i : PIECE;
        for (int64_t h = j; h < j + PANEL && h < P->rows; h += HALF) {
          const char *next = (const char *)(panel + (i + PIECE) * PANEL);
          scores_block(rows, P->rows - h < HALF ? P->rows - h : HALF, depth, X + t * ldX + i, ldX,
                       panel + i * PANEL + (h - j), i == 0, init ? init + h : NULL, S + t * ldS + h,
                       ldS, next + (h - j) * (int64_t)(PIECE * sizeof(float)));
        }
      }
    }
  }
}

/* A quarter of the screening tile: centroids q .. q + 3, tokens l .. l + 23. */
static unsigned screen_part(const ScreenTile *tile, int q0, int l0)
{
  const float *b[ROWS4];
  Tile256 t;
  for (int q = 0; q < ROWS4; q++) {
    b[q] = tile->centroids + q0 + q;
    for (int l = 0; l < 3; l++) t.a[q][l] = _mm256_set1_ps(tile->init[q0 + q]);
  }
  tile256(tile->d, tile->tokens + l0, b, PANEL_ROWS, &t);
  unsigned hits = 0;
  const __m256 radius = _mm256_set1_ps(tile->radius), slack = _mm256_set1_ps(tile->slack);
  for (int l = 0; l < 3; l++) {
    const int at = l0 + 8 * l;
    const __m256 e =
        _mm256_add_ps(_mm256_fmadd_ps(_mm256_loadu_ps(tile->reach + at), radius, slack),
                      _mm256_loadu_ps(tile->room + at));
    __m256 low = _mm256_loadu_ps(tile->low + at);
    for (int q = 0; q < ROWS4; q++) {
      const __m256 upper = _mm256_add_ps(t.a[q][l], e);
      const int hit = _mm256_movemask_ps(_mm256_cmp_ps(upper, low, _CMP_NLT_UQ));
      hits |= (unsigned)(hit != 0) << (q0 + q);
      low = _mm256_max_ps(_mm256_sub_ps(t.a[q][l], e), low); /* low where either is NaN */
      _mm256_storeu_ps(tile->score + (q0 + q) * PANEL + at, t.a[q][l]);
    }
    _mm256_storeu_ps(tile->low + at, low);
  }
  return hits;
}

unsigned avx2_screen(const ScreenTile *tile)
{
  unsigned hits = 0;
  for (int l = 0; l < PANEL; l += HALF) {
    for (int q = 0; q < PANEL_ROWS; q += ROWS4) hits |= screen_part(tile, q, l);
  }
  return hits;
}
