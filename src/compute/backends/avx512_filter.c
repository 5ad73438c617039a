/* Scores in 16-bit integers with AVX-512, with VNNI where the CPU has it, and the float32 chains
   that settle what they leave. */
#include "avx512_filter.h"
#include "avx512_tile.h"
#include "avx512_vnni.h"

typedef struct {
  __m512i a[PANEL_ROWS][3];
} Sums;

/* Sums over `pairs` pairs of PANEL_ROWS tokens and a panel; `next` is fetched into the second
   cache, a line a pair, up to `lines`. */
#define DEFINE_PRODUCTS(name, add_pairs)                                                           \
  static void name(int64_t pairs, const float *panel, const int32_t *const b[PANEL_ROWS],          \
                   const float *next, int64_t lines, Sums *sums)                                   \
  {                                                                                                \
    Sums t;                                                                                        \
    _Pragma("GCC unroll 8") for (int r = 0; r < PANEL_ROWS; r++) for (int l = 0; l < 3; l++)       \
        t.a[r][l] = _mm512_setzero_si512();                                                        \
    for (int64_t i = 0; i < pairs; i++) {                                                          \
      const __m512i p0 = _mm512_load_si512(panel + i * PANEL),                                     \
                    p1 = _mm512_load_si512(panel + i * PANEL + 16),                                \
                    p2 = _mm512_load_si512(panel + i * PANEL + 32);                                \
      if (i < lines) _mm_prefetch((const char *)(next + 16 * i), _MM_HINT_T1);                     \
      _Pragma("GCC unroll 8") for (int r = 0; r < PANEL_ROWS; r++)                                 \
      {                                                                                            \
        const __m512i x = _mm512_set1_epi32(b[r][i]);                                              \
        t.a[r][0] = add_pairs(t.a[r][0], x, p0);                                                   \
        t.a[r][1] = add_pairs(t.a[r][1], x, p1);                                                   \
        t.a[r][2] = add_pairs(t.a[r][2], x, p2);                                                   \
      }                                                                                            \
    }                                                                                              \
    *sums = t;                                                                                     \
  }
DEFINE_PRODUCTS(products_vnni, add_words)
DEFINE_PRODUCTS(products_plain, add_words_plain)

double avx512_filter_gain(void)
{
  return cpu_has_vnni() ? 1.8 : 1.5;
}

void avx512_filter(const Quantised *tokens, const Packed *P, const float *scale, const float *init,
                   const float *slack, float *L, int64_t ldL)
{
  const bool vnni = cpu_has_vnni();
  const int64_t n = tokens->rows, tiles = (n + PANEL_ROWS - 1) / PANEL_ROWS,
                lines = n ? (3 * P->d + tiles - 1) / tiles : 0, pairs = tokens->ld / 2;
  const int32_t *q = (const int32_t *)(const void *)tokens->q;
  for (int64_t j = 0; j < P->rows; j += PANEL) {
    const int64_t lanes = P->rows - j < PANEL ? P->rows - j : PANEL;
    const float *panel = P->x + j * P->d,
                *next = P->x + (j + PANEL < P->rows ? j + PANEL : j) * P->d;
    for (int64_t t = 0; t < n; t += PANEL_ROWS, next += 16 * lines) {
      const int32_t *b[PANEL_ROWS];
      Sums sums;
      for (int64_t r = 0; r < PANEL_ROWS; r++) b[r] = q + (t + r < n ? t + r : n - 1) * pairs;
      if (vnni)
        products_vnni(pairs, panel, b, next, lines, &sums);
      else
        products_plain(pairs, panel, b, next, lines, &sums);
      for (int l = 0; l < 3; l++) {
        const __mmask16 mask = lanes512(lanes, 16 * l);
        const int64_t at = j + (mask ? 16 * l : 0);
        const __m512 rows = _mm512_maskz_loadu_ps(mask, scale + at),
                     start = _mm512_maskz_loadu_ps(mask, init + at),
                     loose = _mm512_maskz_loadu_ps(mask, slack + at);
        for (int64_t r = 0; r < PANEL_ROWS && t + r < n; r++) {
          const __m512 s =
              _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums.a[r][l]),
                              _mm512_mul_ps(_mm512_set1_ps(tokens->scale[t + r]), rows), start);
          _mm512_mask_storeu_ps(L + (t + r) * ldL + at, mask,
                                _mm512_fnmadd_ps(_mm512_set1_ps(tokens->norm[t + r]), loose, s));
        }
      }
    }
  }
}

/* Lanes l and l + 4, then + 2, then + 1. */
static inline double halve(__m512d a)
{
  const __m256d b = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
  const __m128d c = _mm_add_pd(_mm256_castpd256_pd128(b), _mm256_extractf128_pd(b, 1));
  return _mm_cvtsd_f64(_mm_add_sd(c, _mm_unpackhi_pd(c, c)));
}

static inline __m512d low_half(__m512 x)
{
  return _mm512_cvtps_pd(_mm512_castps512_ps256(x));
}
static inline __m512d high_half(__m512 x)
{
  return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}

/* square64 of a row, and its largest size. */
static double row_size(int64_t d, const float *x, float *most)
{
  __m512d square = _mm512_setzero_pd();
  __m512 size = _mm512_setzero_ps();
  for (int64_t i = 0; i < d; i += 16) { /* elements past d are 0 and change nothing */
    const __m512 v = _mm512_maskz_loadu_ps(lanes512(d, i), x + i);
    const __m512d low = low_half(v), high = high_half(v);
    square = _mm512_fmadd_pd(low, low, square);
    square = _mm512_fmadd_pd(high, high, square);
    size = _mm512_max_ps(_mm512_abs_ps(v), size);
  }
  *most = _mm512_reduce_max_ps(size);
  return halve(square);
}

/* q = x inverse rounded; the lane64 sum of (x - scale q)^2. */
static double round_row(int64_t d, const float *x, float inverse, float scale, int16_t *q)
{
  const __m512d unit = _mm512_set1_pd((double)scale);
  __m512d square = _mm512_setzero_pd();
  for (int64_t i = 0; i < d; i += 16) {
    const __mmask16 lanes = lanes512(d, i);
    const __m512 v = _mm512_maskz_loadu_ps(lanes, x + i);
    const __m512i near = inverse > 0 ? _mm512_cvtps_epi32(_mm512_mul_ps(v, _mm512_set1_ps(inverse)))
                                     : _mm512_setzero_si512();
    const __m512 whole = _mm512_cvtepi32_ps(near);
    const __m512d low = _mm512_fnmadd_pd(unit, low_half(whole), low_half(v)),
                  high = _mm512_fnmadd_pd(unit, high_half(whole), high_half(v));
    square = _mm512_fmadd_pd(low, low, square);
    square = _mm512_fmadd_pd(high, high, square);
    _mm256_mask_storeu_epi16(q + i, lanes, _mm512_cvtepi32_epi16(near));
  }
  return halve(square);
}

void avx512_quantise(int64_t n, int64_t d, const float *X, int64_t ldX, Quantised *Q)
{
  quantised_reserve(Q, n, d);
  for (int64_t t = 0; t < n; t++) {
    float most, inverse;
    const double size = row_size(d, X + t * ldX, &most);
    Q->scale[t] = quantised_scale(d, size, most, &Q->norm[t], &inverse);
    Q->rest[t] = quantised_rest(round_row(d, X + t * ldX, inverse, Q->scale[t], Q->q + t * Q->ld),
                                Q->norm[t]);
  }
}

/* Four columns from i of up to 16 rows: lane 4 l + r of column[c] is row 4 l + r's. */
__attribute__((always_inline)) static inline void columns(int quads, const float *const row[16],
                                                          int64_t i, __m512 *column)
{
  __m512 u[4];
  for (int r = 0; r < 4; r++) {
    u[r] = quads == 1 ? _mm512_castps128_ps512(_mm_loadu_ps(row[r] + i))
                      : _mm512_broadcast_f32x4(_mm_loadu_ps(row[r] + i));
    if (quads > 1) u[r] = _mm512_mask_broadcast_f32x4(u[r], 0x00f0, _mm_loadu_ps(row[4 + r] + i));
    if (quads > 2) u[r] = _mm512_mask_broadcast_f32x4(u[r], 0x0f00, _mm_loadu_ps(row[8 + r] + i));
    if (quads > 3) u[r] = _mm512_mask_broadcast_f32x4(u[r], 0xf000, _mm_loadu_ps(row[12 + r] + i));
  }
  const __m512 a = _mm512_unpacklo_ps(u[0], u[1]), b = _mm512_unpackhi_ps(u[0], u[1]),
               c = _mm512_unpacklo_ps(u[2], u[3]), d = _mm512_unpackhi_ps(u[2], u[3]);
  column[0] = _mm512_shuffle_ps(a, c, 0x44);
  column[1] = _mm512_shuffle_ps(a, c, 0xee);
  column[2] = _mm512_shuffle_ps(b, d, 0x44);
  column[3] = _mm512_shuffle_ps(b, d, 0xee);
}

/* Up to WIDE rows with one token, and the rows that come next, which are fetched meanwhile. */
#define WIDE 48
typedef struct {
  int64_t count, ahead;
  const float *row[WIDE], *next[WIDE];
} Chains;

/* The chains of up to three groups of rows at once, so that one fills the other's waiting. */
__attribute__((always_inline)) static inline void
chain_groups(int groups, int last_quads, int64_t d, const Chains *C, const float *x, __m512 *sum)
{
  int64_t i = 0;
  for (; i + 4 <= d; i += 4) {
    for (int64_t a = i / 4 % 4; a < C->ahead; a += 4) /* a line of each row in four turns */
      _mm_prefetch((const char *)(C->next[a] + i), _MM_HINT_T1);
#pragma GCC unroll 3
    for (int g = 0; g < groups; g++) {
      __m512 column[4];
      columns(g == groups - 1 ? last_quads : 4, C->row + 16 * g, i, column);
#pragma GCC unroll 4
      for (int c = 0; c < 4; c++) {
        sum[g] = _mm512_fmadd_ps(_mm512_set1_ps(x[i + c]), column[c], sum[g]);
      }
    }
  }
  for (; i < d; i++) {
    for (int g = 0; g < groups; g++) {
      float column[16] __attribute__((aligned(64)));
      for (int r = 0; r < 16; r++) column[r] = C->row[16 * g + r][i];
      sum[g] = _mm512_fmadd_ps(_mm512_set1_ps(x[i]), _mm512_load_ps(column), sum[g]);
    }
  }
}

static void chain_rows(int64_t d, const Chains *C, const float *x, float *s)
{
  const int64_t groups = (C->count + 15) / 16;
  const bool few = C->count - 16 * (groups - 1) <= 4;
  __m512 sum[3];
  for (int g = 0; g < groups; g++)
    sum[g] = _mm512_maskz_loadu_ps(lanes512(C->count, 16 * g), s + 16 * g);
  if (groups == 1 && few) chain_groups(1, 1, d, C, x, sum);
  if (groups == 1 && !few) chain_groups(1, 4, d, C, x, sum);
  if (groups == 2 && few) chain_groups(2, 1, d, C, x, sum);
  if (groups == 2 && !few) chain_groups(2, 4, d, C, x, sum);
  if (groups == 3 && few) chain_groups(3, 1, d, C, x, sum);
  if (groups == 3 && !few) chain_groups(3, 4, d, C, x, sum);
  for (int g = 0; g < groups; g++)
    _mm512_mask_storeu_ps(s + 16 * g, lanes512(C->count, 16 * g), sum[g]);
}

/* Eight columns from i of 16 rows: lane r of column[c] is row r's. */
static inline void columns8(const float *const row[16], int64_t i, __m512 column[8])
{
  __m512 u[8], v[8];
#pragma GCC unroll 8
  for (int r = 0; r < 8; r++) { /* 128-bit parts of the answer: rows 0, 4, 8 and 12 on */
    const int low = r < 4 ? r : r + 4;
    u[r] = _mm512_mask_broadcast_f32x8(_mm512_castps256_ps512(_mm256_loadu_ps(row[low] + i)),
                                       0xff00, _mm256_loadu_ps(row[low + 4] + i));
  }
#pragma GCC unroll 2
  for (int h = 0; h < 8; h += 4) {
    const __m512 a = _mm512_unpacklo_ps(u[h], u[h + 1]), b = _mm512_unpackhi_ps(u[h], u[h + 1]),
                 c = _mm512_unpacklo_ps(u[h + 2], u[h + 3]),
                 d = _mm512_unpackhi_ps(u[h + 2], u[h + 3]);
    v[h] = _mm512_shuffle_ps(a, c, 0x44);
    v[h + 1] = _mm512_shuffle_ps(a, c, 0xee);
    v[h + 2] = _mm512_shuffle_ps(b, d, 0x44);
    v[h + 3] = _mm512_shuffle_ps(b, d, 0xee);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; c++) {
    column[c] = _mm512_shuffle_f32x4(v[c], v[c + 4], 0x88);
    column[c + 4] = _mm512_shuffle_f32x4(v[c], v[c + 4], 0xdd);
  }
}

/* Up to 16 chains, each of a row and a token of its own; and what is brought near meanwhile. */
typedef struct {
  int64_t count, ldsoon; /* bytes */
  const float *row[16], *x[16];
  const char *soon[16];
} Pairs;

static void chain_pairs(int64_t d, Pairs *P, float *s)
{
  const __mmask16 lanes = lanes512(P->count, 0);
  __m512 sum = _mm512_maskz_loadu_ps(lanes, s);
  int64_t i = 0;
  for (int64_t q = P->count; q < 16; q++) P->row[q] = P->row[q - 1], P->x[q] = P->x[q - 1];
  for (; i + 8 <= d; i += 8) {
    __m512 row[8], x[8];
    __asm__ volatile("" : : "r"(P) : "memory"); /* 32 addresses are read anew, not held */
    for (int64_t q = 0, at = i * P->ldsoon / d; P->ldsoon && q < P->count; q++)
      _mm_prefetch(P->soon[q] + at, _MM_HINT_T1);
    columns8(P->row, i, row);
    columns8(P->x, i, x);
#pragma GCC unroll 8
    for (int c = 0; c < 8; c++) sum = _mm512_fmadd_ps(x[c], row[c], sum);
  }
  for (; i < d; i++) {
    float row[16] __attribute__((aligned(64))), x[16] __attribute__((aligned(64)));
    for (int q = 0; q < 16; q++) row[q] = P->row[q][i], x[q] = P->x[q][i];
    sum = _mm512_fmadd_ps(_mm512_load_ps(x), _mm512_load_ps(row), sum);
  }
  _mm512_mask_storeu_ps(s, lanes, sum);
}

/* Tokens from t on that have few rows each, as many as fill the lanes; gives the first that is not
   among them: t, where they are too few to be worth it. */
static int64_t take_pairs(int64_t n, const int64_t *start, const int32_t *index, const float *E,
                          int64_t ldE, const float *X, int64_t ldX, const char *soon, int64_t t,
                          Pairs *P)
{
  const int64_t first = t;
  P->count = 0;
  for (; t < n && start[t + 1] - start[t] <= 3 && start[t + 1] - start[first] <= 16; t++)
    for (int64_t q = start[t]; q < start[t + 1]; q++, P->count++) {
      P->row[P->count] = E + index[q] * ldE, P->x[P->count] = X + t * ldX;
      P->soon[P->count] = soon ? soon + index[q] * P->ldsoon : NULL;
    }
  return P->count >= 4 ? t : first;
}

void avx512_chains(int64_t n, const int64_t *start, const int32_t *index, int64_t d, const float *E,
                   int64_t ldE, const float *X, int64_t ldX, const void *soon, int64_t ldsoon,
                   float *s)
{
  Pairs pairs = {.ldsoon = soon ? ldsoon : 0};
  for (int64_t t = 0; t < n; t++) {
    const int64_t after_pairs = take_pairs(n, start, index, E, ldE, X, ldX, soon, t, &pairs);
    if (after_pairs > t) {
      chain_pairs(d, &pairs, s + start[t]);
      t = after_pairs - 1;
      continue;
    }
    const int64_t count = start[t + 1] - start[t], sets = (count + WIDE - 1) / WIDE,
                  width = sets ? (count + sets - 1) / sets : 0;
    for (int64_t q = start[t]; q < start[t + 1]; q += width) {
      const int64_t after = q + width < start[t + 1] ? q + width : start[t + 1],
                    last = after < start[t + 1] ? start[t + 1] : start[t + 1 < n ? t + 2 : n];
      Chains C = {.count = after - q};
      for (int64_t r = 0; r < WIDE; r++)
        C.row[r] = E + index[q + r < after ? q + r : after - 1] * ldE;
      for (int64_t r = after; r < last && C.ahead < WIDE; r++)
        C.next[C.ahead++] = E + index[r] * ldE;
      chain_rows(d, &C, X + t * ldX, s + q);
    }
  }
}
