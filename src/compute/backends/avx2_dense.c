/* Dense products with AVX2: packing, scores, combinations of rows, and the screening of nearest
   centroids, all on one register tile. */
#include "avx2_dense.h"
#include "avx2_tile.h"

#define TOKENS 96 /* rows that stay in the second cache while the panels pass */
#define DEPTH 256 /* rows of B packed at a time */
#define ROWS 512  /* rows of A that use them */

void avx2_pack(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P)
{
  packed_reserve(P, m, d);
  const __m256i at =
      _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)ldE));
  for (int64_t j = 0; j < m; j += PANEL) {
    for (int l = 0; l < PANEL; l += 8) {
      const __m256 rows = _mm256_castsi256_ps(lanes256(m - j, l));
      const float *from = E + (m - j > l ? j + l : 0) * ldE;
      float *to = P->x + j * d + l;
      for (int64_t i = 0; i < d; i++) {
        _mm256_store_ps(to + i * PANEL,
                        _mm256_mask_i32gather_ps(_mm256_setzero_ps(), from + i, at, rows, 4));
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

void avx2_scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                 float *S, int64_t ldS)
{
  for (int64_t t0 = 0; t0 < n; t0 += TOKENS) {
    const int64_t end = n - t0 < TOKENS ? n : t0 + TOKENS;
    for (int64_t j = 0; j < P->rows; j += HALF) {
      const int64_t lanes = P->rows - j < HALF ? P->rows - j : HALF;
      const float *panel = P->x + j / PANEL * PANEL * P->d + j % PANEL;
      Tile256 start = {0};
      if (init) tile_load(&start, ROWS4, lanes, init + j, 0);
      for (int64_t t = t0; t < end; t += ROWS4) {
        const float *b[ROWS4];
        Tile256 tile = start;
        tile_rows(X + t * ldX, ldX, end - t, b);
        tile256(P->d, panel, b, 1, &tile);
        tile_store(&tile, end - t, lanes, S + t * ldS + j, ldS);
      }
    }
  }
}

/* One block of combine: OUT[rows x lanes] goes on from its value (first: + 0) over depth rows of B,
   packed in half a panel; last adds + 0. */
static void combine_block(int64_t rows, int64_t lanes, int64_t depth, const float *A, int64_t ldA,
                          const float *panel, bool first, bool last, float *OUT, int64_t ldOUT)
{
  for (int64_t j = 0; j < rows; j += ROWS4) {
    const float *b[ROWS4];
    Tile256 tile = {0};
    if (!first) tile_load(&tile, rows - j, lanes, OUT + j * ldOUT, ldOUT);
    tile_rows(A + j * ldA, ldA, rows - j, b);
    tile256(depth, panel, b, 1, &tile);
    for (int r = 0; last && r < ROWS4; r++) {
      for (int l = 0; l < 3; l++) {
        tile.a[r][l] = _mm256_add_ps(tile.a[r][l], _mm256_setzero_ps());
      }
    }
    tile_store(&tile, rows - j, lanes, OUT + j * ldOUT, ldOUT);
  }
}

void avx2_combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                  int64_t ldB, float *OUT, int64_t ldOUT)
{
  float panel[DEPTH * PANEL] __attribute__((aligned(64)));
  for (int64_t j = 0; j < m; j += ROWS) {
    const int64_t rows = m - j < ROWS ? m - j : ROWS;
    for (int64_t q = 0; q == 0 || q < p; q += DEPTH) {
      const int64_t depth = p - q < DEPTH ? p - q : DEPTH;
      for (int64_t i = 0; i < d; i += HALF) {
        const int64_t lanes = d - i < HALF ? d - i : HALF;
        for (int64_t r = 0; r < depth; r++) {
          for (int l = 0; l < HALF; l++) {
            panel[r * PANEL + l] = l < lanes ? B[(q + r) * ldB + i + l] : 0.0f;
          }
        }
        combine_block(rows, lanes, depth, A + j * ldA + q, ldA, panel, q == 0, q + DEPTH >= p,
                      OUT + j * ldOUT + i, ldOUT);
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
