/* Combinations of rows with AVX-512: eight rows by three vectors in registers over a block of
   depth; sparse rows by 24 vectors of one row. */
#include "avx512_dense.h"
#include "avx512_tile.h"
#include "combine_panels.h"

enum { STRIDE = COMBINE_DEPTH + COMBINE_PAD };

/* vectors of 16 columns, the last one masked. */
__attribute__((always_inline)) static inline void tile_of(const int vectors, int64_t depth,
                                                          const float *panel, const float *a,
                                                          float *out, int64_t ld, int64_t lanes,
                                                          bool first, bool last)
{
  const __mmask16 mask = lanes512(lanes, 16 * (vectors - 1));
  __m512 t[PANEL_ROWS][3];
#pragma GCC unroll 8
  for (int r = 0; r < PANEL_ROWS; r++) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++)
      t[r][v] = first
                    ? _mm512_setzero_ps()
                    : _mm512_maskz_loadu_ps(v < vectors - 1 ? 0xffff : mask, out + r * ld + 16 * v);
  }
  for (int64_t k = 0; k < depth; k++) {
    __m512 p[3];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) p[v] = _mm512_load_ps(panel + k * PANEL + 16 * v);
#pragma GCC unroll 8
    for (int r = 0; r < PANEL_ROWS; r++) {
      const __m512 x = _mm512_set1_ps(a[r * STRIDE + k]);
#pragma GCC unroll 3
      for (int v = 0; v < vectors; v++) t[r][v] = _mm512_fmadd_ps(x, p[v], t[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < PANEL_ROWS; r++) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) {
      const __m512 x = last ? _mm512_add_ps(t[r][v], _mm512_setzero_ps()) : t[r][v];
      _mm512_mask_storeu_ps(out + r * ld + 16 * v, v < vectors - 1 ? 0xffff : mask, x);
    }
  }
}

static void tile(int64_t depth, const float *panel, const float *a, float *out, int64_t ld,
                 int64_t lanes, bool first, bool last)
{
  if (lanes > 32)
    tile_of(3, depth, panel, a, out, ld, lanes, first, last);
  else if (lanes > 16)
    tile_of(2, depth, panel, a, out, ld, lanes, first, last);
  else
    tile_of(1, depth, panel, a, out, ld, lanes, first, last);
}

/* vectors of 16 columns, the last one masked. */
__attribute__((always_inline)) static inline void row_of(const int vectors, int64_t count,
                                                         const int32_t *index, const float *value,
                                                         int64_t lanes, const float *B, int64_t ldB,
                                                         float *out, bool first, bool last)
{
  const __mmask16 mask = lanes512(lanes, 16 * (vectors - 1));
  __m512 t[24];
#pragma GCC unroll 24
  for (int v = 0; v < vectors; v++)
    t[v] = first ? _mm512_setzero_ps()
                 : _mm512_maskz_loadu_ps(v < vectors - 1 ? 0xffff : mask, out + 16 * v);
  for (int64_t q = 0; q < count; q++) {
    const __m512 x = _mm512_set1_ps(value[q]);
    const float *b = B + index[q] * ldB;
#pragma GCC unroll 24
    for (int v = 0; v < vectors; v++)
      t[v] = _mm512_fmadd_ps(x, _mm512_maskz_loadu_ps(v < vectors - 1 ? 0xffff : mask, b + 16 * v),
                             t[v]);
  }
#pragma GCC unroll 24
  for (int v = 0; v < vectors; v++) {
    const __m512 y = last ? _mm512_add_ps(t[v], _mm512_setzero_ps()) : t[v];
    _mm512_mask_storeu_ps(out + 16 * v, v < vectors - 1 ? 0xffff : mask, y);
  }
}

static void row(int64_t count, const int32_t *index, const float *value, int64_t d, const float *B,
                int64_t ldB, float *out, bool first, bool last)
{
  int64_t i = 0;
  for (; d - i >= 384; i += 384)
    row_of(24, count, index, value, 384, B + i, ldB, out + i, first, last);
  for (; d - i >= 128; i += 128)
    row_of(8, count, index, value, 128, B + i, ldB, out + i, first, last);
  for (; d - i >= 64; i += 64) row_of(4, count, index, value, 64, B + i, ldB, out + i, first, last);
  for (; i < d; i += 16) row_of(1, count, index, value, d - i, B + i, ldB, out + i, first, last);
}

static const CombinePanels panels = {tile, PANEL_ROWS, PANEL};

static void dense(CombineBlock *block, int64_t j, int64_t rows)
{
  combine_rows(block, &panels, j, rows);
}

void avx512_combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                    int64_t ldB, float *OUT, int64_t ldOUT)
{
  const CombineKind kind = {row, dense, NULL, PANEL_ROWS, COMBINE_ROWS};
  combine_all(&kind, combine_panels_room(&panels, p, d), m, p, d, A, ldA, B, ldB, OUT, ldOUT);
}
