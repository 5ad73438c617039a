/* The sparse part of a training step with AVX2: residuals with the slopes of their codes, and the
   sums of gradients. Both go over d in blocks of columns that are packed first, so that the rows
   which the codes pick out stay in the second cache. */
#include "avx2_blocks.h"
#include "avx2_sparse.h"
#include "many.h"
#include "base/array.h"
#include <string.h>

#define COLUMNS 32  /* of U, and of V, that are summed together */
#define LEVELS 32   /* of the tree over leaves */
#define SPARSE 8    /* atoms with fewer than one in so many tokens are summed one by one */
#define SOON 20     /* tokens whose rows are asked for before their turn */
#define SECOND 1024 /* rows of a block that stay in a second cache of 512 kB */

/* Adds the block's part to the slopes of count codes; first: it is the first part. */
static inline void slopes(int64_t count, const int32_t *index, const float *D, const float *e,
                          bool first, float *slope)
{
  for (int64_t q = 0; q < count; q += 8)
    add_slopes(dots8(count - q, index + q, D, e), count - q, first, slope + q);
}

/* A block of one residual: decoded, with sign * x added. */
static inline void residual(int64_t count, const int32_t *index, const float *value, const float *D,
                            float sign, const float *x, float *e)
{
  __m256 sum[VECTORS];
  for (int v = 0; v < VECTORS; v++) sum[v] = _mm256_setzero_ps();
  for (int64_t q = 0; q < count; q++) {
    const float *row = D + (int64_t)index[q] * DOT_BLOCK;
    const __m256 scale = _mm256_set1_ps(value[q]);
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++)
      sum[v] = _mm256_fmadd_ps(scale, _mm256_load_ps(row + 8 * v), sum[v]);
  }
  for (int v = 0; v < VECTORS; v++) {
    sum[v] = _mm256_add_ps(sum[v], _mm256_setzero_ps());
    _mm256_store_ps(e + 8 * v,
                    _mm256_fmadd_ps(_mm256_set1_ps(sign), _mm256_loadu_ps(x + 8 * v), sum[v]));
  }
}

void avx2_residuals(int64_t n, const int64_t *start, const int32_t *index, const float *value,
                    int64_t m, int64_t d, const float *D, float sign, const float *x, float *e,
                    float *slope, double *square, float *leaf, float *work)
{
  const int64_t atoms = d ? many_atoms(SECOND, n, start, index, m) : 0;
  if (atoms) {
    avx2_many(
        &(Many){atoms, n, m, d, start, index, value, D, sign, x, e, false, slope, square, work});
    if (leaf) many_leaves(n, d, e, leaf);
    return;
  }
  float *block = work + n * 16, xt[DOT_BLOCK] __attribute__((aligned(32))) = {0},
        et[DOT_BLOCK] __attribute__((aligned(32)));
  double *sums = (double *)(void *)work;
  memset(sums, 0, (size_t)n * 8 * sizeof(*sums));
  if (!d && n && slope) memset(slope + start[0], 0, (size_t)(start[n] - start[0]) * sizeof(*slope));
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    const int64_t width = d - i < DOT_BLOCK ? d - i : DOT_BLOCK;
    const size_t bytes = (size_t)width * sizeof(float);
    pack_columns(m, d, i, DOT_BLOCK, D, DOT_BLOCK, block);
    for (int64_t t = 0; t < n; t++) {
      const int64_t from = start[t], count = start[t + 1] - from;
      const float *given = x + t * d + i;
      float *left = e + t * d + i;
      for (int64_t l = 0; l < width; l += 16) {
        __builtin_prefetch(given + AHEAD * d + l);
        __builtin_prefetch(left + AHEAD * d + l, 1);
      }
      if (width < DOT_BLOCK) given = memcpy(xt, given, bytes);
      residual(count, index + from, value + from, block, sign, given, et);
      for (int64_t l = width; l < DOT_BLOCK; l++) et[l] = -0.0f;
      if (width < DOT_BLOCK)
        memcpy(left, et, bytes);
      else
        copy_block(DOT_BLOCK, et, left);
      add_squares(et, sums + t * 8);
      if (slope) slopes(count, index + from, block, et, i == 0, slope + from);
    }
  }
  many_squares(n, sums, square);
  if (leaf) many_leaves(n, d, e, leaf);
}

/* Four vectors of U, four of V. */
typedef struct {
  __m256 x[8];
} Columns;

static inline Columns add_columns(Columns a, Columns b)
{
#pragma GCC unroll 8
  for (int v = 0; v < 8; v++) a.x[v] = _mm256_add_ps(a.x[v], b.x[v]);
  return a;
}

/* What an atom's tokens are, and their weights. */
typedef struct {
  const int64_t *bucket;
  const int32_t *token;
  const float *u, *v;
  const float *rows; /* columns of U and V, packed */
} Terms;

/* Adds the tokens below end, from q on, and brings the rows of tokens soon[q] near; gives where it
   stopped. */
static inline int64_t add_tokens(const Terms *terms, const int32_t *soon, int64_t q, int64_t to,
                                 int64_t end, Columns *total)
{
  const int32_t *token = terms->token;
  const float *u = terms->u, *v = terms->v, *rows = terms->rows;
  Columns local = *total, *sum = &local;
  for (; q < to && token[q] < end; q++) {
    const float *x = rows + (int64_t)token[q] * (2 * COLUMNS),
                *next = rows + (int64_t)soon[q] * (2 * COLUMNS);
    for (int l = 0; l < 2 * COLUMNS; l += 16) __builtin_prefetch(next + l);
    const __m256 first = _mm256_set1_ps(u[q]), second = _mm256_set1_ps(v[q]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      sum->x[i] = _mm256_fmadd_ps(first, _mm256_load_ps(x + 8 * i), sum->x[i]);
      sum->x[4 + i] = _mm256_fmadd_ps(second, _mm256_load_ps(x + COLUMNS + 8 * i), sum->x[4 + i]);
    }
  }
  *total = local;
  return q;
}

/* Adds + 0 to a finished leaf and joins it with the sums before it, part[0 .. parts - 1], and gives
   how many there are then. Leaf l is joined as often as l ends in ones, and what is left at the end
   from the last to the first: that is the tree that joins pairs, where an odd last one moves
   down. */
static inline int push(Columns sum, int64_t leaf, Columns *part, int parts)
{
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) sum.x[i] = _mm256_add_ps(sum.x[i], _mm256_setzero_ps());
  for (; leaf & 1; leaf >>= 1) sum = add_columns(part[--parts], sum);
  part[parts] = sum;
  return parts + 1;
}

static inline Columns fold(const Columns *part, int parts)
{
  Columns sum = part[--parts];
  while (parts) sum = add_columns(part[--parts], sum);
  return sum;
}

/* The sums of one atom, leaf after leaf; the tokens of all atoms end at `last`. */
static Columns few(const Terms *terms, int64_t leaves, int64_t j, int64_t last)
{
  const int32_t *soon = terms->bucket[j + 1] + SOON <= last ? terms->token + SOON : terms->token;
  Columns part[LEVELS];
  int64_t q = terms->bucket[j];
  int parts = 0;
  for (int64_t l = 0; l < leaves; l++) {
    Columns sum = {0};
    q = add_tokens(terms, soon, q, terms->bucket[j + 1], (l + 1) * LEAF_TOKENS, &sum);
    parts = push(sum, l, part, parts);
  }
  return fold(part, parts);
}

/* Brings near where the sums of an atom of row `to` go, before they are there. */
static inline void fetch_sums(int64_t d, int64_t i, int64_t k, int64_t to, float *first,
                              float *second)
{
  for (int l = 0; l < COLUMNS; l += 16) {
    __builtin_prefetch(first + to * d + i + l, 1);
    __builtin_prefetch(second + to * d + k + l, 1);
  }
}

/* The columns that are left, at most COLUMNS. */
static inline void put_columns(const __m256 x[4], int64_t left, float *to)
{
  if (left >= COLUMNS)
    copy_block(COLUMNS, (const float *)x, to);
  else
    memcpy(to, x, (size_t)left * sizeof(*to));
}

void avx2_leaf_sums(int64_t n, int64_t d, int64_t atoms, const int64_t *bucket, const int32_t *row,
                    const int32_t *token, const float *u, const float *v, const float *U,
                    const float *V, float *GU, float *GV, float *work)
{
  const int64_t total = bucket[atoms] - bucket[0];
  if (total && total * SPARSE >= n * atoms) {
    avx2_many_sums(n, d, atoms, bucket, row, token, u, U, GU);
    if (V) avx2_many_sums(n, d, atoms, bucket, row, token, v, V, GV);
    return;
  }
  const int64_t leaves = n > LEAF_TOKENS ? (n + LEAF_TOKENS - 1) / LEAF_TOKENS : 1;
  const int64_t apart = V ? 0 : COLUMNS; /* one matrix: its next columns take the place of V's */
  const Terms terms = {bucket, token, u, V ? v : u, work};
  float *second = V ? GV : GU;
  for (int64_t i = 0; i < d; i += COLUMNS + apart) {
    const int64_t k = min_i64(i + apart, d);
    pack_columns(n, d, i, COLUMNS, U, 2 * COLUMNS, work);
    pack_columns(n, d, k, COLUMNS, V ? V : U, 2 * COLUMNS, work + COLUMNS);
    for (int64_t j = 0; j < atoms; j++) {
      const int64_t next = min_i64(j + AHEAD, atoms - 1);
      fetch_sums(d, i, k, row ? row[next] : next, GU, second);
      const Columns sum = few(&terms, leaves, j, bucket[atoms]);
      const int64_t to = (row ? row[j] : j) * d;
      put_columns(sum.x, d - i, GU + to + i);
      put_columns(sum.x + 4, d - k, second + to + k);
    }
  }
}

/* 8 lanes of one block of a row, from lane l: elements past left are left out. */
static inline __m256 block_lanes(const float *x, const float *e, int64_t left, int l)
{
  __m256 a = _mm256_setzero_ps();
  for (int r = l; r < 64; r += 16) {
    if (r + 8 <= left) {
      a = _mm256_fmadd_ps(_mm256_loadu_ps(e + r), _mm256_loadu_ps(x + r), a);
    } else if (r < left) {
      const __m256i mask = lanes256(left, r);
      const __m256 sum =
          _mm256_fmadd_ps(_mm256_maskload_ps(e + r, mask), _mm256_maskload_ps(x + r, mask), a);
      a = _mm256_blendv_ps(a, sum, _mm256_castsi256_ps(mask));
    }
  }
  return a;
}

void avx2_blockdots(int64_t nonzeros, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                    const float *e, float *g)
{
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (int64_t q = 0; q < nonzeros; q += 8) {
    __m256 sum = _mm256_setzero_ps(), lane[8];
    for (int64_t i = 0; i < d; i += 64) {
      const int64_t left = d - i >= 64 ? 64 : d - i;
      for (int r = 0; r < 8; r++) lane[r] = _mm256_setzero_ps();
      for (int r = 0; r < 8 && q + r < nonzeros; r++) {
        const float *x = D + index[q + r] * ldD + i;
        lane[r] = _mm256_add_ps(block_lanes(x, e + i, left, 0), block_lanes(x, e + i, left, 8));
      }
      sum = i ? _mm256_add_ps(sum, halve8(lane)) : halve8(lane);
    }
    _mm256_maskstore_ps(g + q, lanes256(nonzeros, q), _mm256_permutevar8x32_ps(sum, order));
  }
}

void avx2_slopes(int64_t n, const int64_t *start, const int32_t *index, int64_t m, int64_t d,
                 const float *D, const float *e, float *slope, float *work)
{
  const int64_t atoms = d ? many_atoms(SECOND, n, start, index, m) : 0;
  if (atoms) {
    avx2_many(&(Many){.atoms = atoms,
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
  if (!d || m > SECOND || start[n] - start[0] < m * FEW_LEAST) {
    for (int64_t t = 0; t < n; t++)
      avx2_blockdots(start[t + 1] - start[t], index + start[t], d, D, d, e + t * d,
                     slope + start[t]);
    return;
  }
  float et[DOT_BLOCK] __attribute__((aligned(32)));
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    const int64_t width = d - i < DOT_BLOCK ? d - i : DOT_BLOCK;
    pack_columns(m, d, i, DOT_BLOCK, D, DOT_BLOCK, work);
    for (int64_t t = 0; t < n; t++) {
      const float *left = e + t * d + i;
      for (int64_t l = 0; l < width; l += 16) __builtin_prefetch(left + AHEAD * d + l);
      for (int64_t l = width; l < DOT_BLOCK; l++) et[l] = -0.0f;
      if (width < DOT_BLOCK)
        memcpy(et, left, (size_t)width * sizeof(*et));
      else
        copy_block(DOT_BLOCK, left, et);
      slopes(start[t + 1] - start[t], index + start[t], work, et, i == 0, slope + start[t]);
    }
  }
}

void avx2_dot_picks(int64_t picks, const int32_t *index, const int32_t *row, const float *X,
                    const float *E, float *dot)
{
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (int64_t q = 0; q < picks; q += 8) {
    const __m256i lanes = lanes256(picks, q);
    __m256 lane[8];
    for (int r = 0; r < 8; r++) {
      const int64_t at = q + r < picks ? q + r : picks - 1;
      const float *x = X + (int64_t)index[at] * DOT_BLOCK, *e = E + (int64_t)row[at] * DOT_BLOCK;
      lane[r] = _mm256_add_ps(block_lanes(x, e, DOT_BLOCK, 0), block_lanes(x, e, DOT_BLOCK, 8));
    }
    const __m256 sum = _mm256_permutevar8x32_ps(halve8(lane), order);
    _mm256_maskstore_ps(dot + q, lanes, _mm256_add_ps(_mm256_maskload_ps(dot + q, lanes), sum));
  }
}
