/* The instructions of the avx512 kernels, lane by lane, for a CPU that has only AVX2 and FMA:
   included before everything else (make EMULATE=1), so that the kernels' own source runs under
   every test. What a compiler makes of the true instructions does not run here. */
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define __AVX512F__ 1 /* headers that kernel sets share then take vectors of 64 bytes */
#define EMULATED_AVX512 1
#define cpu_has_avx512 cpu_has_avx2
#define cpu_has_vnni cpu_has_avx2

typedef float EmulatedFloat __attribute__((may_alias));
typedef double EmulatedDouble __attribute__((may_alias));
typedef int EmulatedInt __attribute__((may_alias));
typedef short EmulatedShort __attribute__((may_alias));

#define FUNCTION(out, name, given, value)                                                          \
  __attribute__((unused)) static inline out emulated_##name given                                  \
  {                                                                                                \
    return (out)(value);                                                                           \
  }
#define STORE(name, given, type, lanes, value)                                                     \
  __attribute__((unused)) static inline void emulated_##name given                                 \
  {                                                                                                \
    for (int i = 0; i < (lanes); i++)                                                              \
      if (m >> i & 1) ((type *)p)[i] = (value);                                                    \
  }
#define LINE(p) ((uintptr_t)(p) % 64 ? __builtin_trap() : (void)0, (p)) /* misaligned: a fault */
#define LANES(vector, lanes, value)                                                                \
  __extension__({                                                                                  \
    vector made_;                                                                                  \
    for (int i = 0; i < (lanes); i++) made_[i] = (value);                                          \
    made_;                                                                                         \
  })
#define JOIN(start, lanes, value) /* s: what has been joined before lane i */                      \
  __extension__({                                                                                  \
    __typeof__(start) s = (start);                                                                 \
    for (int i = 0; i < (lanes); i++) s = (value);                                                 \
    s;                                                                                             \
  })
#define COMPRESS(vector, a)                                                                        \
  __extension__({                                                                                  \
    vector made_ = {0};                                                                            \
    for (int i = 0, to = 0; i < 16; i++)                                                           \
      if (m >> i & 1) made_[to++] = (a)[i];                                                        \
    made_;                                                                                         \
  })
#define READ(vector)                                                                               \
  __extension__({                                                                                  \
    vector made_;                                                                                  \
    memcpy(&made_, p, sizeof(made_));                                                              \
    made_;                                                                                         \
  })
#define HALF(vector, which)                                                                        \
  __extension__({                                                                                  \
    vector made_;                                                                                  \
    memcpy(&made_, (const char *)&a + 32 * (which), 32);                                           \
    made_;                                                                                         \
  })
#define F(value) LANES(__v16sf, 16, value)
#define D(value) LANES(__v8df, 8, value)
#define W(value) LANES(__v16si, 16, value)
#define H(value) LANES(__v32hi, 32, value)
#define MASK(type, lanes, value) JOIN((type)0, lanes, (type)(s | (type)((type)((value) != 0) << i)))
#define SET (m >> i & 1)
#define WORD(v) ((__v16si)(v))[i]
#define SHORT(v) ((__v32hi)(v))[i]
#define BELOW(x, y) ((x) < (y) ? (x) : (y))
#define ABOVE(x, y) ((x) > (y) ? (x) : (y))
#define LIMITED(x) ((x) > 32767 ? 32767 : (x) < -32768 ? -32768 : (x))
#define VV (__m512 a, __m512 b)
#define DD (__m512d a, __m512d b)
#define II (__m512i a, __m512i b)
#define VVV (__m512 a, __m512 b, __m512 c)
#define DDD (__m512d a, __m512d b, __m512d c)

/* made, read and written */
FUNCTION(__m512, setzero_ps, (void), F(0))
FUNCTION(__m512d, setzero_pd, (void), D(0))
FUNCTION(__m512i, setzero_si512, (void), W(0))
FUNCTION(__m512, set1_ps, (float x), F(x))
FUNCTION(__m512d, set1_pd, (double x), D(x))
FUNCTION(__m512i, set1_epi32, (int x), W(x))
FUNCTION(__m512i, set1_epi16, (short x), H(x))
FUNCTION(__m512i, list, (const int *x), W(x[15 - i]))
FUNCTION(__m512, loadu_ps, (const void *p), READ(__v16sf))
FUNCTION(__m512d, loadu_pd, (const void *p), READ(__v8df))
FUNCTION(__m512i, loadu_si512, (const void *p), READ(__v16si))
FUNCTION(__m512, maskz_loadu_ps, (__mmask16 m, const void *p),
         F(SET ? ((const EmulatedFloat *)p)[i] : 0))
FUNCTION(__m512, mask_loadu_ps, (__m512 a, __mmask16 m, const void *p),
         F(SET ? ((const EmulatedFloat *)p)[i] : a[i]))
FUNCTION(__m256, maskz_loadu_ps8, (__mmask8 m, const void *p),
         LANES(__v8sf, 8, SET ? ((const EmulatedFloat *)p)[i] : 0))
FUNCTION(__m256i, maskz_loadu_epi16, (__mmask16 m, const void *p),
         LANES(__v16hi, 16, SET ? ((const EmulatedShort *)p)[i] : 0))
FUNCTION(__m128i, maskz_loadu_epi8, (__mmask16 m, const void *p),
         LANES(__v16qi, 16, SET ? ((const char *)p)[i] : 0))
STORE(mask_storeu_ps, (void *p, uint32_t m, __m512 a), EmulatedFloat, 16, a[i])
STORE(mask_storeu_pd, (void *p, uint32_t m, __m512d a), EmulatedDouble, 8, a[i])
STORE(mask_storeu_epi32, (void *p, uint32_t m, __m512i a), EmulatedInt, 16, WORD(a))
STORE(mask_storeu_ps8, (void *p, uint32_t m, __m256 a), EmulatedFloat, 8, a[i])
STORE(mask_storeu_epi16, (void *p, uint32_t m, __m256i a), EmulatedShort, 16, ((__v16hi)a)[i])
FUNCTION(__m512, mask_mov_ps, (__m512 a, __mmask16 m, __m512 b), F(SET ? b[i] : a[i]))
FUNCTION(__m512, maskz_mov_ps, (__mmask16 m, __m512 a), F(SET ? a[i] : 0))
FUNCTION(__m512, maskz_compress_ps, (__mmask16 m, __m512 a), COMPRESS(__v16sf, a))
FUNCTION(__m512i, maskz_compress_epi32, (__mmask16 m, __m512i a), COMPRESS(__v16si, (__v16si)a))

/* float32 and float64 */
FUNCTION(__m512, add_ps, VV, F(a[i] + b[i]))
FUNCTION(__m512, sub_ps, VV, F(a[i] - b[i]))
FUNCTION(__m512, mul_ps, VV, F(a[i] * b[i]))
FUNCTION(__m512, div_ps, VV, F(a[i] / b[i]))
FUNCTION(__m512, max_ps, VV, F(ABOVE(a[i], b[i]))) /* NaN: the second, as of the instruction */
FUNCTION(__m512, sqrt_ps, (__m512 a), F(__builtin_sqrtf(a[i])))
FUNCTION(__m512, abs_ps, (__m512 a), F(__builtin_fabsf(a[i])))
FUNCTION(__m512, fmadd_ps, VVV, F(__builtin_fmaf(a[i], b[i], c[i])))
FUNCTION(__m512, fnmadd_ps, VVV, F(__builtin_fmaf(-a[i], b[i], c[i])))
FUNCTION(__m512, mask3_fmadd_ps, (__m512 a, __m512 b, __m512 c, __mmask16 m),
         F(SET ? __builtin_fmaf(a[i], b[i], c[i]) : c[i]))
FUNCTION(__m512d, add_pd, DD, D(a[i] + b[i]))
FUNCTION(__m512d, sub_pd, DD, D(a[i] - b[i]))
FUNCTION(__m512d, mul_pd, DD, D(a[i] * b[i]))
FUNCTION(__m512d, div_pd, DD, D(a[i] / b[i]))
FUNCTION(__m512d, sqrt_pd, (__m512d a), D(__builtin_sqrt(a[i])))
FUNCTION(__m512d, abs_pd, (__m512d a), D(__builtin_fabs(a[i])))
FUNCTION(__m512d, fmadd_pd, DDD, D(__builtin_fma(a[i], b[i], c[i])))
FUNCTION(__m512d, fnmadd_pd, DDD, D(__builtin_fma(-a[i], b[i], c[i])))
FUNCTION(__m512d, mask3_fmadd_pd, (__m512d a, __m512d b, __m512d c, __mmask8 m),
         D(SET ? __builtin_fma(a[i], b[i], c[i]) : c[i]))
FUNCTION(__m512d, mask_add_pd, (__m512d from, __mmask8 m, __m512d a, __m512d b),
         D(SET ? a[i] + b[i] : from[i]))
FUNCTION(float, reduce_max_ps, (__m512 a), JOIN(a[0], 16, ABOVE(s, a[i])))
#define COMPARED(x, y)                                                                             \
  (how == _CMP_UNORD_Q  ? __builtin_isunordered(x, y)                                              \
   : how == _CMP_NLT_UQ ? !((x) < (y))                                                             \
   : how == _CMP_LT_OQ  ? (x) < (y)                                                                \
   : how == _CMP_LE_OQ  ? (x) <= (y)                                                               \
   : how == _CMP_GE_OQ  ? (x) >= (y)                                                               \
   : how == _CMP_GT_OQ  ? (x) > (y)                                                                \
   : how == _CMP_EQ_OQ  ? (x) == (y)                                                               \
                        : (__builtin_trap(), 0))
FUNCTION(__mmask16, cmp_ps_mask, (__m512 a, __m512 b, int how),
         MASK(__mmask16, 16, COMPARED(a[i], b[i])))
FUNCTION(__mmask8, cmp_pd_mask, (__m512d a, __m512d b, int how),
         MASK(__mmask8, 8, COMPARED(a[i], b[i])))
FUNCTION(__mmask16, not_finite, (__m512 a), MASK(__mmask16, 16, !__builtin_isfinite(a[i])))

/* whole numbers */
FUNCTION(__m512i, add_epi32, II, W((int)((unsigned)WORD(a) + (unsigned)WORD(b))))
FUNCTION(__m512i, and_si512, II, W(WORD(a) & WORD(b)))
FUNCTION(__m512i, slli_epi32, (__m512i a, int by), W((int)((unsigned)WORD(a) << by)))
FUNCTION(__m512i, srli_epi32, (__m512i a, int by), W((int)((unsigned)WORD(a) >> by)))
FUNCTION(__m512i, min_epi32, II, W(BELOW(WORD(a), WORD(b))))
FUNCTION(__m512i, max_epi32, II, W(ABOVE(WORD(a), WORD(b))))
FUNCTION(__m512i, min_epi16, II, H(BELOW(SHORT(a), SHORT(b))))
FUNCTION(__m512i, max_epi16, II, H(ABOVE(SHORT(a), SHORT(b))))
FUNCTION(__m512i, subs_epi16, II, H((short)LIMITED(SHORT(a) - SHORT(b))))
FUNCTION(__m512i, mulhrs_epi16, II, H((short)(((SHORT(a) * SHORT(b) >> 14) + 1) >> 1)))
FUNCTION(__m512i, mask_or_epi32, (__m512i from, __mmask16 m, __m512i a, __m512i b),
         W(SET ? WORD(a) | WORD(b) : WORD(from)))
FUNCTION(__m512i, mask_min_epi32, (__m512i from, __mmask16 m, __m512i a, __m512i b),
         W(SET ? BELOW(WORD(a), WORD(b)) : WORD(from)))
FUNCTION(__mmask16, cmpge_epi32_mask, II, MASK(__mmask16, 16, WORD(a) >= WORD(b)))
FUNCTION(__mmask16, cmpgt_epi32_mask, II, MASK(__mmask16, 16, WORD(a) > WORD(b)))
FUNCTION(__mmask16, cmpeq_epi32_mask, II, MASK(__mmask16, 16, WORD(a) == WORD(b)))
FUNCTION(__mmask32, cmpge_epi16_mask, II, MASK(__mmask32, 32, SHORT(a) >= SHORT(b)))
FUNCTION(__mmask16, test_epi8_mask, (__m128i a, __m128i b),
         MASK(__mmask16, 16, ((__v16qi)a)[i] & ((__v16qi)b)[i]))
FUNCTION(int, reduce_min_epi32, (__m512i a), JOIN(INT32_MAX, 16, BELOW(s, WORD(a))))
FUNCTION(int, reduce_max_epi32, (__m512i a), JOIN(INT32_MIN, 16, ABOVE(s, WORD(a))))
FUNCTION(int, reduce_add_epi32, (__m512i a), JOIN(0, 16, (int)((unsigned)s + (unsigned)WORD(a))))
/* two products of 16 bits, or four of 8, are added in each lane, around at 2^32 */
#define WORDS_OF(v, k) ((unsigned)((__v32hi)(v))[2 * i + (k)])
#define BYTES_OF(v, sign, k) ((unsigned)(sign char)((__v64qi)(v))[4 * i + (k)])
#define WORDS(k) WORDS_OF(a, k) * WORDS_OF(b, k)
#define BYTES(k) BYTES_OF(a, unsigned, k) * BYTES_OF(b, signed, k)
FUNCTION(__m512i, madd_epi16, II, W((int)(WORDS(0) + WORDS(1))))
FUNCTION(__m512i, dpwssd, (__m512i sum, __m512i a, __m512i b),
         W((int)((unsigned)WORD(sum) + WORDS(0) + WORDS(1))))
FUNCTION(__m512i, dpbusd, (__m512i sum, __m512i a, __m512i b),
         W((int)((unsigned)WORD(sum) + BYTES(0) + BYTES(1) + BYTES(2) + BYTES(3))))

/* from one kind to another, by the instructions of half the width */
FUNCTION(__m256, lower_ps, (__m512 a), HALF(__v8sf, 0))
FUNCTION(__m256d, lower_pd, (__m512d a), HALF(__v4df, 0))
FUNCTION(__m256, extract_ps, (__m512 a, int which), HALF(__v8sf, which))
FUNCTION(__m256d, extract_pd, (__m512d a, int which), HALF(__v4df, which))
FUNCTION(__m512, widen_ps, (__m256 a), F(i < 8 ? a[i] : 0x1p99f)) /* the rest is undefined */
FUNCTION(__m512, widen_ps4, (__m128 a), F(i < 4 ? a[i] : 0x1p99f))
FUNCTION(__m512, broadcast_f32x4, (__m128 a), F(a[i % 4]))
FUNCTION(__m512, mask_broadcast_f32x4, (__m512 from, __mmask16 m, __m128 a),
         F(SET ? a[i % 4] : from[i]))
FUNCTION(__m512, mask_broadcast_f32x8, (__m512 from, __mmask16 m, __m256 a),
         F(SET ? a[i % 8] : from[i]))
FUNCTION(__m512d, cvtps_pd, (__m256 a), D((double)a[i]))
FUNCTION(__m256, cvtpd_ps, (__m512d a), LANES(__v8sf, 8, (float)a[i]))
FUNCTION(__m512, cvtepi32_ps, (__m512i a), F((float)WORD(a)))
FUNCTION(__m512i, cvtps_epi32, (__m512 a), W(_mm_cvtss_si32(_mm_set_ss(a[i])))) /* to even */
FUNCTION(__m256i, cvtepi32_epi16, (__m512i a), LANES(__v16hi, 16, (short)WORD(a)))
FUNCTION(__m512i, cvtepu16_epi32, (__m256i a), W((unsigned short)((__v16hi)a)[i]))
FUNCTION(__m512, cvtph_ps, (__m256i a), F(_cvtsh_ss((unsigned short)((__v16hi)a)[i])))
FUNCTION(__m256i, cvtps_ph, (__m512 a), LANES(__v16hi, 16, (short)_cvtss_sh(a[i], 0)))

/* lanes among each other */
#define QUAD(at) ((how >> (2 * (at))) & 3)
FUNCTION(__m512, shuffle_ps, (__m512 a, __m512 b, int how),
         F((i % 4 < 2 ? a : b)[i / 4 * 4 + QUAD(i % 4)]))
FUNCTION(__m512, shuffle_f32x4, (__m512 a, __m512 b, int how),
         F((i < 8 ? a : b)[QUAD(i / 4) * 4 + i % 4]))
FUNCTION(__m512, unpacklo_ps, VV, F((i % 2 ? b : a)[i / 4 * 4 + i % 4 / 2]))
FUNCTION(__m512, unpackhi_ps, VV, F((i % 2 ? b : a)[i / 4 * 4 + 2 + i % 4 / 2]))
FUNCTION(__m512, permutexvar_ps, (__m512i to, __m512 a), F(a[WORD(to) & 15]))

/* Under their names. Some compilers have macros of them without optimisation. */
#undef _mm256_mask_storeu_epi16
#define _mm256_mask_storeu_epi16 emulated_mask_storeu_epi16
#undef _mm256_mask_storeu_ps
#define _mm256_mask_storeu_ps emulated_mask_storeu_ps8
#undef _mm256_maskz_loadu_epi16
#define _mm256_maskz_loadu_epi16 emulated_maskz_loadu_epi16
#undef _mm256_maskz_loadu_ps
#define _mm256_maskz_loadu_ps emulated_maskz_loadu_ps8
#undef _mm512_abs_pd
#define _mm512_abs_pd emulated_abs_pd
#undef _mm512_abs_ps
#define _mm512_abs_ps emulated_abs_ps
#undef _mm512_add_epi32
#define _mm512_add_epi32 emulated_add_epi32
#undef _mm512_add_ps
#define _mm512_add_ps emulated_add_ps
#undef _mm512_and_si512
#define _mm512_and_si512 emulated_and_si512
#undef _mm512_broadcast_f32x4
#define _mm512_broadcast_f32x4 emulated_broadcast_f32x4
#undef _mm512_castpd512_pd256
#define _mm512_castpd512_pd256 emulated_lower_pd
#undef _mm512_castps128_ps512
#define _mm512_castps128_ps512 emulated_widen_ps4
#undef _mm512_castps256_ps512
#define _mm512_castps256_ps512 emulated_widen_ps
#undef _mm512_castps512_ps256
#define _mm512_castps512_ps256 emulated_lower_ps
#undef _mm512_castps_si512
#define _mm512_castps_si512(a) ((__m512i)(a))
#undef _mm512_castsi512_ps
#define _mm512_castsi512_ps(a) ((__m512)(a))
#undef _mm512_cmp_pd_mask
#define _mm512_cmp_pd_mask emulated_cmp_pd_mask
#undef _mm512_cmp_ps_mask
#define _mm512_cmp_ps_mask emulated_cmp_ps_mask
#undef _mm512_cmpeq_epi32_mask
#define _mm512_cmpeq_epi32_mask emulated_cmpeq_epi32_mask
#undef _mm512_cmpge_epi16_mask
#define _mm512_cmpge_epi16_mask emulated_cmpge_epi16_mask
#undef _mm512_cmpge_epi32_mask
#define _mm512_cmpge_epi32_mask emulated_cmpge_epi32_mask
#undef _mm512_cmpgt_epi32_mask
#define _mm512_cmpgt_epi32_mask emulated_cmpgt_epi32_mask
#undef _mm512_cvtepi32_epi16
#define _mm512_cvtepi32_epi16 emulated_cvtepi32_epi16
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 emulated_cvtepu16_epi32
#undef _mm512_cvtpd_ps
#define _mm512_cvtpd_ps emulated_cvtpd_ps
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps emulated_cvtph_ps
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32 emulated_cvtps_epi32
#undef _mm512_cvtps_pd
#define _mm512_cvtps_pd emulated_cvtps_pd
#undef _mm512_cvtps_ph
#define _mm512_cvtps_ph(a, how) emulated_cvtps_ph(a)
#undef _mm512_div_pd
#define _mm512_div_pd emulated_div_pd
#undef _mm512_div_ps
#define _mm512_div_ps emulated_div_ps
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps emulated_extract_ps
#undef _mm512_extractf64x4_pd
#define _mm512_extractf64x4_pd emulated_extract_pd
#undef _mm512_fmadd_pd
#define _mm512_fmadd_pd emulated_fmadd_pd
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps emulated_fmadd_ps
#undef _mm512_fnmadd_pd
#define _mm512_fnmadd_pd emulated_fnmadd_pd
#undef _mm512_fnmadd_ps
#define _mm512_fnmadd_ps emulated_fnmadd_ps
#undef _mm512_fpclass_ps_mask
#define _mm512_fpclass_ps_mask(a, kinds) emulated_not_finite(a)
#undef _mm512_kunpackd
#define _mm512_kunpackd(a, b) ((__mmask64)((__mmask64)(a) << 32 | (b)))
#undef _mm512_kunpackw
#define _mm512_kunpackw(a, b) ((__mmask32)((__mmask32)(a) << 16 | (b)))
#undef _mm512_load_pd
#define _mm512_load_pd(p) emulated_loadu_pd(LINE(p))
#undef _mm512_load_ps
#define _mm512_load_ps(p) emulated_loadu_ps(LINE(p))
#undef _mm512_load_si512
#define _mm512_load_si512(p) emulated_loadu_si512(LINE(p))
#undef _mm512_loadu_ps
#define _mm512_loadu_ps emulated_loadu_ps
#undef _mm512_loadu_si512
#define _mm512_loadu_si512 emulated_loadu_si512
#undef _mm512_madd_epi16
#define _mm512_madd_epi16 emulated_madd_epi16
#undef _mm512_mask3_fmadd_pd
#define _mm512_mask3_fmadd_pd emulated_mask3_fmadd_pd
#undef _mm512_mask3_fmadd_ps
#define _mm512_mask3_fmadd_ps emulated_mask3_fmadd_ps
#undef _mm512_mask_add_pd
#define _mm512_mask_add_pd emulated_mask_add_pd
#undef _mm512_mask_broadcast_f32x4
#define _mm512_mask_broadcast_f32x4 emulated_mask_broadcast_f32x4
#undef _mm512_mask_broadcast_f32x8
#define _mm512_mask_broadcast_f32x8 emulated_mask_broadcast_f32x8
#undef _mm512_mask_loadu_ps
#define _mm512_mask_loadu_ps emulated_mask_loadu_ps
#undef _mm512_mask_min_epi32
#define _mm512_mask_min_epi32 emulated_mask_min_epi32
#undef _mm512_mask_mov_ps
#define _mm512_mask_mov_ps emulated_mask_mov_ps
#undef _mm512_mask_or_epi32
#define _mm512_mask_or_epi32 emulated_mask_or_epi32
#undef _mm512_mask_storeu_epi32
#define _mm512_mask_storeu_epi32 emulated_mask_storeu_epi32
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps
#undef _mm512_maskz_compress_epi32
#define _mm512_maskz_compress_epi32 emulated_maskz_compress_epi32
#undef _mm512_maskz_compress_ps
#define _mm512_maskz_compress_ps emulated_maskz_compress_ps
#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#undef _mm512_maskz_mov_ps
#define _mm512_maskz_mov_ps emulated_maskz_mov_ps
#undef _mm512_max_epi16
#define _mm512_max_epi16 emulated_max_epi16
#undef _mm512_max_epi32
#define _mm512_max_epi32 emulated_max_epi32
#undef _mm512_max_ps
#define _mm512_max_ps emulated_max_ps
#undef _mm512_min_epi16
#define _mm512_min_epi16 emulated_min_epi16
#undef _mm512_min_epi32
#define _mm512_min_epi32 emulated_min_epi32
#undef _mm512_mul_pd
#define _mm512_mul_pd emulated_mul_pd
#undef _mm512_mul_ps
#define _mm512_mul_ps emulated_mul_ps
#undef _mm512_mulhrs_epi16
#define _mm512_mulhrs_epi16 emulated_mulhrs_epi16
#undef _mm512_permutexvar_ps
#define _mm512_permutexvar_ps emulated_permutexvar_ps
#undef _mm512_reduce_add_epi32
#define _mm512_reduce_add_epi32 emulated_reduce_add_epi32
#undef _mm512_reduce_max_epi32
#define _mm512_reduce_max_epi32 emulated_reduce_max_epi32
#undef _mm512_reduce_max_ps
#define _mm512_reduce_max_ps emulated_reduce_max_ps
#undef _mm512_reduce_min_epi32
#define _mm512_reduce_min_epi32 emulated_reduce_min_epi32
#undef _mm512_set1_epi16
#define _mm512_set1_epi16 emulated_set1_epi16
#undef _mm512_set1_epi32
#define _mm512_set1_epi32 emulated_set1_epi32
#undef _mm512_set1_pd
#define _mm512_set1_pd emulated_set1_pd
#undef _mm512_set1_ps
#define _mm512_set1_ps emulated_set1_ps
#undef _mm512_set_epi32
#define _mm512_set_epi32(...) emulated_list((const int[]){__VA_ARGS__})
#undef _mm512_setzero_pd
#define _mm512_setzero_pd emulated_setzero_pd
#undef _mm512_setzero_ps
#define _mm512_setzero_ps emulated_setzero_ps
#undef _mm512_setzero_si512
#define _mm512_setzero_si512 emulated_setzero_si512
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4 emulated_shuffle_f32x4
#undef _mm512_shuffle_ps
#define _mm512_shuffle_ps emulated_shuffle_ps
#undef _mm512_slli_epi32
#define _mm512_slli_epi32 emulated_slli_epi32
#undef _mm512_sqrt_pd
#define _mm512_sqrt_pd emulated_sqrt_pd
#undef _mm512_sqrt_ps
#define _mm512_sqrt_ps emulated_sqrt_ps
#undef _mm512_srli_epi32
#define _mm512_srli_epi32 emulated_srli_epi32
#undef _mm512_store_pd
#define _mm512_store_pd(p, a) emulated_mask_storeu_pd(LINE(p), 0xff, a)
#undef _mm512_store_ps
#define _mm512_store_ps(p, a) emulated_mask_storeu_ps(LINE(p), 0xffff, a)
#undef _mm512_store_si512
#define _mm512_store_si512(p, a) emulated_mask_storeu_epi32(LINE(p), 0xffff, a)
#undef _mm512_storeu_ps
#define _mm512_storeu_ps(p, a) emulated_mask_storeu_ps(p, 0xffff, a)
#undef _mm512_storeu_si512
#define _mm512_storeu_si512(p, a) emulated_mask_storeu_epi32(p, 0xffff, a)
#undef _mm512_stream_ps
#define _mm512_stream_ps(p, a) emulated_mask_storeu_ps(LINE(p), 0xffff, a)
#undef _mm512_sub_pd
#define _mm512_sub_pd emulated_sub_pd
#undef _mm512_sub_ps
#define _mm512_sub_ps emulated_sub_ps
#undef _mm512_subs_epi16
#define _mm512_subs_epi16 emulated_subs_epi16
#undef _mm512_unpackhi_ps
#define _mm512_unpackhi_ps emulated_unpackhi_ps
#undef _mm512_unpacklo_ps
#define _mm512_unpacklo_ps emulated_unpacklo_ps
#undef _mm_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8 emulated_maskz_loadu_epi8
#undef _mm_test_epi8_mask
#define _mm_test_epi8_mask emulated_test_epi8_mask

#undef F
#undef D
#undef W
#undef H
#undef SET
#undef VV
#undef DD
#undef II
#undef VVV
#undef DDD
#undef MASK
#undef HALF
#undef READ
#undef QUAD
#undef WORD
#undef SHORT
#undef WORDS
#undef BYTES
#undef STORE
#undef JOIN
#undef LANES
#undef BELOW
#undef ABOVE
#undef LIMITED
#undef FUNCTION
#undef COMPARED
#undef COMPRESS
#undef WORDS_OF
#undef BYTES_OF
