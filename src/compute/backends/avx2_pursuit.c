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

/* Columns that are gone back through together: rows of so many columns of all atoms stay in the
   second cache, and most of their sums. */
enum {
  STRIPE = UNROLL_COLUMNS,
  WIDE = STRIPE / 8,
  SOON_TOKENS = 8, /* ahead, whose columns are brought near; picks, whose rows and sums are */
  SOON_PICKS = 4
};

static inline void bring(const float *from, int64_t count)
{
  for (int64_t l = 0; l < count; l += 16) __builtin_prefetch(from + l);
}

/* Vector v of a stripe of `width` columns; 0 past them. */
static inline __m256 stripe_load(bool whole, int64_t width, int v, const float *from)
{
  return whole ? _mm256_loadu_ps(from + 8 * v)
               : _mm256_maskload_ps(from + 8 * v, lanes256(width, 8 * v));
}
static inline void stripe_store(bool whole, int64_t width, int v, __m256 x, float *to)
{
  if (whole)
    _mm256_storeu_ps(to + 8 * v, x);
  else
    _mm256_maskstore_ps(to + 8 * v, lanes256(width, 8 * v), x);
}

/* The stripe of one token: U and V from what is left, pick by pick. */
__attribute__((always_inline)) static inline void
unroll_token(const bool whole, const Unroll *u, int64_t t, int64_t i, const float *rows, float *sum)
{
  const float *e = u->e + t * u->d + i;
  const int64_t last = u->start[u->n] - 1;
  __m256 U[WIDE], V[WIDE];
  bring(e + (t + SOON_TOKENS < u->n ? SOON_TOKENS * u->d : 0), STRIPE);
#pragma GCC unroll 4
  for (int v = 0; v < WIDE; v++) {
    U[v] = stripe_load(whole, u->d - i, v, e);
    V[v] = _mm256_xor_ps(U[v], _mm256_set1_ps(-0.0f));
  }
  for (int64_t q = u->start[t]; q < u->start[t + 1]; q++) {
    const int64_t j = u->index[q], to = j - u->first,
                  soon = u->index[q + SOON_PICKS < last ? q + SOON_PICKS : last];
    const __m256 c = _mm256_set1_ps(u->c[q]), a = _mm256_set1_ps(u->a[q]),
                 by = _mm256_set1_ps(u->by * u->a[q]);
    const float *row = rows + j * STRIPE;
    bring(rows + soon * STRIPE, STRIPE);
    bring(sum + 2 * (soon - u->first) * STRIPE, 2 * STRIPE);
#pragma GCC unroll 4
    for (int v = 0; v < WIDE; v++) V[v] = _mm256_fmadd_ps(c, _mm256_loadu_ps(row + 8 * v), V[v]);
    if (to >= 0 && to < u->atoms) {
      float *gu = sum + 2 * to * STRIPE, *gv = gu + STRIPE;
#pragma GCC unroll 4
      for (int v = 0; v < WIDE; v++) {
        _mm256_storeu_ps(gu + 8 * v, _mm256_fmadd_ps(c, U[v], _mm256_loadu_ps(gu + 8 * v)));
        _mm256_storeu_ps(gv + 8 * v, _mm256_fmadd_ps(by, V[v], _mm256_loadu_ps(gv + 8 * v)));
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < WIDE; v++) U[v] = _mm256_fnmadd_ps(a, _mm256_loadu_ps(row + 8 * v), U[v]);
  }
}

/* Leaf l, after which others come, is part[parts]: it is joined with those before it as often as l
   ends in ones, which is the tree. Gives how many are left. */
static int64_t unroll_join(int64_t l, int64_t size, float *part, int64_t parts)
{
  for (parts++; l & 1; l >>= 1, parts--) {
    float *to = part + (parts - 2) * size;
    const float *from = part + (parts - 1) * size;
    for (int64_t x = 0; x < size; x += 8)
      _mm256_storeu_ps(to + x, _mm256_add_ps(_mm256_loadu_ps(to + x), _mm256_loadu_ps(from + x)));
  }
  return parts;
}

/* A stripe of an atom's sum: the parts that are left are joined from the last to the first. - 0
   becomes + 0 here alone: in a leaf, or before a join, it could change the sign of a 0 at most. */
static inline void unroll_end(bool whole, int64_t width, int64_t parts, int64_t size,
                              const float *part, float *to)
{
#pragma GCC unroll 4
  for (int v = 0; v < WIDE; v++) {
    __m256 sum = _mm256_loadu_ps(part + (parts - 1) * size + 8 * v);
    for (int64_t p = parts - 2; p >= 0; p--)
      sum = _mm256_add_ps(_mm256_loadu_ps(part + p * size + 8 * v), sum);
    stripe_store(whole, width, v, _mm256_add_ps(sum, _mm256_setzero_ps()), to);
  }
}

/* Columns from i on. */
__attribute__((always_inline)) static inline void
unroll_stripe(const bool whole, const Unroll *u, int64_t i, float *GU, float *GV, float *work)
{
  const int64_t d = u->d, size = 2 * u->atoms * STRIPE;
  float *rows = work, *part = work + u->m * STRIPE;
  int64_t parts = 0, t = 0;
  for (int64_t j = 0; j < u->m; j++) {
    bring(u->D + (j + AHEAD) * d + i, STRIPE);
#pragma GCC unroll 4
    for (int v = 0; v < WIDE; v++)
      _mm256_storeu_ps(rows + j * STRIPE + 8 * v, stripe_load(whole, d - i, v, u->D + j * d + i));
  }
  for (int64_t l = 0; l == 0 || t < u->n; l++) {
    const int64_t end = t + LEAF_TOKENS < u->n ? t + LEAF_TOKENS : u->n;
    float *sum = part + parts * size;
    memset(sum, 0, (size_t)size * sizeof(*sum));
    for (; t < end; t++) unroll_token(whole, u, t, i, rows, sum);
    parts = t < u->n ? unroll_join(l, size, part, parts) : parts + 1;
  }
  for (int64_t j = 0; j < u->atoms; j++, part += 2 * STRIPE) {
    bring(GU + (j + AHEAD) * d + i, STRIPE);
    bring(GV + (j + AHEAD) * d + i, STRIPE);
    unroll_end(whole, d - i, parts, size, part, GU + j * d + i);
    unroll_end(whole, d - i, parts, size, part + STRIPE, GV + j * d + i);
  }
}

void avx2_unroll_sums(const Unroll *u, float *GU, float *GV, float *work)
{
  int64_t i = 0;
  for (; i + STRIPE <= u->d; i += STRIPE) unroll_stripe(true, u, i, GU, GV, work);
  if (i < u->d) unroll_stripe(false, u, i, GU, GV, work);
}
