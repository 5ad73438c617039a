/* Scores in 16-bit integers with AVX2, and the float32 chains that settle what they leave. */
#include "avx2_filter.h"
#include "avx2_tile.h"
#include "base/array.h"

enum {
  TOKENS = 64, /* that share half a panel, four at a time, */
  PIECE = 192  /* by so many pairs, which stay in the first cache: 18 KB */
};

/* Exact sums of four tokens and half a panel. */
typedef struct {
  __m256i a[ROWS4][3];
} Sums;

/* sum += products of pairs (where: x in a register, m in memory) with one pair, in its own
   register, as with ADD_PRODUCT. */
#define ADD_PAIRS(sum, pair, where, pairs)                                                         \
  do {                                                                                             \
    __m256i products;                                                                              \
    __asm__("vpmaddwd %2, %1, %0" : "=x"(products) : "x"(pair), where(pairs));                     \
    __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(products));                                      \
  } while (0)

/* Goes on with the sums by one pair. */
__attribute__((always_inline)) static inline void
add_pair(const float *panel, const int32_t *const q[ROWS4], int64_t i, Sums *sums)
{
  const __m256i *p = (const __m256i *)(const void *)panel;
  const __m256i first = _mm256_load_si256(p), second = _mm256_load_si256(p + 1);
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
    const __m256i x = _mm256_set1_epi32(q[r][i]);
    ADD_PAIRS(sums->a[r][0], x, "x", first);
    ADD_PAIRS(sums->a[r][1], x, "x", second);
    ADD_PAIRS(sums->a[r][2], x, "m", p[2]); /* there is no register for it */
  }
}

/* By n pairs, as tile256 goes on with its chains. */
__attribute__((always_inline)) static inline void add_pairs(int64_t n, const float *panel,
                                                            const int32_t *const q[ROWS4],
                                                            const char *next, int64_t ahead,
                                                            Sums *sums)
{
  Sums s = *sums;
  int64_t i = 0;
  for (; i + 4 <= n; i += 4, next += ahead) {
    _mm_prefetch(next, _MM_HINT_T0);
#pragma GCC unroll 4
    for (int u = 0; u < 4; u++) add_pair(panel + (i + u) * HALF, q, i + u, &s);
  }
  for (; i < n; i++) add_pair(panel + i * HALF, q, i, &s);
  *sums = s;
}

/* Up to TOKENS tokens against half a panel, PIECE pairs after PIECE. */
typedef struct {
  int64_t n, lanes, pairs;
  const int32_t *q;
  const float *scale, *norm; /* of tokens */
  const float *rows, *init, *slack;
  float *L;
  int64_t ldL;
  __m256i sums[TOKENS][3]; /* between two pieces */
} Bounds;

/* What the sums of one token say of 8 atoms, or of those that there are. */
static inline void store_bounds(__m256i sums, int64_t lanes, __m256 unit, __m256 size,
                                const float *rows, const float *init, const float *slack, float *L)
{
  const __m256 product = _mm256_cvtepi32_ps(sums);
  if (lanes >= 8) { /* masks are slow on some CPUs */
    const __m256 s =
        _mm256_fmadd_ps(product, _mm256_mul_ps(unit, _mm256_loadu_ps(rows)), _mm256_loadu_ps(init));
    _mm256_storeu_ps(L, _mm256_fnmadd_ps(size, _mm256_loadu_ps(slack), s));
  } else {
    const __m256i mask = lanes256(lanes, 0);
    const __m256 s = _mm256_fmadd_ps(product, _mm256_mul_ps(unit, _mm256_maskload_ps(rows, mask)),
                                     _mm256_maskload_ps(init, mask));
    _mm256_maskstore_ps(L, mask, _mm256_fnmadd_ps(size, _mm256_maskload_ps(slack, mask), s));
  }
}

/* The bounds of the tokens of a tile, from t on. */
__attribute__((always_inline)) static inline void tile_bounds(const Bounds *bounds, const Sums *s,
                                                              int64_t t)
{
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
    if (t + r >= bounds->n) return;
    const __m256 unit = _mm256_set1_ps(bounds->scale[t + r]),
                 size = _mm256_set1_ps(bounds->norm[t + r]);
    float *L = bounds->L + (t + r) * bounds->ldL;
#pragma GCC unroll 3
    for (int v = 0; v < 3; v++)
      store_bounds(s->a[r][v], bounds->lanes - 8 * v, unit, size, bounds->rows + 8 * v,
                   bounds->init + 8 * v, bounds->slack + 8 * v, L + 8 * v);
  }
}

/* Pairs i .. i + depth - 1; the next piece is brought near meanwhile. */
static void piece_of(Bounds *bounds, int64_t i, int64_t depth, const float *piece)
{
  const int64_t tiles = (bounds->n + ROWS4 - 1) / ROWS4,
                ahead = (4 * HALF * (int64_t)sizeof(float) + tiles - 1) / tiles;
  const char *next = (const char *)(piece + depth * HALF);
  for (int64_t t = 0; t < bounds->n; t += ROWS4, next += depth / 4 * ahead) {
    const int32_t *q[ROWS4];
    Sums s;
#pragma GCC unroll 4
    for (int r = 0; r < ROWS4; r++) { /* the last token again where there are fewer */
      q[r] = bounds->q + min_i64(t + r, bounds->n - 1) * bounds->pairs + i;
#pragma GCC unroll 3
      for (int v = 0; v < 3; v++)
        s.a[r][v] = i ? _mm256_load_si256(&bounds->sums[t + r][v]) : _mm256_setzero_si256();
    }
    add_pairs(depth, piece, q, next, ahead, &s);
    if (i + depth == bounds->pairs) {
      tile_bounds(bounds, &s, t);
      continue;
    }
#pragma GCC unroll 4
    for (int r = 0; r < ROWS4; r++)
#pragma GCC unroll 3
      for (int v = 0; v < 3; v++) _mm256_store_si256(&bounds->sums[t + r][v], s.a[r][v]);
  }
}

double avx2_filter_gain(void)
{
  return 1.6;
}

void avx2_filter(const Quantised *tokens, const Packed *P, const float *scale, const float *init,
                 const float *slack, float *L, int64_t ldL)
{
  const int64_t pairs = tokens->ld / 2, pieces = pairs ? (pairs + PIECE - 1) / PIECE : 1,
                piece = pairs ? ((pairs + pieces - 1) / pieces + 3) / 4 * 4 : 1;
  const int32_t *q = (const int32_t *)(const void *)tokens->q;
  Bounds bounds;
  bounds.pairs = pairs, bounds.ldL = ldL;
  for (int64_t t = 0; t < tokens->rows; t += TOKENS) {
    bounds.n = min_i64(TOKENS, tokens->rows - t);
    bounds.q = q + t * pairs;
    bounds.scale = tokens->scale + t, bounds.norm = tokens->norm + t;
    for (int64_t h = 0; h < P->rows; h += HALF) {
      bounds.lanes = P->rows - h;
      bounds.rows = scale + h, bounds.init = init + h, bounds.slack = slack + h;
      bounds.L = L + t * ldL + h;
      for (int64_t i = 0; i == 0 || i < pairs; i += piece)
        piece_of(&bounds, i, min_i64(piece, pairs - i), P->x + h * pairs + i * HALF);
    }
  }
}

/* Lanes l and l + 4, then + 2, then + 1. */
static inline double halve(__m256d low, __m256d high)
{
  const __m256d b = _mm256_add_pd(low, high);
  const __m128d c = _mm_add_pd(_mm256_castpd256_pd128(b), _mm256_extractf128_pd(b, 1));
  return _mm_cvtsd_f64(_mm_add_sd(c, _mm_unpackhi_pd(c, c)));
}

static inline __m256d low_half(__m256 x)
{
  return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}
static inline __m256d high_half(__m256 x)
{
  return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}

/* Elements i .. i + 7 of x, 0 from d on. */
static inline __m256 eight(int64_t d, const float *x, int64_t i)
{
  return i + 8 <= d ? _mm256_loadu_ps(x + i) : _mm256_maskload_ps(x + i, lanes256(d, i));
}

/* square64 of a row, and its largest size. */
static double row_size(int64_t d, const float *x, float *most)
{
  __m256d low = _mm256_setzero_pd(), high = low;
  __m256 size = _mm256_setzero_ps();
  for (int64_t i = 0; i < d; i += 8) { /* elements past d are 0 and change nothing */
    const __m256 v = eight(d, x, i);
    low = _mm256_fmadd_pd(low_half(v), low_half(v), low);
    high = _mm256_fmadd_pd(high_half(v), high_half(v), high);
    size = _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), v), size);
  }
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(size), _mm256_extractf128_ps(size, 1)),
               two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  *most = _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  return halve(low, high);
}

/* q = x inverse rounded; the lane64 sum of (x - scale q)^2. */
static double round_row(int64_t d, const float *x, float inverse, float scale, int16_t *q)
{
  const __m256d unit = _mm256_set1_pd((double)scale);
  __m256d low = _mm256_setzero_pd(), high = low;
  for (int64_t i = 0; i < d; i += 8) {
    const __m256 v = eight(d, x, i);
    const __m256i near = inverse > 0 ? _mm256_cvtps_epi32(_mm256_mul_ps(v, _mm256_set1_ps(inverse)))
                                     : _mm256_setzero_si256();
    const __m256 whole = _mm256_cvtepi32_ps(near);
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(near), /* none is wider */
                                          _mm256_extracti128_si256(near, 1));
    const __m256d a = _mm256_fnmadd_pd(unit, low_half(whole), low_half(v)),
                  b = _mm256_fnmadd_pd(unit, high_half(whole), high_half(v));
    low = _mm256_fmadd_pd(a, a, low);
    high = _mm256_fmadd_pd(b, b, high);
    if (i + 8 <= d) {
      _mm_storeu_si128((__m128i *)(void *)(q + i), words);
    } else {
      int16_t last[8];
      _mm_storeu_si128((__m128i *)(void *)last, words);
      for (int64_t l = i; l < d; l++) q[l] = last[l - i];
    }
  }
  return halve(low, high);
}

void avx2_quantise(int64_t n, int64_t d, const float *X, int64_t ldX, Quantised *Q)
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

/* Four columns from i of 8 rows: lane 4 l + r of column[c] is row 4 l + r's. */
__attribute__((always_inline)) static inline void columns(const float *const row[8], int64_t i,
                                                          __m256 *column)
{
  __m256 u[4];
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++)
    u[r] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(row[r] + i)),
                                _mm_loadu_ps(row[4 + r] + i), 1);
  const __m256 a = _mm256_unpacklo_ps(u[0], u[1]), b = _mm256_unpackhi_ps(u[0], u[1]),
               c = _mm256_unpacklo_ps(u[2], u[3]), d = _mm256_unpackhi_ps(u[2], u[3]);
  column[0] = _mm256_shuffle_ps(a, c, 0x44);
  column[1] = _mm256_shuffle_ps(a, c, 0xee);
  column[2] = _mm256_shuffle_ps(b, d, 0x44);
  column[3] = _mm256_shuffle_ps(b, d, 0xee);
}

enum {
  SETS = 2, /* of 8 rows of a token at once, so that one fills the other's waiting */
  FEW = 4   /* rows of a token, up to which chains of several tokens go together */
};

static void chain_rows(int64_t d, const float *const row[SETS][8], const float *x, __m256 sum[SETS])
{
  int64_t i = 0;
  for (; i + 4 <= d; i += 4) {
#pragma GCC unroll 2
    for (int g = 0; g < SETS; g++) {
      __m256 column[4];
      columns(row[g], i, column);
#pragma GCC unroll 4
      for (int c = 0; c < 4; c++)
        sum[g] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + i + c), column[c], sum[g]);
    }
  }
  for (; i < d; i++) {
    for (int g = 0; g < SETS; g++) {
      float column[8] __attribute__((aligned(32)));
      for (int r = 0; r < 8; r++) column[r] = row[g][r][i];
      sum[g] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + i), _mm256_load_ps(column), sum[g]);
    }
  }
}

/* Up to 8 chains, each of a row and a token of its own; and what is brought near meanwhile. */
typedef struct {
  int64_t count, ldsoon; /* bytes */
  const float *row[8], *x[8];
  const char *soon[8];
} Pairs;

enum { TURN = 32 }; /* elements that are gone through for each row to be brought near */

/* Goes on with elements i .. i + count - 1, a multiple of 4. Of the rows that are brought near
   `lines` from `first` on are asked for, one row's at a time: of many at once this CPU drops the
   most. */
static inline __m256 add_turned(int64_t count, const Pairs *P, int64_t i, int64_t first,
                                int64_t lines, __m256 sum)
{
  const float *row[8], *x[8];
#pragma GCC unroll 8
  for (int r = 0; r < 8; r++) row[r] = P->row[r] + i, x[r] = P->x[r] + i;
  for (int64_t h = 0; h < count; h += 4) {
    __m256 of_rows[4], of_x[4];
    const char *soon = P->soon[h / 4] + first;
    for (int64_t l = 0; l < lines; l++) _mm_prefetch(soon + 64 * l, _MM_HINT_T1);
    columns(row, h, of_rows);
    columns(x, h, of_x);
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) sum = _mm256_fmadd_ps(of_x[c], of_rows[c], sum);
  }
  return sum;
}

static void chain_pairs(int64_t d, const Pairs *P, float *s)
{
  const int64_t lines = d ? (P->ldsoon * TURN + 64 * d - 1) / (64 * d) : 0;
  __m256 sum = _mm256_maskload_ps(s, lanes256(P->count, 0));
  int64_t i = 0;
  for (int64_t count; i + 4 <= d; i += count) {
    count = d - i < TURN ? (d - i) / 4 * 4 : TURN;
    sum = add_turned(count, P, i, i * P->ldsoon / d, lines, sum);
  }
  for (; i < d; i++) {
    float row[8], x[8];
    for (int r = 0; r < 8; r++) row[r] = P->row[r][i], x[r] = P->x[r][i];
    sum = _mm256_fmadd_ps(_mm256_loadu_ps(x), _mm256_loadu_ps(row), sum);
  }
  _mm256_maskstore_ps(s, lanes256(P->count, 0), sum);
}

/* Tokens from t on that have few rows each, as many as fill the lanes, which keep the last pair
   where there is none; gives the first that is not among them. */
static int64_t take_pairs(int64_t n, const int64_t *start, const int32_t *index, const float *E,
                          int64_t ldE, const float *X, int64_t ldX, const char *soon, int64_t t,
                          Pairs *P)
{
  const int64_t first = t;
  P->count = 0;
  for (; t < n && start[t + 1] - start[t] <= FEW && start[t + 1] - start[first] <= 8; t++)
    for (int64_t q = start[t]; q < start[t + 1]; q++, P->count++) {
      P->row[P->count] = E + index[q] * ldE;
      P->x[P->count] = X + t * ldX;
      P->soon[P->count] = soon ? soon + index[q] * P->ldsoon : NULL;
    }
  for (int64_t q = P->count; P->count && q < 8; q++)
    P->row[q] = P->row[q - 1], P->x[q] = P->x[q - 1], P->soon[q] = P->soon[q - 1];
  return t;
}

void avx2_chains(int64_t n, const int64_t *start, const int32_t *index, int64_t d, const float *E,
                 int64_t ldE, const float *X, int64_t ldX, const void *soon, int64_t ldsoon,
                 float *s)
{
  Pairs pairs = {.ldsoon = soon ? ldsoon : 0};
  for (int64_t t = 0; t < n; t++) {
    const int64_t after = take_pairs(n, start, index, E, ldE, X, ldX, soon, t, &pairs);
    if (after > t) {
      if (pairs.count) chain_pairs(d, &pairs, s + start[t]);
      t = after - 1;
      continue;
    }
    for (int64_t q = start[t]; q < start[t + 1]; q += 8 * SETS) {
      const int64_t left = start[t + 1] - q;
      const float *row[SETS][8];
      __m256 sum[SETS];
      for (int g = 0; g < SETS; g++) {
        for (int r = 0; r < 8; r++)
          row[g][r] = E + index[q + (8 * g + r < left ? 8 * g + r : left - 1)] * ldE;
        sum[g] = _mm256_maskload_ps(s + q + 8 * g, lanes256(left, 8 * g));
      }
      chain_rows(d, row, X + t * ldX, sum);
      for (int g = 0; g < SETS; g++)
        _mm256_maskstore_ps(s + q + 8 * g, lanes256(left, 8 * g), sum[g]);
    }
  }
}
