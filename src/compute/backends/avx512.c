/* Kernels for CPUs with AVX-512 (F, BW, DQ, VL): the table, and the kernels of single vectors. */
#include "avx512_dense.h"
#include "avx512_filter.h"
#include "avx512_nearest.h"
#include "avx512_select.h"
#include "avx512_sparse.h"
#include "avx512_tile.h"
#include "exp64.h"
#define FMAF __builtin_fmaf
#include "layer.h"
/* y less c x / 2^15, rounded, within 16 bits; best: the largest of each lane of each group, or 0;
   least: the least of each lane, or what it is. */
static inline void less_whole(int64_t count, int64_t group, int16_t c, const int16_t *x, int16_t *y,
                              int16_t *best, int16_t *least)
{
  const __m512i by = _mm512_set1_epi16(c);
  __m512i low[2] = {_mm512_loadu_si512(least), _mm512_loadu_si512(least + 32)};
  for (int64_t i = 0; i < count; best += 64) {
    __m512i high[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (const int64_t end = count - i < group ? count : i + group; i < end; i += 64) {
      for (int v = 0; v < 2; v++) {
        const int64_t at = i + 32 * v;
        const __m512i left = _mm512_subs_epi16(_mm512_loadu_si512(y + at),
                                               _mm512_mulhrs_epi16(by, _mm512_loadu_si512(x + at)));
        _mm512_storeu_si512(y + at, left);
        high[v] = _mm512_max_epi16(left, high[v]), low[v] = _mm512_min_epi16(left, low[v]);
      }
    }
    for (int v = 0; v < 2; v++) _mm512_storeu_si512(best + 32 * v, high[v]);
  }
  for (int v = 0; v < 2; v++) _mm512_storeu_si512(least + 32 * v, low[v]);
}

static inline uint64_t not_below(const int16_t *y, int16_t least)
{
  const __m512i to = _mm512_set1_epi16(least);
  return _mm512_cmpge_epi16_mask(_mm512_loadu_si512(y), to) |
         (uint64_t)_mm512_cmpge_epi16_mask(_mm512_loadu_si512(y + 32), to) << 32;
}
#include "pursuit.h"
#include "refine64.h"
#include "small_systems.h"
#include "subtract64.h"
#include "unroll.h"
#include "walk.h"

static inline __mmask8 lanes8(int64_t count)
{
  return count >= 8 ? 0xff : (__mmask8)((1u << count) - 1);
}

/* Lanes l and l + 4, then + 2, then + 1. */
static inline double halve(__m512d a)
{
  const __m256d b = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
  const __m128d c = _mm_add_pd(_mm256_castpd256_pd128(b), _mm256_extractf128_pd(b, 1));
  return _mm_cvtsd_f64(_mm_add_sd(c, _mm_unpackhi_pd(c, c)));
}

#define WIDEN(x) _mm512_cvtps_pd(_mm256_maskz_loadu_ps(lanes, (x) + i))

static double square64(int64_t d, const float *x)
{
  __m512d a = _mm512_setzero_pd();
  for (int64_t i = 0; i < d; i += 8) {
    const __mmask8 lanes = lanes8(d - i);
    const __m512d u = WIDEN(x);
    a = _mm512_mask3_fmadd_pd(u, u, a, lanes);
  }
  return halve(a);
}

static double dot64(int64_t d, const float *x, const float *y)
{
  __m512d a = _mm512_setzero_pd();
  for (int64_t i = 0; i < d; i += 8) {
    const __mmask8 lanes = lanes8(d - i);
    a = _mm512_mask3_fmadd_pd(WIDEN(x), WIDEN(y), a, lanes);
  }
  return halve(a);
}

static double distance64(int64_t d, const float *x, const float *y)
{
  __m512d a = _mm512_setzero_pd();
  for (int64_t i = 0; i < d; i += 8) {
    const __mmask8 lanes = lanes8(d - i);
    const __m512d e = _mm512_sub_pd(WIDEN(x), WIDEN(y));
    a = _mm512_mask3_fmadd_pd(e, e, a, lanes);
  }
  return halve(a);
}

/* Four rows of Y at a time, as one sum alone waits for itself. */
static void distances64(int64_t n, int64_t d, const float *X, int64_t ldX, const float *Y,
                        int64_t ldY, const int32_t *index, double *distance)
{
  for (int64_t q = 0; q < n; q += 4) {
    const float *x[4], *y[4];
    __m512d a[4];
    for (int r = 0; r < 4; r++) {
      const int64_t at = q + r < n ? q + r : n - 1;
      x[r] = X + at * ldX, y[r] = Y + (index ? index[at] : at) * ldY;
      a[r] = _mm512_setzero_pd();
    }
    for (int64_t i = 0; i < d; i += 8) {
      const __mmask8 lanes = lanes8(d - i);
#pragma GCC unroll 4
      for (int r = 0; r < 4; r++) {
        const __m512d e = _mm512_sub_pd(WIDEN(x[r]), WIDEN(y[r]));
        a[r] = _mm512_mask3_fmadd_pd(e, e, a[r], lanes);
      }
    }
    for (int r = 0; r < 4 && q + r < n; r++) distance[q + r] = halve(a[r]);
  }
}

static double sum64(int64_t d, const float *x)
{
  __m512d a = _mm512_setzero_pd();
  for (int64_t i = 0; i < d; i += 8) {
    const __mmask8 lanes = lanes8(d - i);
    a = _mm512_mask_add_pd(a, lanes, a, WIDEN(x));
  }
  return halve(a);
}

static void add_scaled(int64_t d, float a, const float *x, float *y)
{
  const __m512 by = _mm512_set1_ps(a);
  for (int64_t i = 0; i < d; i += 16) {
    const __mmask16 lanes = lanes512(d, i);
    const __m512 from = _mm512_maskz_loadu_ps(lanes, x + i),
                 to = _mm512_maskz_loadu_ps(lanes, y + i);
    _mm512_mask_storeu_ps(y + i, lanes, _mm512_fmadd_ps(by, from, to));
  }
}

typedef __m512d Wide64;
#define SIDE 4
static inline Wide64 wide64_load(const float *x)
{
  return _mm512_cvtps_pd(_mm256_loadu_ps(x));
}
static inline Wide64 wide64_part(const float *x, int64_t count)
{
  return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(lanes8(count), x));
}
static inline Wide64 wide64_fma(Wide64 x, Wide64 y, Wide64 s)
{
  return _mm512_fmadd_pd(x, y, s);
}
#include "avx512_products64.h"

static double tangent(int64_t d, float *g, const float *D)
{
  const __m512d along = _mm512_set1_pd(dot64(d, g, D));
  __m512d square = _mm512_setzero_pd();
  for (int64_t i = 0; i < d; i += 8) {
    const __mmask8 lanes = lanes8(d - i);
    const __m512d off = _mm512_sub_pd(WIDEN(g), _mm512_mul_pd(along, WIDEN(D)));
    const __m256 left = _mm512_cvtpd_ps(off);
    const __m512d u = _mm512_cvtps_pd(left);
    _mm256_mask_storeu_ps(g + i, lanes, left);
    square = _mm512_mask3_fmadd_pd(u, u, square, lanes);
  }
  return halve(square);
}

static double unit(int64_t d, float *x)
{
  const double norm = __builtin_sqrt(square64(d, x));
  for (int64_t i = 0; i < d && norm > 0; i += 8) {
    const __mmask8 lanes = lanes8(d - i);
    const __m512d y = _mm512_div_pd(WIDEN(x), _mm512_set1_pd(norm));
    _mm256_mask_storeu_ps(x + i, lanes, _mm512_cvtpd_ps(y));
  }
  return norm;
}

static void normalise(int64_t n, int64_t d, float *X, int64_t ldX, const float *mu,
                      const float *inv)
{
  for (int64_t t = 0; t < n; t++) {
    for (int64_t i = 0; i < d; i += 16) {
      const __mmask16 lanes = lanes512(d, i);
      float *x = X + t * ldX + i;
      const __m512 centred =
          _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x), _mm512_maskz_loadu_ps(lanes, mu + i));
      _mm512_mask_storeu_ps(x, lanes,
                            _mm512_mul_ps(centred, _mm512_maskz_loadu_ps(lanes, inv + i)));
    }
  }
}

#define NOT_FINITE 0x99 /* infinity of either sign, NaN of either kind */

static bool widen_half(int64_t count, const uint16_t *from, float *to)
{
  __mmask16 odd = 0;
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = lanes512(count, i);
    const __m512 x = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes, from + i));
    _mm512_mask_storeu_ps(to + i, lanes, x);
    odd |= _mm512_fpclass_ps_mask(x, NOT_FINITE);
  }
  return !odd;
}

static bool widen_bfloat(int64_t count, const uint16_t *from, float *to)
{
  __mmask16 odd = 0;
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = lanes512(count, i);
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, from + i));
    const __m512 x = _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
    _mm512_mask_storeu_ps(to + i, lanes, x);
    odd |= _mm512_fpclass_ps_mask(x, NOT_FINITE);
  }
  return !odd;
}

static void narrow_half(int64_t count, const float *from, uint16_t *to)
{
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = lanes512(count, i);
    const __m512 x = _mm512_maskz_loadu_ps(lanes, from + i);
    _mm256_mask_storeu_epi16(to + i, lanes,
                             _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
}

static void narrow_bfloat(int64_t count, const float *from, uint16_t *to)
{
  const __m512i one = _mm512_set1_epi32(1), half = _mm512_set1_epi32(0x7fff);
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = lanes512(count, i);
    const __m512 x = _mm512_maskz_loadu_ps(lanes, from + i);
    const __m512i bits = _mm512_castps_si512(x), upper = _mm512_srli_epi32(bits, 16);
    const __m512i odd = _mm512_add_epi32(_mm512_and_si512(upper, one), half);
    const __m512i near = _mm512_srli_epi32(_mm512_add_epi32(bits, odd), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    const __m512i all = _mm512_mask_or_epi32(near, nan, upper, _mm512_set1_epi32(0x40));
    _mm256_mask_storeu_epi16(to + i, lanes, _mm512_cvtepi32_epi16(all));
  }
}

/* x, or 0 where it is below 2^-100 in size. */
static inline __m512 settled(__m512 x)
{
  const __mmask16 tiny =
      _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(0x1p-100f), _CMP_LT_OQ);
  return _mm512_mask_mov_ps(x, tiny, _mm512_setzero_ps());
}

static void adam(int64_t count, float *p, float *m, float *v, const float *g, float scale, float a,
                 float s, float b1, float b2, float eps)
{
  const __m512 c1 = _mm512_set1_ps(1.0f - b1), c2 = _mm512_set1_ps(1.0f - b2);
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 lanes = lanes512(count, i);
    const __m512 grad = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, g + i), _mm512_set1_ps(scale));
    const __m512 first = settled(_mm512_fmadd_ps(
        _mm512_set1_ps(b1), _mm512_maskz_loadu_ps(lanes, m + i), _mm512_mul_ps(c1, grad)));
    const __m512 second =
        settled(_mm512_fmadd_ps(_mm512_set1_ps(b2), _mm512_maskz_loadu_ps(lanes, v + i),
                                _mm512_mul_ps(c2, _mm512_mul_ps(grad, grad))));
    const __m512 below = _mm512_add_ps(_mm512_mul_ps(_mm512_sqrt_ps(second), _mm512_set1_ps(s)),
                                       _mm512_set1_ps(eps));
    const __m512 step = _mm512_div_ps(_mm512_mul_ps(_mm512_set1_ps(a), first), below);
    _mm512_mask_storeu_ps(m + i, lanes, first);
    _mm512_mask_storeu_ps(v + i, lanes, second);
    _mm512_mask_storeu_ps(p + i, lanes, _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, p + i), step));
  }
}

static double probe(int64_t rounds)
{
  __m512 a[12];
  const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
  for (int i = 0; i < 12; i++) a[i] = _mm512_set1_ps((float)i);
  for (int64_t r = 0; r < rounds; r++) {
    for (int i = 0; i < 12; i++) a[i] = _mm512_fmadd_ps(a[i], x, y);
#if !defined(EMULATED_AVX512) /* vectors of the emulation are no registers */
    __asm__ volatile(""
                     : "+v"(a[0]), "+v"(a[1]), "+v"(a[2]), "+v"(a[3]), "+v"(a[4]), "+v"(a[5]),
                       "+v"(a[6]), "+v"(a[7]), "+v"(a[8]), "+v"(a[9]), "+v"(a[10]), "+v"(a[11]));
#endif
  }
  return 12.0 * 16 * 2 * (double)rounds;
}

const Kernels backend_avx512 = {
    .entry = {"avx512", "vectors of 16, for CPUs with AVX-512"},
    .rank = 2,
    .usable = cpu_has_avx512,
    .probe = probe,
    .pack = avx512_pack,
    .scores = avx512_scores,
    .combine = avx512_combine,
    .pack_columns = avx512_pack_columns,
    .sum_products = avx512_sum_products,
    .select_top = avx512_select_top,
    .quantise = avx512_quantise,
    .filter_gain = avx512_filter_gain,
    .filter = avx512_filter,
    .candidates = avx512_candidates,
    .chains = avx512_chains,
    .select_positive = avx512_select_positive,
    .select_near = avx512_select_near,
    .decode = avx512_decode,
    .add_scaled = add_scaled,
    .largest_size = largest_size,
    .round16 = round16,
    .less_leading = less_leading,
    .products64 = products64,
    .refine64 = refine64,
    .less_rows = less_rows,
    .unroll_slopes = avx512_unroll_slopes,
    .unroll_sums = unroll_sums,
    .blockdots = avx512_blockdots,
    .add_picks = avx512_add_picks,
    .dot_picks = avx512_dot_picks,
    .residuals = avx512_residuals,
    .slopes = avx512_slopes,
    .dense_share = 0.4,
    .leaf_sums = avx512_leaf_sums,
    .square64 = square64,
    .dot64 = dot64,
    .distance64 = distance64,
    .distances64 = distances64,
    .sum64 = sum64,
    .exp64 = exp64,
    .subtract64 = subtract64,
    .descend = descend,
    .solve_sets = solve_sets,
    .walk = walk,
    .tangent = tangent,
    .unit = unit,
    .layer_norm = layer_norm,
    .layer_back = layer_back,
    .normalise = normalise,
    .widen_half = widen_half,
    .widen_bfloat = widen_bfloat,
    .narrow_half = narrow_half,
    .narrow_bfloat = narrow_bfloat,
    .adam = adam,
    .nearest = nearest_search,
    .screens = &avx512_screens,
};
