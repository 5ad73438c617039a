/* The way back through picks with AVX-512. */
#include "avx512_blocks.h"
#include "avx512_sparse.h"
#include "turns.h"

enum { VECTORS = DOT_BLOCK / 16, BLOCKS = 16 };

/* Columns of one block; the lanes of its product. */
__attribute__((always_inline)) static inline __m512 turn_block(const bool whole, const bool before,
                                                               const bool next, int64_t left,
                                                               int64_t i, const Turn *turn)
{
  __m512 lane = _mm512_setzero_ps();
#pragma GCC unroll 4
  for (int v = 0; v < VECTORS; v++, i += 16) {
    const __mmask16 lanes = whole ? 0xffff : lanes512(left, 16 * v);
    __m512 x = _mm512_maskz_loadu_ps(lanes, turn->from + i);
    if (before)
      x = _mm512_fmadd_ps(_mm512_set1_ps(-turn->a), _mm512_maskz_loadu_ps(lanes, turn->before + i),
                          x);
    _mm512_mask_storeu_ps(turn->e + i, lanes, x);
    if (!next) continue;
    _mm_prefetch(turn->soon + i, _MM_HINT_T0);
    lane = _mm512_mask3_fmadd_ps(x, _mm512_maskz_loadu_ps(lanes, turn->next + i), lane, lanes);
  }
  return lane;
}

__attribute__((always_inline)) static inline float take_turn(const bool before, const bool next,
                                                             int64_t d, const Turn *turn)
{
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  float part[BLOCKS], sum = 0;
  for (int64_t i = 0; i < d; i += BLOCKS * DOT_BLOCK) {
    __m512 lane[BLOCKS];
    int64_t b = 0, at = i;
    for (; b < BLOCKS && at + DOT_BLOCK <= d; b++, at += DOT_BLOCK)
      lane[b] = turn_block(true, before, next, DOT_BLOCK, at, turn);
    if (b < BLOCKS && at < d) lane[b++] = turn_block(false, before, next, d - at, at, turn);
    if (!next) continue;
    for (int64_t l = b; l < BLOCKS; l++) lane[l] = _mm512_setzero_ps();
    _mm512_storeu_ps(part, _mm512_permutexvar_ps(order, halve16(lane)));
    for (int64_t l = 0; l < b; l++) sum = i + l ? sum + part[l] : part[l];
  }
  return sum;
}

void avx512_unroll_slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t d,
                          const float *D, const float *from, float *e, float *a)
{
  unroll_by_turns(n, start, index, d, D, from, e, a);
}
