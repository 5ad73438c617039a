/* Kernels for CPUs with AVX2, FMA and F16C: the table, and the kernels of single vectors. Ends of
   vectors go through small buffers, as masked stores are slow on some of these CPUs. */
#include "avx2_dense.h"
#include "avx2_filter.h"
#include "avx2_nearest.h"
#include "avx2_select.h"
#include "avx2_sparse.h"
#include "avx2_tile.h"
#include "exp64.h"
#define FMAF __builtin_fmaf
#include "layer.h"
static inline __m256i load16(const int16_t *x)
{
  return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

static inline void store16(int16_t *to, __m256i x)
{
  _mm256_storeu_si256((__m256i *)(void *)to, x);
}

/* y less c x / 2^15, rounded, within 16 bits; best: the largest of each lane of each group, or 0;
   least: the least of each lane, or what it is. */
static inline void less_whole(int64_t count, int64_t group, int16_t c, const int16_t *x, int16_t *y,
                              int16_t *best, int16_t *least)
{
  const __m256i by = _mm256_set1_epi16(c);
  __m256i low[4];
  for (int v = 0; v < 4; v++) low[v] = load16(least + 16 * v);
  for (int64_t i = 0; i < count; best += 64) {
    __m256i high[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                       _mm256_setzero_si256()};
    for (const int64_t end = count - i < group ? count : i + group; i < end; i += 64) {
      for (int v = 0; v < 4; v++) {
        const int64_t at = i + 16 * v;
        const __m256i left =
            _mm256_subs_epi16(load16(y + at), _mm256_mulhrs_epi16(by, load16(x + at)));
        store16(y + at, left);
        high[v] = _mm256_max_epi16(left, high[v]), low[v] = _mm256_min_epi16(left, low[v]);
        __asm__("" : "+x"(high[v]), "+x"(low[v])); /* or GCC keeps one of them in memory */
      }
    }
    for (int v = 0; v < 4; v++) store16(best + 16 * v, high[v]);
  }
  for (int v = 0; v < 4; v++) store16(least + 16 * v, low[v]);
}

static inline uint64_t not_below(const int16_t *y, int16_t least)
{
  const __m256i to = _mm256_set1_epi16(least);
  uint64_t bits = 0;
  for (int i = 0; i < 64; i += 32) {
    const __m256i low = _mm256_cmpgt_epi16(to, load16(y + i)),
                  high = _mm256_cmpgt_epi16(to, load16(y + i + 16));
    const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
    bits |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(both) << i;
  }
  return bits;
}
#include "pursuit.h"
#include "refine64.h"
#include "small_systems.h"
#include "subtract64.h"
#include "walk.h"
#include <string.h>

/* Eight float64 lanes. */
typedef struct {
  __m256d a, b;
} Lanes;

/* Lanes l and l + 4, then + 2, then + 1. */
static inline double halve(Lanes x)
{
  const __m256d s = _mm256_add_pd(x.a, x.b);
  const __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
  return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}

/* Elements i .. i + 7 in float64; 0 from d on, which changes no sum of lane64. */
static inline Lanes widen(int64_t d, const float *x, int64_t i)
{
  const __m256 v = i + 8 <= d ? _mm256_loadu_ps(x + i) : _mm256_maskload_ps(x + i, lanes256(d, i));
  return (Lanes){_mm256_cvtps_pd(_mm256_castps256_ps128(v)),
                 _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))};
}

static inline Lanes fma64(Lanes x, Lanes y, Lanes s)
{
  return (Lanes){_mm256_fmadd_pd(x.a, y.a, s.a), _mm256_fmadd_pd(x.b, y.b, s.b)};
}

static double square64(int64_t d, const float *x)
{
  Lanes s = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  for (int64_t i = 0; i < d; i += 8) {
    const Lanes u = widen(d, x, i);
    s = fma64(u, u, s);
  }
  return halve(s);
}

static double dot64(int64_t d, const float *x, const float *y)
{
  Lanes s = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  for (int64_t i = 0; i < d; i += 8) s = fma64(widen(d, x, i), widen(d, y, i), s);
  return halve(s);
}

static double distance64(int64_t d, const float *x, const float *y)
{
  Lanes s = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  for (int64_t i = 0; i < d; i += 8) {
    const Lanes u = widen(d, x, i), v = widen(d, y, i);
    const Lanes e = {_mm256_sub_pd(u.a, v.a), _mm256_sub_pd(u.b, v.b)};
    s = fma64(e, e, s);
  }
  return halve(s);
}

static void distances64(int64_t n, int64_t d, const float *X, int64_t ldX, const float *Y,
                        int64_t ldY, const int32_t *index, double *distance)
{
  for (int64_t q = 0; q < n; q++)
    distance[q] = distance64(d, X + q * ldX, Y + (index ? index[q] : q) * ldY);
}

static double sum64(int64_t d, const float *x)
{
  Lanes s = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  for (int64_t i = 0; i < d; i += 8) {
    const Lanes u = widen(d, x, i);
    s = (Lanes){_mm256_add_pd(s.a, u.a), _mm256_add_pd(s.b, u.b)};
  }
  return halve(s);
}

/* Stores elements i .. i + 7, or those below d. */
static inline void narrow(int64_t d, Lanes y, float *x, int64_t i)
{
  const __m256 v = _mm256_set_m128(_mm256_cvtpd_ps(y.b), _mm256_cvtpd_ps(y.a));
  if (i + 8 <= d)
    _mm256_storeu_ps(x + i, v);
  else
    _mm256_maskstore_ps(x + i, lanes256(d, i), v);
}

static void add_scaled(int64_t d, float a, const float *x, float *y)
{
  const __m256 by = _mm256_set1_ps(a);
  int64_t i = 0;
  for (; i + 8 <= d; i += 8)
    _mm256_storeu_ps(y + i, _mm256_fmadd_ps(by, _mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
  for (; i < d; i++) y[i] = __builtin_fmaf(a, x[i], y[i]);
}

#include "avx2_products64.h"

static double tangent(int64_t d, float *g, const float *D)
{
  const __m256d along = _mm256_set1_pd(dot64(d, g, D));
  for (int64_t i = 0; i < d; i += 8) {
    const Lanes u = widen(d, g, i), v = widen(d, D, i);
    const Lanes off = {_mm256_sub_pd(u.a, _mm256_mul_pd(along, v.a)),
                       _mm256_sub_pd(u.b, _mm256_mul_pd(along, v.b))};
    narrow(d, off, g, i);
  }
  return square64(d, g);
}

static double unit(int64_t d, float *x)
{
  const double norm = __builtin_sqrt(square64(d, x));
  const __m256d by = _mm256_set1_pd(norm);
  for (int64_t i = 0; i < d && norm > 0; i += 8) {
    const Lanes u = widen(d, x, i);
    narrow(d, (Lanes){_mm256_div_pd(u.a, by), _mm256_div_pd(u.b, by)}, x, i);
  }
  return norm;
}

static void normalise(int64_t n, int64_t d, float *X, int64_t ldX, const float *mu,
                      const float *inv)
{
  for (int64_t t = 0; t < n; t++) {
    float *x = X + t * ldX;
    int64_t i = 0;
    for (; i + 8 <= d; i += 8) {
      const __m256 centred = _mm256_sub_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(mu + i));
      _mm256_storeu_ps(x + i, _mm256_mul_ps(centred, _mm256_loadu_ps(inv + i)));
    }
    for (; i < d; i++) x[i] = (x[i] - mu[i]) * inv[i];
  }
}

static inline __m256 half8(const uint16_t *from)
{
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)from));
}

static inline __m256 bfloat8(const uint16_t *from)
{
  const __m256i x = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

static inline void narrow_half8(const float *from, uint16_t *to)
{
  _mm_storeu_si128((__m128i *)(void *)to,
                   _mm256_cvtps_ph(_mm256_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT));
}

static inline void narrow_bfloat8(const float *from, uint16_t *to)
{
  const __m256 x = _mm256_loadu_ps(from);
  const __m256i bits = _mm256_castps_si256(x), upper = _mm256_srli_epi32(bits, 16);
  const __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
  const __m256i half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
  const __m256i near = _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
  const __m256i nan = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i all = _mm256_blendv_epi8(near, nan, is_nan);
  _mm_storeu_si128((__m128i *)(void *)to,
                   _mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
}

/* Widens all elements by STEP, which takes 8; a number less itself is 0 unless it is not finite. */
#define WIDEN(NAME, STEP)                                                                          \
  static bool NAME(int64_t count, const uint16_t *from, float *to)                                 \
  {                                                                                                \
    __m256 odd = _mm256_setzero_ps();                                                              \
    int64_t i = 0;                                                                                 \
    for (; i + 8 <= count; i += 8) {                                                               \
      const __m256 x = STEP(from + i);                                                             \
      _mm256_storeu_ps(to + i, x);                                                                 \
      odd = _mm256_or_ps(odd, _mm256_sub_ps(x, x));                                                \
    }                                                                                              \
    uint16_t rest[8] = {0};                                                                        \
    if (i < count) memcpy(rest, from + i, (size_t)(count - i) * sizeof(*rest));                    \
    const __m256 x = STEP(rest);                                                                   \
    _mm256_maskstore_ps(to + i, lanes256(count, i), x);                                            \
    odd = _mm256_or_ps(odd, _mm256_sub_ps(x, x));                                                  \
    return !_mm256_movemask_ps(_mm256_cmp_ps(odd, odd, _CMP_UNORD_Q));                             \
  }

/* Applies STEP, which takes 8 elements, to all of them. */
#define CONVERT(NAME, FROM, TO, STEP)                                                              \
  static void NAME(int64_t count, const FROM *from, TO *to)                                        \
  {                                                                                                \
    int64_t i = 0;                                                                                 \
    for (; i + 8 <= count; i += 8) STEP(from + i, to + i);                                         \
    if (i >= count) return;                                                                        \
    FROM rest[8] = {0};                                                                            \
    TO done[8];                                                                                    \
    memcpy(rest, from + i, (size_t)(count - i) * sizeof(FROM));                                    \
    STEP(rest, done);                                                                              \
    memcpy(to + i, done, (size_t)(count - i) * sizeof(TO));                                        \
  }

WIDEN(widen_half, half8)
WIDEN(widen_bfloat, bfloat8)
CONVERT(narrow_half, float, uint16_t, narrow_half8)
CONVERT(narrow_bfloat, float, uint16_t, narrow_bfloat8)

/* x, or 0 where it is below 2^-100 in size. */
static inline __m256 settled(__m256 x)
{
  const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
  return _mm256_andnot_ps(_mm256_cmp_ps(size, _mm256_set1_ps(0x1p-100f), _CMP_LT_OQ), x);
}

typedef struct {
  float scale, a, s, b1, b2, eps;
} Rates;

static inline void adam8(float *p, float *m, float *v, const float *g, const Rates *r)
{
  const __m256 grad = _mm256_mul_ps(_mm256_loadu_ps(g), _mm256_set1_ps(r->scale));
  const __m256 c1 = _mm256_set1_ps(1.0f - r->b1), c2 = _mm256_set1_ps(1.0f - r->b2);
  const __m256 first =
      settled(_mm256_fmadd_ps(_mm256_set1_ps(r->b1), _mm256_loadu_ps(m), _mm256_mul_ps(c1, grad)));
  const __m256 second = settled(_mm256_fmadd_ps(_mm256_set1_ps(r->b2), _mm256_loadu_ps(v),
                                                _mm256_mul_ps(c2, _mm256_mul_ps(grad, grad))));
  const __m256 below = _mm256_add_ps(_mm256_mul_ps(_mm256_sqrt_ps(second), _mm256_set1_ps(r->s)),
                                     _mm256_set1_ps(r->eps));
  const __m256 step = _mm256_div_ps(_mm256_mul_ps(_mm256_set1_ps(r->a), first), below);
  _mm256_storeu_ps(m, first);
  _mm256_storeu_ps(v, second);
  _mm256_storeu_ps(p, _mm256_sub_ps(_mm256_loadu_ps(p), step));
}

static void adam(int64_t count, float *p, float *m, float *v, const float *g, float scale, float a,
                 float s, float b1, float b2, float eps)
{
  const Rates rates = {scale, a, s, b1, b2, eps};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) adam8(p + i, m + i, v + i, g + i, &rates);
  if (i >= count) return;
  float rest[4][8] = {{0}}, *const of[3] = {p + i, m + i, v + i};
  const size_t bytes = (size_t)(count - i) * sizeof(float);
  for (int k = 0; k < 3; k++) memcpy(rest[k], of[k], bytes);
  memcpy(rest[3], g + i, bytes);
  adam8(rest[0], rest[1], rest[2], rest[3], &rates);
  for (int k = 0; k < 3; k++) memcpy(of[k], rest[k], bytes);
}

static double probe(int64_t rounds)
{
  __m256 a[12];
  const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
  for (int i = 0; i < 12; i++) a[i] = _mm256_set1_ps((float)i);
  for (int64_t r = 0; r < rounds; r++) {
    for (int i = 0; i < 12; i++) a[i] = _mm256_fmadd_ps(a[i], x, y);
    __asm__ volatile(""
                     : "+x"(a[0]), "+x"(a[1]), "+x"(a[2]), "+x"(a[3]), "+x"(a[4]), "+x"(a[5]),
                       "+x"(a[6]), "+x"(a[7]), "+x"(a[8]), "+x"(a[9]), "+x"(a[10]), "+x"(a[11]));
  }
  return 12.0 * 8 * 2 * (double)rounds;
}

const Kernels backend_avx2 = {
    .entry = {"avx2", "vectors of 8, for CPUs with AVX2, FMA and F16C"},
    .rank = 1,
    .usable = cpu_has_avx2,
    .probe = probe,
    .pack = avx2_pack,
    .scores = avx2_scores,
    .combine = avx2_combine,
    .pack_columns = avx2_pack_columns,
    .sum_products = avx2_sum_products,
    .select_top = avx2_select_top,
    .quantise = avx2_quantise,
    .filter_gain = avx2_filter_gain,
    .filter = avx2_filter,
    .candidates = avx2_candidates,
    .chains = avx2_chains,
    .select_positive = avx2_select_positive,
    .select_near = avx2_select_near,
    .decode = avx2_decode,
    .add_scaled = add_scaled,
    .largest_size = largest_size,
    .round16 = round16,
    .less_leading = less_leading,
    .products64 = products64,
    .refine64 = refine64,
    .less_rows = less_rows,
    .unroll_slopes = avx2_unroll_slopes,
    .unroll_sums = avx2_unroll_sums,
    .blockdots = avx2_blockdots,
    .add_picks = avx2_add_picks,
    .dot_picks = avx2_dot_picks,
    .residuals = avx2_residuals,
    .slopes = avx2_slopes,
    .dense_share = 0.6,
    .leaf_sums = avx2_leaf_sums,
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
    .screens = &avx2_screens,
};
