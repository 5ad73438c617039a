/* The sparse part of a training step with AVX-512: residuals with the slopes of their codes, and
   the sums of gradients. Both go over d in blocks of columns that are packed first, so that the
   rows which the codes pick out stay in the second cache; results too large to stay there are
   written past the caches. */
#include "avx512_blocks.h"
#include "avx512_sparse.h"
#include "many.h"

#define VECTORS 4  /* of a block of a residual */
#define COLUMNS 32 /* of U, and of V, that are summed together */
#define LEVELS 32  /* of the tree over leaves */
#define GROUP 32   /* atoms with many tokens that are summed together */
#define FEW 64     /* tokens that they add at a time */
#define SPARSE 8   /* an atom with fewer than one in so many tokens is summed alone */
#define ALONE 8    /* rows whose slopes are made one after another, at most */

/* Adds the block's part to the slopes of count codes; first: it is the first part. */
static inline void slopes(int64_t count, const int32_t *index, const float *D, const __m512 *e,
                          bool first, float *slope)
{
  for (int64_t q = 0; q < count; q += 16) {
    const __mmask16 lanes = lanes512(count, q);
    __m512 sum = dots16(count - q, index + q, D, DOT_BLOCK, e);
    if (!first) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, slope + q), sum);
    _mm512_mask_storeu_ps(slope + q, lanes, sum);
  }
}

/* A block of one residual: decoded, with sign * x added, and its squares added to 8 lanes. */
static inline void residual(int64_t count, const int32_t *index, const float *value, const float *D,
                            float sign, const float *x, const __mmask16 *lanes, __m512 *e,
                            double *square)
{
  for (int v = 0; v < VECTORS; v++) e[v] = _mm512_setzero_ps();
  for (int64_t q = 0; q < count; q++) {
    const float *row = D + (int64_t)index[q] * DOT_BLOCK;
    const __m512 scale = _mm512_set1_ps(value[q]);
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++)
      e[v] = _mm512_fmadd_ps(scale, _mm512_load_ps(row + 16 * v), e[v]);
  }
  __m512d sum = _mm512_load_pd(square);
  for (int v = 0; v < VECTORS; v++) {
    e[v] = _mm512_add_ps(e[v], _mm512_setzero_ps());
    e[v] = _mm512_fmadd_ps(_mm512_set1_ps(sign), _mm512_maskz_loadu_ps(lanes[v], x + 16 * v), e[v]);
    e[v] = _mm512_mask_mov_ps(_mm512_set1_ps(-0.0f), lanes[v], e[v]);
    sum = add_squares(e[v], sum);
  }
  _mm512_store_pd(square, sum);
}

/* Adds a block of token t's residual to its leaf's columns, which the last token of a leaf leaves
   in `to`. */
static inline void add_leaf(int64_t n, int64_t t, const __m512 *e, const __mmask16 *lanes,
                            __m512 *columns, float *to)
{
  for (int v = 0; v < VECTORS; v++) columns[v] = _mm512_add_ps(columns[v], e[v]);
  if ((t + 1) % LEAF_TOKENS && t + 1 < n) return;
  for (int v = 0; v < VECTORS; v++) {
    _mm512_mask_storeu_ps(to + 16 * v, lanes[v], columns[v]);
    columns[v] = _mm512_setzero_ps();
  }
}

void avx512_residuals(int64_t n, const int64_t *start, const int32_t *index, const float *value,
                      int64_t m, int64_t d, const float *D, float sign, const float *x, float *e,
                      float *slope, double *square, float *leaf, float *work)
{
  const int64_t atoms = d ? many_atoms(0, n, start, index, m) : 0;
  if (atoms) {
    avx512_many(&(Many){atoms, n, m, d, start, index, value, D, sign, x, e, goes_past(n, d, e),
                        slope, square, work});
    if (leaf) many_leaves(n, d, e, leaf);
    return;
  }
  const bool past = goes_past(n, d, e);
  float *block = work + n * 16;
  double *sums = (double *)(void *)work;
  memset(sums, 0, (size_t)n * 8 * sizeof(*sums));
  if (!d && n && slope) memset(slope + start[0], 0, (size_t)(start[n] - start[0]) * sizeof(*slope));
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    __mmask16 lanes[VECTORS];
    __m512 columns[VECTORS];
    for (int v = 0; v < VECTORS; v++)
      lanes[v] = lanes512(d - i, 16 * v), columns[v] = _mm512_setzero_ps();
    pack_block(m, d, i, VECTORS, D, block);
    for (int64_t t = 0; t < n; t++) {
      const int64_t from = start[t], count = start[t + 1] - from;
      const float *xt = x + t * d + i;
      __m512 et[VECTORS];
      for (int v = 0; v < VECTORS; v++) _mm_prefetch(xt + 2 * d + 16 * v, _MM_HINT_NTA);
      residual(count, index + from, value + from, block, sign, xt, lanes, et, sums + t * 8);
      for (int v = 0; v < VECTORS; v++)
        store512(past && lanes[v], e + t * d + i + 16 * v, lanes[v], et[v]);
      if (slope) slopes(count, index + from, block, et, i == 0, slope + from);
      if (leaf) add_leaf(n, t, et, lanes, columns, leaf + t / LEAF_TOKENS * d + i);
    }
  }
  many_squares(n, sums, square);
  _mm_sfence();
}

/* Two vectors of U and two of V. */
typedef struct {
  __m512 x[4];
} Columns;

static inline Columns add_columns(Columns a, Columns b)
{
  for (int v = 0; v < 4; v++) a.x[v] = _mm512_add_ps(a.x[v], b.x[v]);
  return a;
}

/* What an atom's tokens are, and their weights. */
typedef struct {
  const int64_t *bucket;
  const int32_t *token;
  const float *u, *v;
  const float *rows; /* columns of U and V, packed */
} Terms;

/* Adds the tokens below end, from q on; gives where it stopped. */
static inline int64_t add_tokens(const Terms *terms, int64_t q, int64_t to, int64_t end,
                                 Columns *total)
{
  const int32_t *token = terms->token;
  const float *u = terms->u, *v = terms->v, *rows = terms->rows;
  Columns local = *total, *sum = &local;
  for (; q < to && token[q] < end; q++) {
    const float *x = rows + (int64_t)token[q] * (2 * COLUMNS);
    const __m512 first = _mm512_set1_ps(u[q]), second = _mm512_set1_ps(v[q]);
    sum->x[0] = _mm512_fmadd_ps(first, _mm512_load_ps(x), sum->x[0]);
    sum->x[1] = _mm512_fmadd_ps(first, _mm512_load_ps(x + 16), sum->x[1]);
    sum->x[2] = _mm512_fmadd_ps(second, _mm512_load_ps(x + 32), sum->x[2]);
    sum->x[3] = _mm512_fmadd_ps(second, _mm512_load_ps(x + 48), sum->x[3]);
  }
  *total = local;
  return q;
}

/* Adds + 0 to a finished leaf and joins it with the sums before it, part[0 .. parts - 1], and gives
   how many there are then. Leaf l is joined as often as l ends in ones, and what is left at the end
   from the last to the first: that is the tree that joins pairs, where an odd last one moves down.
   stride: from one part to the next. */
static inline int push(Columns sum, int64_t leaf, Columns *part, int parts, int64_t stride)
{
  for (int v = 0; v < 4; v++) sum.x[v] = _mm512_add_ps(sum.x[v], _mm512_setzero_ps());
  for (; leaf & 1; leaf >>= 1) sum = add_columns(part[--parts * stride], sum);
  part[parts * stride] = sum;
  return parts + 1;
}

static inline Columns fold(const Columns *part, int parts, int64_t stride)
{
  Columns sum = part[--parts * stride];
  while (parts) sum = add_columns(part[--parts * stride], sum);
  return sum;
}

/* The sums of one atom, leaf after leaf. */
static Columns few(const Terms *terms, int64_t leaves, int64_t j)
{
  Columns part[LEVELS];
  int64_t q = terms->bucket[j];
  int parts = 0;
  for (int64_t l = 0; l < leaves; l++) {
    Columns sum = {0};
    q = add_tokens(terms, q, terms->bucket[j + 1], (l + 1) * LEAF_TOKENS, &sum);
    parts = push(sum, l, part, parts, 1);
  }
  return fold(part, parts, 1);
}

/* Brings the next tokens of an atom near: its lists are among too many for the CPU to foresee. */
static inline void fetch(const Terms *terms, int64_t q)
{
  for (int i = 0; i < 48; i += 16) {
    _mm_prefetch(terms->token + q + i, _MM_HINT_T0);
    _mm_prefetch(terms->u + q + i, _MM_HINT_T0);
    _mm_prefetch(terms->v + q + i, _MM_HINT_T0);
  }
}

/* The sums of GROUP atoms that have many tokens: a few tokens at a time, which stay in the first
   cache while all atoms add them. part: [LEVELS][GROUP]. */
static void many(const Terms *terms, int64_t leaves, int64_t j, Columns *part, Columns *sum)
{
  int64_t at[GROUP];
  int parts = 0, next = 0;
  for (int a = 0; a < GROUP; a++) at[a] = terms->bucket[j + a];
  for (int64_t l = 0; l < leaves; l++) {
    memset(sum, 0, GROUP * sizeof(*sum));
    for (int64_t end = l * LEAF_TOKENS + FEW; end <= (l + 1) * LEAF_TOKENS; end += FEW) {
      for (int a = 0; a < GROUP; a++) {
        at[a] = add_tokens(terms, at[a], terms->bucket[j + a + 1], end, sum + a);
        fetch(terms, at[a]);
      }
    }
    for (int a = 0; a < GROUP; a++) next = push(sum[a], l, part + a, parts, GROUP);
    parts = next;
  }
  for (int a = 0; a < GROUP; a++) sum[a] = fold(part + a, parts, GROUP);
}

/* Columns i .. i + COLUMNS - 1 of U and k .. k + COLUMNS - 1 of V side by side, the columns past d
   as 0. */
static void pack_rows(int64_t n, int64_t d, int64_t i, int64_t k, const float *U, const float *V,
                      const __mmask16 *lanes, float *rows)
{
  for (int64_t t = 0; t < n; t++) {
    for (int v = 0; v < 2; v++) {
      const int64_t at = t * d + 16 * v;
      _mm_prefetch(U + at + i + AHEAD * d, _MM_HINT_T0);
      _mm_prefetch(V + at + k + AHEAD * d, _MM_HINT_T0);
      float *to = rows + t * (2 * COLUMNS) + 16 * v;
      _mm512_store_ps(to, _mm512_maskz_loadu_ps(lanes[v], U + at + i));
      _mm512_store_ps(to + COLUMNS, _mm512_maskz_loadu_ps(lanes[2 + v], V + at + k));
    }
  }
}

static inline void put(bool past, const __mmask16 *lanes, Columns sum, float *gu, float *gv)
{
  store512(past, gu, lanes[0], sum.x[0]);
  if (lanes[1]) store512(past, gu + 16, lanes[1], sum.x[1]);
  if (lanes[2]) store512(past, gv, lanes[2], sum.x[2]);
  if (lanes[3]) store512(past, gv + 16, lanes[3], sum.x[3]);
}

void avx512_leaf_sums(int64_t n, int64_t d, int64_t atoms, const int64_t *bucket,
                      const int32_t *row, const int32_t *token, const float *u, const float *v,
                      const float *U, const float *V, float *GU, float *GV, float *work)
{
  const int64_t leaves = n > LEAF_TOKENS ? leaf_count(n) : 1;
  const int64_t apart = V ? 0 : COLUMNS; /* one matrix: its next columns take the place of V's */
  const Terms terms = {bucket, token, u, V ? v : u, work};
  Columns sum[GROUP], *part = (Columns *)(void *)(work + n * DOT_BLOCK);
  float *second = V ? GV : GU;
  const bool past = goes_past(atoms, d, GU) && goes_past(atoms, d, second);
  for (int64_t i = 0; i < d; i += COLUMNS + apart) {
    const int64_t k = i + apart < d ? i + apart : d;
    const __mmask16 lanes[4] = {lanes512(d - i, 0), lanes512(d - i, 16), lanes512(d - k, 0),
                                lanes512(d - k, 16)};
    pack_rows(n, d, i, k, U, V ? V : U, lanes, work);
    for (int64_t j = 0, count; j < atoms; j += count) {
      count = atoms - j < GROUP ? 1 : GROUP;
      if (count == GROUP && (bucket[j + GROUP] - bucket[j]) * SPARSE < n * GROUP) count = 1;
      if (count == 1)
        sum[0] = few(&terms, leaves, j);
      else
        many(&terms, leaves, j, part, sum);
      for (int64_t a = 0; a < count; a++) {
        const int64_t to = (row ? row[j + a] : j + a) * d;
        put(past, lanes, sum[a], GU + to + i, second + to + k);
      }
    }
  }
  _mm_sfence();
}

/* One block of 64 of 16 rows: their lanes, joined. */
static inline __m512 block16(const float *const row[16], const float *e, int64_t left)
{
  __m512 lane[16];
  const bool whole = left >= 64;
  __m512 x[4];
  __mmask16 m[4];
  for (int r = 0; r < 4; r++) {
    m[r] = whole ? 0xffff : lanes512(left, 16 * r);
    x[r] = _mm512_maskz_loadu_ps(m[r], e + 16 * r);
  }
#pragma GCC unroll 16
  for (int q = 0; q < 16; q++) {
    lane[q] = _mm512_setzero_ps();
    for (int r = 0; r < 4; r++) {
      lane[q] =
          _mm512_mask3_fmadd_ps(x[r], _mm512_maskz_loadu_ps(m[r], row[q] + 16 * r), lane[q], m[r]);
    }
  }
  return halve16(lane);
}

/* One row against e: its blocks take the place of rows. */
static float one_blockdot(int64_t d, const float *x, const float *e)
{
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  float part[16], sum = 0;
  for (int64_t i = 0; i < d; i += 16 * DOT_BLOCK) {
    const int64_t left = d - i, blocks = (left + DOT_BLOCK - 1) / DOT_BLOCK;
    __m512 lane[16];
    for (int64_t b = 0; b < 16; b++) {
      lane[b] = _mm512_setzero_ps();
      for (int64_t r = b * DOT_BLOCK; r < (b + 1) * DOT_BLOCK && b < blocks; r += 16) {
        const __mmask16 m = lanes512(left, r);
        lane[b] = _mm512_mask3_fmadd_ps(_mm512_maskz_loadu_ps(m, e + i + r),
                                        _mm512_maskz_loadu_ps(m, x + i + r), lane[b], m);
      }
    }
    _mm512_storeu_ps(part, _mm512_permutexvar_ps(order, halve16(lane)));
    for (int64_t b = 0; b < blocks && b < 16; b++) sum = i + b ? sum + part[b] : part[b];
  }
  return sum;
}

void avx512_blockdots(int64_t nonzeros, const int32_t *index, int64_t d, const float *D,
                      int64_t ldD, const float *e, float *g)
{
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  int64_t q = 0;
  for (; nonzeros - q > ALONE; q += 16) {
    __m512 sum = _mm512_setzero_ps();
    for (int64_t i = 0; i < d; i += 64) {
      const float *row[16];
      for (int r = 0; r < 16; r++) {
        row[r] = D + index[q + r < nonzeros ? q + r : nonzeros - 1] * ldD + i;
      }
      const __m512 block = block16(row, e + i, d - i);
      sum = i ? _mm512_add_ps(sum, block) : block;
    }
    _mm512_mask_storeu_ps(g + q, lanes512(nonzeros, q), _mm512_permutexvar_ps(order, sum));
  }
  for (; q < nonzeros; q++) g[q] = one_blockdot(d, D + index[q] * ldD, e);
}

void avx512_slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t m, int64_t d,
                   const float *D, const float *e, float *slope, float *work)
{
  const int64_t atoms = d ? many_atoms(0, n, start, index, m) : 0;
  if (atoms) {
    avx512_many(&(Many){.atoms = atoms,
                        .n = n,
                        .m = m,
                        .d = d,
                        .start = start,
                        .index = index,
                        .D = D,
                        .e = (float *)e,
                        .slope = slope,
                        .work = work});
    return;
  }
  for (int64_t t = 0; t < n; t++)
    avx512_blockdots(start[t + 1] - start[t], index + start[t], d, D, d, e + t * d,
                     slope + start[t]);
}

void avx512_dot_picks(int64_t picks, const int32_t *index, const int32_t *row, const float *X,
                      const float *E, float *dot)
{
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  for (int64_t q = 0; q < picks; q += 16) {
    const __mmask16 lanes = lanes512(picks, q);
    __m512 lane[16];
#pragma GCC unroll 16
    for (int r = 0; r < 16; r++) {
      const int64_t at = q + r < picks ? q + r : picks - 1;
      const float *x = X + (int64_t)index[at] * DOT_BLOCK, *e = E + (int64_t)row[at] * DOT_BLOCK;
      lane[r] = _mm512_setzero_ps();
      for (int v = 0; v < VECTORS; v++)
        lane[r] =
            _mm512_fmadd_ps(_mm512_loadu_ps(e + 16 * v), _mm512_loadu_ps(x + 16 * v), lane[r]);
    }
    const __m512 sum = _mm512_permutexvar_ps(order, halve16(lane));
    _mm512_mask_storeu_ps(dot + q, lanes,
                          _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, dot + q), sum));
  }
}
