/* Residuals and slopes of many codes a token with AVX2: one block of blockdots at a time. */
#include "avx2_blocks.h"
#include "many.h"

static void pack(int64_t m, int64_t d, int64_t i, const float *D, float *block)
{
  pack_columns(m, d, i, DOT_BLOCK, D, DOT_BLOCK, block);
}

static void add(ManyTile *tile, int64_t limit)
{
  const int32_t *index = tile->index;
  for (int64_t t = 0; t < tile->tokens; t++) {
    const int64_t end = tile->start[t + 1];
    int64_t q = tile->at[t];
    float *to = tile->sum + t * DOT_BLOCK;
    __m256 sum[VECTORS];
    many_fetch(tile, t, tile->value);
    for (int v = 0; v < VECTORS; v++) sum[v] = _mm256_load_ps(to + 8 * v);
    for (; q < end && index[q] < limit; q++) {
      const float *row = tile->block + (int64_t)index[q] * DOT_BLOCK;
      const __m256 scale = _mm256_set1_ps(tile->value[q]);
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++)
        sum[v] = _mm256_fmadd_ps(scale, _mm256_load_ps(row + 8 * v), sum[v]);
    }
    tile->at[t] = q;
    for (int v = 0; v < VECTORS; v++) _mm256_store_ps(to + 8 * v, sum[v]);
  }
}

static inline void fetch_rows(int64_t d, const float *x, const float *e)
{
  for (int l = 0; l < DOT_BLOCK; l += 16) {
    __builtin_prefetch(x + AHEAD * d + l);
    __builtin_prefetch(e + AHEAD * d + l, 1);
  }
}

static void finish(const ManyTile *tile, int64_t d, float sign, const float *x, float *e, bool past,
                   double *square)
{
  (void)past;
  for (int64_t t = 0; t < tile->tokens; t++, x += d, e += d) {
    float *sum = tile->sum + t * DOT_BLOCK;
    fetch_rows(d, x, e);
    for (int v = 0; v < VECTORS; v++) {
      const int64_t left = tile->columns - 8 * v;
      const __m256i lanes = lanes256(left, 0);
      const __m256 a = left >= 8 ? _mm256_loadu_ps(x + 8 * v)
                                 : _mm256_maskload_ps(x + 8 * v, lanes),
                   b = _mm256_add_ps(_mm256_load_ps(sum + 8 * v), _mm256_setzero_ps()),
                   c = _mm256_fmadd_ps(_mm256_set1_ps(sign), a, b);
      if (left >= 8) {
        _mm256_store_ps(sum + 8 * v, c);
        _mm256_storeu_ps(e + 8 * v, c);
      } else {
        _mm256_store_ps(sum + 8 * v,
                        _mm256_blendv_ps(_mm256_set1_ps(-0.0f), c, _mm256_castsi256_ps(lanes)));
        _mm256_maskstore_ps(e + 8 * v, lanes, c);
      }
    }
    add_squares(sum, square + t * 8);
  }
}

static void take(const ManyTile *tile, int64_t d, const float *e)
{
  for (int64_t t = 0; t < tile->tokens; t++) {
    float *sum = tile->sum + t * DOT_BLOCK;
    memcpy(sum, e + t * d, (size_t)tile->columns * sizeof(*sum));
    for (int64_t l = tile->columns; l < DOT_BLOCK; l++) sum[l] = -0.0f;
  }
}

static void dot(ManyTile *tile, int64_t limit, bool last)
{
  const int32_t *index = tile->index;
  for (int64_t t = 0; t < tile->tokens; t++) {
    const int64_t end = tile->start[t + 1];
    int64_t q = tile->at[t];
    many_fetch(tile, t, tile->slope);
    while (last ? q < end : q + 8 <= end && index[q + 7] < limit) {
      const int64_t count = end - q < 8 ? end - q : 8;
      const __m256i lanes = lanes256(count, 0);
      __m256 sum = dots8(count, index + q, tile->block, tile->sum + t * DOT_BLOCK);
      if (!tile->first) sum = _mm256_add_ps(_mm256_maskload_ps(tile->slope + q, lanes), sum);
      _mm256_maskstore_ps(tile->slope + q, lanes, sum);
      q += count;
    }
    tile->at[t] = q;
  }
}

void avx2_many(const Many *many)
{
  static const ManyKind kind = {DOT_BLOCK, pack, add, finish, take, dot};
  many_tokens(&kind, many);
}
