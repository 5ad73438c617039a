/* Dense products with AVX2: packing, scores, and the screening of nearest centroids, all on one
   register tile. */
#include "avx2_dense.h"
#include "avx2_tile.h"

enum {
  TOKENS = 128, /* rows that stay in the second cache while the panels pass */
  PIECE = 192   /* elements of half a panel that stay in the first cache, beside those of a tile */
};

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
      float *to = P->x + (j + l / HALF * HALF) * d + l % HALF;
      for (int64_t i = 0; i < d; i += 8) {
        __m256 row[8], column[8];
        for (int r = 0; r < 8; r++) {
          row[r] = j + l + r < m ? _mm256_maskload_ps(E + (j + l + r) * ldE + i, lanes256(d, i))
                                 : _mm256_setzero_ps();
        }
        transpose8(row, column);
        for (int c = 0; c < 8 && i + c < d; c++) _mm256_store_ps(to + (i + c) * HALF, column[c]);
      }
    }
  }
}

/* The rows of a tile, the last one again where there are fewer. */
static inline void tile_rows(const float *X, int64_t ldX, int64_t rows, const float **b)
{
  for (int64_t r = 0; r < ROWS4; r++) b[r] = X + (r < rows ? r : rows - 1) * ldX;
}

/* Up to TOKENS rows against half a panel, PIECE elements after PIECE. */
typedef struct {
  int64_t n, lanes;
  const float *X;
  int64_t ldX;
  const float *init;
  float *S;
  int64_t ldS;
  float sums[TOKENS][HALF] __attribute__((aligned(32))); /* between two pieces */
} Scores;

__attribute__((always_inline)) static inline Tile256 tile_start(const int vectors,
                                                                const Scores *scores)
{
  Tile256 start = {0};
  for (int v = 0; v < vectors && scores->init; v++) {
    const __m256 init = _mm256_maskload_ps(scores->init + 8 * v, lanes256(scores->lanes, 8 * v));
    for (int r = 0; r < ROWS4; r++) start.a[r][v] = init;
  }
  return start;
}

/* The scores of a tile, from row t on. */
__attribute__((always_inline)) static inline void tile_store(const int vectors, const Tile256 *tile,
                                                             const Scores *scores, int64_t t)
{
  const int64_t rows = scores->n - t, lanes = scores->lanes;
  for (int r = 0; r < ROWS4 && r < rows; r++) {
    for (int v = 0; v < vectors; v++) {
      float *to = scores->S + (t + r) * scores->ldS + 8 * v;
      if (lanes >= 8 * (v + 1))
        _mm256_storeu_ps(to, tile->a[r][v]);
      else
        _mm256_maskstore_ps(to, lanes256(lanes, 8 * v), tile->a[r][v]);
    }
  }
}

/* Elements i .. i + depth - 1 of the chains. The next piece is brought near meanwhile, in as many
   parts as there are tiles: panels come from the third cache or from memory. */
__attribute__((always_inline)) static inline void
piece_of(const int vectors, Scores *scores, int64_t i, int64_t depth, bool last, const float *piece)
{
  const Tile256 start = tile_start(vectors, scores);
  const int64_t tiles = (scores->n + ROWS4 - 1) / ROWS4,
                ahead = (4 * HALF * (int64_t)sizeof(float) + tiles - 1) / tiles;
  const char *next = (const char *)(piece + depth * HALF);
  for (int64_t t = 0; t < scores->n; t += ROWS4, next += depth / 4 * ahead) {
    const float *b[ROWS4];
    Tile256 tile = start;
    tile_rows(scores->X + t * scores->ldX + i, scores->ldX, scores->n - t, b);
    for (int r = 0; r < ROWS4 && i; r++)
      for (int v = 0; v < vectors; v++) tile.a[r][v] = _mm256_load_ps(scores->sums[t + r] + 8 * v);
    tile256(vectors, depth, piece, HALF, b, 1, true, next, ahead, &tile);
    for (int r = 0; r < ROWS4 && !last; r++)
      for (int v = 0; v < vectors; v++) _mm256_store_ps(scores->sums[t + r] + 8 * v, tile.a[r][v]);
    if (last) tile_store(vectors, &tile, scores, t);
  }
}

static void scores_piece(Scores *scores, int64_t i, int64_t depth, bool last, const float *piece)
{
  if (scores->lanes > 16)
    piece_of(3, scores, i, depth, last, piece);
  else if (scores->lanes > 8)
    piece_of(2, scores, i, depth, last, piece);
  else
    piece_of(1, scores, i, depth, last, piece);
}

void avx2_scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                 float *S, int64_t ldS)
{
  const int64_t d = P->d, pieces = d ? (d + PIECE - 1) / PIECE : 1,
                piece = d ? ((d + pieces - 1) / pieces + 3) / 4 * 4 : 1;
  Scores scores;
  scores.ldX = ldX, scores.ldS = ldS;
  for (int64_t t = 0; t < n; t += TOKENS) {
    scores.n = n - t < TOKENS ? n - t : TOKENS;
    scores.X = X + t * ldX;
    for (int64_t h = 0; h < P->rows; h += HALF) {
      scores.lanes = P->rows - h;
      scores.init = init ? init + h : NULL;
      scores.S = S + t * ldS + h;
      for (int64_t i = 0; i == 0 || i < d; i += piece) {
        const int64_t depth = d - i < piece ? d - i : piece;
        scores_piece(&scores, i, depth, i + depth == d, P->x + h * d + i * HALF);
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
  tile256(3, tile->d, tile->tokens + l0, PANEL, b, PANEL_ROWS, false, NULL, 0, &t);
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
