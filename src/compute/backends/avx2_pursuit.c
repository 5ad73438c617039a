/* The way back through picks with AVX2. */
#include "avx2_blocks.h"
#include "avx2_sparse.h"
#include "turns.h"

enum { BLOCKS = 8 };

/* Columns of one block; the lanes of its product. Past the end of a row what is left counts as - 0,
   and rows as + 0: that changes no lane. */
__attribute__((always_inline)) static inline __m256 turn_block(const bool whole, const bool before,
                                                               const bool next, int64_t left,
                                                               int64_t i, const Turn *turn)
{
  __m256 lane[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++, i += 8) {
    const __m256i lanes = whole ? _mm256_set1_epi32(-1) : lanes256(left, 8 * v);
    __m256 x = whole ? _mm256_loadu_ps(turn->from + i) : _mm256_maskload_ps(turn->from + i, lanes);
    if (before) {
      const __m256 row =
          whole ? _mm256_loadu_ps(turn->before + i) : _mm256_maskload_ps(turn->before + i, lanes);
      x = _mm256_fmadd_ps(_mm256_set1_ps(-turn->a), row, x);
    }
    if (whole)
      _mm256_storeu_ps(turn->e + i, x);
    else
      _mm256_maskstore_ps(turn->e + i, lanes, x);
    if (!next) continue;
    if (whole && v % 2 == 0) _mm_prefetch(turn->soon + i, _MM_HINT_T0);
    if (!whole) x = _mm256_blendv_ps(_mm256_set1_ps(-0.0f), x, _mm256_castsi256_ps(lanes));
    const __m256 row =
        whole ? _mm256_loadu_ps(turn->next + i) : _mm256_maskload_ps(turn->next + i, lanes);
    lane[v % 2] = _mm256_fmadd_ps(x, row, lane[v % 2]);
  }
  return _mm256_add_ps(lane[0], lane[1]);
}

__attribute__((always_inline)) static inline float take_turn(const bool before, const bool next,
                                                             int64_t d, const Turn *turn)
{
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  float part[BLOCKS], sum = 0;
  for (int64_t i = 0; i < d; i += BLOCKS * DOT_BLOCK) {
    __m256 lane[BLOCKS];
    int64_t b = 0, at = i;
    for (; b < BLOCKS && at + DOT_BLOCK <= d; b++, at += DOT_BLOCK)
      lane[b] = turn_block(true, before, next, DOT_BLOCK, at, turn);
    if (b < BLOCKS && at < d) lane[b++] = turn_block(false, before, next, d - at, at, turn);
    if (!next) continue;
    for (int64_t l = b; l < BLOCKS; l++) lane[l] = _mm256_setzero_ps();
    _mm256_storeu_ps(part, _mm256_permutevar8x32_ps(halve8(lane), order));
    for (int64_t l = 0; l < b; l++) sum = i + l ? sum + part[l] : part[l];
  }
  return sum;
}

void avx2_unroll_slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t d,
                        const float *D, const float *from, float *e, float *a)
{
  unroll_by_turns(n, start, index, d, D, from, e, a);
}
