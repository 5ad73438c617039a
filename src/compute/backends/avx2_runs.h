/* Runs: numbers of a list that lie in a stretch of some length, with their weights, filled up to
   fours. Included by the avx2 files only. */
#pragma once
#include "avx2_tile.h"

/* Up to 8 numbers from first on, below first + length (at most 255), of the `left` that ascend
   from number on; what lies before first, and the weights, NULL or floats, as a number. Places that
   are left over get `length` and 0. Gives how many. */
static inline int take_run(int64_t left, const int32_t *number, const float *weight, int32_t first,
                           int length, uint8_t *row, float *value)
{
  const __m256i lanes = lanes256(left, 0),
                in = _mm256_sub_epi32(_mm256_maskload_epi32(number, lanes),
                                      _mm256_set1_epi32(first)),
                end = _mm256_set1_epi32(length),
                hit = _mm256_and_si256(lanes, _mm256_cmpgt_epi32(end, in)),
                rows = _mm256_blendv_epi8(end, in, hit);
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(rows), _mm256_extracti128_si256(rows, 1));
  _mm_storel_epi64((__m128i *)(void *)row, _mm_packus_epi16(words, words));
  if (weight) _mm256_storeu_ps(value, _mm256_maskload_ps(weight, hit));
  return __builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(hit)));
}
