/* Products of whole numbers, 32 or 64 at once, that are added in 16 sums: with VNNI as instructions
   of their own, since some compilers keep the sums of the intrinsics in memory. */
#pragma once
#include <immintrin.h>

static inline __m512i add_words_plain(__m512i sum, __m512i x, __m512i y)
{
  return _mm512_add_epi32(sum, _mm512_madd_epi16(x, y));
}

#if defined(EMULATED_AVX512) /* tests/emulated_avx512.h */
#define add_bytes emulated_dpbusd
#define add_words emulated_dpwssd
#else
__attribute__((unused)) static inline __m512i add_bytes(__m512i sum, __m512i unsign, __m512i sign)
{
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(unsign), "v"(sign));
  return sum;
}

static inline __m512i add_words(__m512i sum, __m512i x, __m512i y)
{
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
  return sum;
}
#endif
