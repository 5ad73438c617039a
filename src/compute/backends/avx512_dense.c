/* Dense products with AVX-512: packing, scores, and the screening of nearest centroids, all on one
   register tile. */
#include "avx512_dense.h"
#include "avx512_tile.h"

#define TOKENS 192 /* rows that stay in the second cache while the panels pass */

/* 16 rows of 16 elements become 16 columns. */
static inline void transpose16(const __m512 *row, __m512 *column)
{
  __m512 u[16];
  for (int g = 0; g < 16; g += 4) { /* u[g + c]: columns c, c + 4, ... of rows g .. g + 3 */
    const __m512 a = _mm512_unpacklo_ps(row[g], row[g + 1]),
                 b = _mm512_unpackhi_ps(row[g], row[g + 1]),
                 c = _mm512_unpacklo_ps(row[g + 2], row[g + 3]),
                 d = _mm512_unpackhi_ps(row[g + 2], row[g + 3]);
    u[g] = _mm512_shuffle_ps(a, c, 0x44);
    u[g + 1] = _mm512_shuffle_ps(a, c, 0xee);
    u[g + 2] = _mm512_shuffle_ps(b, d, 0x44);
    u[g + 3] = _mm512_shuffle_ps(b, d, 0xee);
  }
  for (int c = 0; c < 4; c++) {
    const __m512 x0 = _mm512_shuffle_f32x4(u[c], u[4 + c], 0x88),
                 x1 = _mm512_shuffle_f32x4(u[c], u[4 + c], 0xdd),
                 x2 = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0x88),
                 x3 = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0xdd);
    column[c] = _mm512_shuffle_f32x4(x0, x2, 0x88);
    column[4 + c] = _mm512_shuffle_f32x4(x1, x3, 0x88);
    column[8 + c] = _mm512_shuffle_f32x4(x0, x2, 0xdd);
    column[12 + c] = _mm512_shuffle_f32x4(x1, x3, 0xdd);
  }
}

void avx512_pack(int64_t m, int64_t d, const float *E, int64_t ldE, Packed *P)
{
  packed_reserve(P, m, d);
  for (int64_t j = 0; j < m; j += PANEL) {
    for (int l = 0; l < PANEL; l += 16) {
      float *to = P->x + j * d + l;
      for (int64_t i = 0; i < d; i += 16) {
        __m512 row[16], column[16];
        for (int r = 0; r < 16; r++) {
          const bool there = j + l + r < m;
          row[r] = _mm512_maskz_loadu_ps(there ? lanes512(d, i) : 0,
                                         E + (there ? (j + l + r) * ldE + i : 0));
        }
        transpose16(row, column);
        for (int c = 0; c < 16 && i + c < d; c++) _mm512_store_ps(to + (i + c) * PANEL, column[c]);
      }
    }
  }
}

/* The rows of a tile, the last one again where there are fewer. */
static inline void tile_rows(const float *X, int64_t ldX, int64_t rows, const float **b)
{
  for (int64_t r = 0; r < PANEL_ROWS; r++) b[r] = X + (r < rows ? r : rows - 1) * ldX;
}

static inline void tile_store(const Tile512 *tile, int64_t rows, int64_t lanes, float *S,
                              int64_t ldS)
{
  for (int l = 0; l < 3; l++) {
    const __mmask16 mask = lanes512(lanes, 16 * l);
    for (int r = 0; r < PANEL_ROWS && r < rows; r++) {
      _mm512_mask_storeu_ps(S + r * ldS + 16 * l, mask, tile->a[r][l]);
    }
  }
}

static inline void tile_load(Tile512 *tile, int64_t rows, int64_t lanes, const float *S,
                             int64_t ldS)
{
  for (int l = 0; l < 3; l++) {
    const __mmask16 mask = lanes512(lanes, 16 * l);
    for (int r = 0; r < PANEL_ROWS; r++) {
      tile->a[r][l] = _mm512_maskz_loadu_ps(r < rows ? mask : 0, S + r * ldS + 16 * l);
    }
  }
}

/* A tile over as many vectors as there are lanes. */
static void tile_scores(int64_t d, int64_t lanes, const float *panel,
                        const float *const b[PANEL_ROWS], Tile512 *tile)
{
  if (lanes > 32)
    tile512_of(3, d, panel, b, 1, tile);
  else if (lanes > 16)
    tile512_of(2, d, panel, b, 1, tile);
  else
    tile512_of(1, d, panel, b, 1, tile);
}

void avx512_scores(int64_t n, const float *X, int64_t ldX, const Packed *P, const float *init,
                   float *S, int64_t ldS)
{
  for (int64_t t0 = 0; t0 < n; t0 += TOKENS) {
    const int64_t end = n - t0 < TOKENS ? n : t0 + TOKENS;
    for (int64_t j = 0; j < P->rows; j += PANEL) {
      const int64_t lanes = P->rows - j < PANEL ? P->rows - j : PANEL;
      Tile512 start = {0};
      if (init) tile_load(&start, PANEL_ROWS, lanes, init + j, 0);
      for (int64_t t = t0; t < end; t += PANEL_ROWS) {
        const float *b[PANEL_ROWS];
        Tile512 tile = start;
        tile_rows(X + t * ldX, ldX, end - t, b);
        tile_scores(P->d, lanes, P->x + j * P->d, b, &tile);
        tile_store(&tile, end - t, lanes, S + t * ldS + j, ldS);
      }
    }
  }
}

unsigned avx512_screen(const ScreenTile *tile)
{
  const float *b[PANEL_ROWS];
  Tile512 t;
  for (int q = 0; q < PANEL_ROWS; q++) {
    b[q] = tile->centroids + q;
    for (int l = 0; l < 3; l++) t.a[q][l] = _mm512_set1_ps(tile->init[q]);
  }
  tile512(tile->d, tile->tokens, b, PANEL_ROWS, &t);
  unsigned hits = 0;
  const __m512 radius = _mm512_set1_ps(tile->radius), slack = _mm512_set1_ps(tile->slack);
  for (int l = 0; l < 3; l++) {
    const __m512 reach = _mm512_loadu_ps(tile->reach + 16 * l);
    const __m512 e =
        _mm512_add_ps(_mm512_fmadd_ps(reach, radius, slack), _mm512_loadu_ps(tile->room + 16 * l));
    __m512 low = _mm512_loadu_ps(tile->low + 16 * l);
    for (int q = 0; q < PANEL_ROWS; q++) {
      const __m512 upper = _mm512_add_ps(t.a[q][l], e);
      hits |= (unsigned)(_mm512_cmp_ps_mask(upper, low, _CMP_NLT_UQ) != 0) << q;
      low = _mm512_max_ps(_mm512_sub_ps(t.a[q][l], e), low); /* low where either is NaN */
    }
    _mm512_storeu_ps(tile->low + 16 * l, low);
  }
  for (int q = 0; hits && q < PANEL_ROWS; q++) {
    for (int l = 0; l < 3; l++) _mm512_storeu_ps(tile->score + q * PANEL + 16 * l, t.a[q][l]);
  }
  return hits;
}
