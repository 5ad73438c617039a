/* Residuals and slopes of many codes a token with AVX-512: two blocks of blockdots at a time. */
#include "avx512_blocks.h"
#include "many.h"

enum { VECTORS = 8, WIDTH = 16 * VECTORS };

static void pack(int64_t m, int64_t d, int64_t i, const float *D, float *block)
{
  pack_block(m, d, i, VECTORS, D, block);
}

static void add(ManyTile *tile, int64_t limit)
{
  const int32_t *index = tile->index;
  for (int64_t t = 0; t < tile->tokens; t++) {
    const int64_t end = tile->start[t + 1];
    int64_t q = tile->at[t];
    float *to = tile->sum + t * WIDTH;
    __m512 sum[VECTORS];
    many_fetch(tile, t, tile->value);
    for (int v = 0; v < VECTORS; v++) sum[v] = _mm512_load_ps(to + 16 * v);
    for (; q < end && index[q] < limit; q++) {
      const float *row = tile->block + (int64_t)index[q] * WIDTH;
      const __m512 scale = _mm512_set1_ps(tile->value[q]);
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++)
        sum[v] = _mm512_fmadd_ps(scale, _mm512_load_ps(row + 16 * v), sum[v]);
    }
    tile->at[t] = q;
    for (int v = 0; v < VECTORS; v++) _mm512_store_ps(to + 16 * v, sum[v]);
  }
}

static void finish(const ManyTile *tile, int64_t d, float sign, const float *x, float *e, bool past,
                   double *square)
{
  for (int64_t t = 0; t < tile->tokens; t++) {
    __m512d lanes = _mm512_load_pd(square + t * 8);
    for (int v = 0; v < VECTORS; v++) {
      const __mmask16 there = lanes512(tile->columns, 16 * v);
      float *to = tile->sum + t * WIDTH + 16 * v;
      __m512 y = _mm512_add_ps(_mm512_load_ps(to), _mm512_setzero_ps());
      y = _mm512_fmadd_ps(_mm512_set1_ps(sign), _mm512_maskz_loadu_ps(there, x + t * d + 16 * v),
                          y);
      y = _mm512_mask_mov_ps(_mm512_set1_ps(-0.0f), there, y);
      _mm512_store_ps(to, y);
      store512(past && there, e + t * d + 16 * v, there, y);
      lanes = add_squares(y, lanes);
    }
    _mm512_store_pd(square + t * 8, lanes);
  }
}

static void take(const ManyTile *tile, int64_t d, const float *e)
{
  for (int64_t t = 0; t < tile->tokens; t++)
    for (int v = 0; v < VECTORS; v++)
      _mm512_store_ps(tile->sum + t * WIDTH + 16 * v,
                      _mm512_mask_loadu_ps(_mm512_set1_ps(-0.0f), lanes512(tile->columns, 16 * v),
                                           e + t * d + 16 * v));
}

static void dot(ManyTile *tile, int64_t limit, bool last)
{
  const int32_t *index = tile->index;
  for (int64_t t = 0; t < tile->tokens; t++) {
    const int64_t end = tile->start[t + 1];
    int64_t q = tile->at[t];
    const float *from = tile->sum + t * WIDTH;
    __m512 e[VECTORS];
    many_fetch(tile, t, tile->slope);
    for (int v = 0; v < VECTORS; v++) e[v] = _mm512_load_ps(from + 16 * v);
    while (last ? q < end : q + 16 <= end && index[q + 15] < limit) {
      const int64_t count = end - q < 16 ? end - q : 16;
      const __mmask16 lanes = lanes512(count, 0);
      __m512 sum = dots16(count, index + q, tile->block, WIDTH, e);
      if (!tile->first) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, tile->slope + q), sum);
      if (tile->columns > DOT_BLOCK)
        sum = _mm512_add_ps(
            sum, dots16(count, index + q, tile->block + DOT_BLOCK, WIDTH, e + VECTORS / 2));
      _mm512_mask_storeu_ps(tile->slope + q, lanes, sum);
      q += count;
    }
    tile->at[t] = q;
  }
}

void avx512_many(const Many *many)
{
  static const ManyKind kind = {WIDTH, pack, add, finish, take, dot};
  many_tokens(&kind, many);
  _mm_sfence();
}
