/* Residuals and slopes of tokens by some atoms at a time with AVX2, one block of blockdots at a
   time.

   Where a token has many codes, those of MANY_ATOMS atoms are a run, and the runs of a tile of
   tokens stand in the order in which they are gone through: what is read streams, but for the rows
   of these atoms, which stay in the first cache. Runs are filled up to fours by a row of zeros
   times 0, which changes a sum by the sign of a zero at most; the + 0 at its end takes that away.
 */
#include "avx2_blocks.h"
#include "avx2_runs.h"
#include "many.h"
#include "base/array.h"

enum {
  NEXT = 4,                            /* tokens whose codes are asked for before their turn */
  PITCH = (MANY_ATOMS + 1) * DOT_BLOCK /* of the rows of a run's atoms, the last one zeros */
};

static void pack(int64_t m, int64_t d, int64_t i, const float *D, float *block)
{
  pack_columns(m, d, i, DOT_BLOCK, D, DOT_BLOCK, block);
}

static void add(ManyTile *tile, int64_t limit)
{
  const int32_t *index = tile->index;
  for (int64_t t = 0; t < tile->tokens; t++) {
    const int64_t end = tile->start[t + 1];
    int64_t q = tile->at[t];
    float *to = tile->sum + t * DOT_BLOCK;
    __m256 sum[VECTORS];
    many_fetch(tile, t, tile->value);
    for (int v = 0; v < VECTORS; v++) sum[v] = _mm256_load_ps(to + 8 * v);
    for (; q < end && index[q] < limit; q++) {
      const float *row = tile->block + (int64_t)index[q] * DOT_BLOCK;
      const __m256 scale = _mm256_set1_ps(tile->value[q]);
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++)
        sum[v] = _mm256_fmadd_ps(scale, _mm256_load_ps(row + 8 * v), sum[v]);
    }
    tile->at[t] = q;
    for (int v = 0; v < VECTORS; v++) _mm256_store_ps(to + 8 * v, sum[v]);
  }
}

static inline void fetch_rows(int64_t d, const float *x, const float *e)
{
  for (int l = 0; l < DOT_BLOCK; l += 16) {
    __builtin_prefetch(x + AHEAD * d + l);
    __builtin_prefetch(e + AHEAD * d + l, 1);
  }
}

/* A block of one residual, of which left columns are there. */
__attribute__((always_inline)) static inline void finish_row(int64_t left, __m256 sign,
                                                             const float *x, float *sum, float *e)
{
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++, left -= 8) {
    const __m256i lanes = lanes256(left, 0);
    const __m256 a = left >= 8 ? _mm256_loadu_ps(x + 8 * v) : _mm256_maskload_ps(x + 8 * v, lanes),
                 b = _mm256_add_ps(_mm256_load_ps(sum + 8 * v), _mm256_setzero_ps()),
                 c = _mm256_fmadd_ps(sign, a, b);
    if (left >= 8) {
      _mm256_store_ps(sum + 8 * v, c);
      _mm256_storeu_ps(e + 8 * v, c);
    } else {
      _mm256_store_ps(sum + 8 * v,
                      _mm256_blendv_ps(_mm256_set1_ps(-0.0f), c, _mm256_castsi256_ps(lanes)));
      _mm256_maskstore_ps(e + 8 * v, lanes, c);
    }
  }
}

static void finish(const ManyTile *tile, int64_t d, float sign, const float *x, float *e, bool past,
                   double *square)
{
  (void)past;
  const __m256 by = _mm256_set1_ps(sign);
  for (int64_t t = 0; t < tile->tokens; t++, x += d, e += d) {
    float *sum = tile->sum + t * DOT_BLOCK;
    fetch_rows(d, x, e);
    if (tile->columns == DOT_BLOCK) /* a copy of its own, without masks */
      finish_row(DOT_BLOCK, by, x, sum, e);
    else
      finish_row(tile->columns, by, x, sum, e);
    add_squares(sum, square + t * 8);
  }
}

static void take(const ManyTile *tile, int64_t d, const float *e)
{
  for (int64_t t = 0; t < tile->tokens; t++) {
    float *sum = tile->sum + t * DOT_BLOCK;
    memcpy(sum, e + t * d, (size_t)tile->columns * sizeof(*sum));
    for (int64_t l = tile->columns; l < DOT_BLOCK; l++) sum[l] = -0.0f;
  }
}

static void dot(ManyTile *tile, int64_t limit, bool last)
{
  const int32_t *index = tile->index;
  for (int64_t t = 0; t < tile->tokens; t++) {
    const int64_t end = tile->start[t + 1];
    int64_t q = tile->at[t];
    many_fetch(tile, t, tile->slope);
    while (last ? q < end : q + 8 <= end && index[q + 7] < limit) {
      const int64_t count = end - q < 8 ? end - q : 8;
      const __m256 sum = dots8(count, index + q, tile->block, tile->sum + t * DOT_BLOCK);
      add_slopes(sum, count, tile->first, tile->slope + q);
      q += count;
    }
    tile->at[t] = q;
  }
}

typedef struct {
  int64_t groups;  /* of MANY_ATOMS atoms */
  uint8_t *length; /* [groups x tokens] codes of the runs, one after the other */
  uint8_t *row;    /* of each code, in its group */
  float *value, *slope;
} Runs;

static void pack_groups(const Many *many, int64_t i, float *block)
{
  for (int64_t j = 0; j < many->m; j += MANY_ATOMS, block += PITCH) {
    pack_columns(min_i64(MANY_ATOMS, many->m - j), many->d, i, DOT_BLOCK, many->D + j * many->d,
                 DOT_BLOCK, block);
    memset(block + PITCH - DOT_BLOCK, 0, DOT_BLOCK * sizeof(*block));
  }
}

static void sort_codes(const ManyTile *tile, const Runs *runs)
{
  const float *value = tile->value;
  int64_t at[MANY_TOKENS + NEXT], p = 0;
  for (int64_t t = 0; t < MANY_TOKENS + NEXT; t++) at[t] = tile->start[min_i64(t, tile->tokens)];
  for (int64_t g = 0; g < runs->groups; g++) {
    for (int64_t t = 0; t < tile->tokens; t++) {
      const int64_t end = tile->start[t + 1], from = at[t];
      int64_t q = from;
      for (int f = 0; f < 48; f += 16) {
        __builtin_prefetch(tile->index + at[t + NEXT] + f);
        if (value) __builtin_prefetch(value + at[t + NEXT] + f);
      }
      for (int count = 8; count == 8; q += count)
        count =
            take_run(end - q, tile->index + q, value ? value + q : NULL, (int32_t)(g * MANY_ATOMS),
                     MANY_ATOMS, runs->row + p + q - from, runs->value + p + q - from);
      runs->length[g * tile->tokens + t] = (uint8_t)(q - from);
      p += (q - from + 3) / 4 * 4;
      at[t] = q;
    }
  }
}

/* The runs' slopes go back to where the codes came from. */
static void return_slopes(const ManyTile *tile, const Runs *runs)
{
  int64_t at[MANY_TOKENS];
  const float *from = runs->slope;
  memcpy(at, tile->start, (size_t)tile->tokens * sizeof(*at));
  for (int64_t g = 0; g < runs->groups; g++) {
    for (int64_t t = 0; t < tile->tokens; t++) {
      const int length = runs->length[g * tile->tokens + t];
      float *to = tile->slope + at[t];
      int i = 0;
      for (; i + 8 <= length; i += 8) _mm256_storeu_ps(to + i, _mm256_loadu_ps(from + i));
      if (i < length) _mm256_maskstore_ps(to + i, lanes256(length, i), _mm256_loadu_ps(from + i));
      at[t] += length;
      from += (length + 3) / 4 * 4;
    }
  }
}

/* Brings a line of the rows of the next group near. */
static inline void fetch_row(const float *block, int64_t t)
{
  if (t < PITCH / 16) _mm_prefetch(block + PITCH + 16 * t, _MM_HINT_T1);
}

__attribute__((always_inline)) static inline void add_row(__m256 scale, const float *row,
                                                          __m256 *sum)
{
#pragma GCC unroll 8
  for (int v = 0; v < VECTORS; v++)
    sum[v] = _mm256_fmadd_ps(scale, _mm256_load_ps(row + 8 * v), sum[v]);
}

#define ROW(four, i) (rows + ((four) >> 8 * (i)&255) * DOT_BLOCK)

static void add_runs(const ManyTile *tile, const Runs *runs)
{
  const uint8_t *row = runs->row, *length = runs->length;
  const float *value = runs->value;
  for (int64_t g = 0; g < runs->groups; g++) {
    const float *rows = tile->block + g * PITCH;
    float *to = tile->sum;
    for (int64_t t = 0; t < tile->tokens; t++, to += DOT_BLOCK) {
      __m256 sum[VECTORS];
      fetch_row(rows, t);
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++) sum[v] = _mm256_load_ps(to + 8 * v);
      for (int left = *length++; left > 0; left -= 4, row += 4, value += 4) {
        uint32_t four;
        memcpy(&four, row, 4);
        const __m256 scale = _mm256_broadcast_ps((const __m128 *)(const void *)value);
        add_row(_mm256_permute_ps(scale, 0x00), ROW(four, 0), sum);
        add_row(_mm256_permute_ps(scale, 0x55), ROW(four, 1), sum);
        add_row(_mm256_permute_ps(scale, 0xaa), ROW(four, 2), sum);
        add_row(_mm256_permute_ps(scale, 0xff), ROW(four, 3), sum);
      }
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++) _mm256_store_ps(to + 8 * v, sum[v]);
    }
  }
}

__attribute__((always_inline)) static inline __m256 dots(const float *rows, const uint8_t *row,
                                                         const __m256 *e)
{
  uint64_t eight;
  memcpy(&eight, row, 8);
  const float *const of[8] = {ROW(eight, 0), ROW(eight, 1), ROW(eight, 2), ROW(eight, 3),
                              ROW(eight, 4), ROW(eight, 5), ROW(eight, 6), ROW(eight, 7)};
  return row_dots(of, e);
}

static void dot_runs(const ManyTile *tile, const Runs *runs)
{
  const uint8_t *row = runs->row, *length = runs->length;
  const bool first = tile->first;
  float *slope = runs->slope;
  for (int64_t g = 0; g < runs->groups; g++) {
    const float *rows = tile->block + g * PITCH, *from = tile->sum;
    for (int64_t t = 0; t < tile->tokens; t++, from += DOT_BLOCK) {
      __m256 e[VECTORS];
      int left = *length++;
      fetch_row(rows, t);
#pragma GCC unroll 8
      for (int v = 0; v < VECTORS; v++) e[v] = _mm256_load_ps(from + 8 * v);
      for (; left > 4; left -= 8, row += 8, slope += 8) {
        __m256 part = dots(rows, row, e);
        if (!first) part = _mm256_add_ps(_mm256_loadu_ps(slope), part);
        _mm256_storeu_ps(slope, part);
      }
      if (left > 0) {
        uint32_t four;
        memcpy(&four, row, 4);
        const __m256 a = halve(products(e, ROW(four, 0)), products(e, ROW(four, 2))),
                     b = halve(products(e, ROW(four, 1)), products(e, ROW(four, 3))),
                     c = quarter(a, b),
                     s = _mm256_add_ps(_mm256_shuffle_ps(c, c, 0x88),
                                       _mm256_shuffle_ps(c, c, 0xdd));
        __m128 part = _mm_movelh_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
        if (!first) part = _mm_add_ps(_mm_loadu_ps(slope), part);
        _mm_storeu_ps(slope, part);
        row += 4, slope += 4;
      }
    }
  }
}

static void one_tile(const Many *many, int64_t t, ManyTile *tile, const Runs *runs, float *block,
                     double *lanes)
{
  const int64_t d = many->d;
  sort_codes(tile, runs);
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    const int64_t at = t * d + i;
    tile->columns = min_i64(DOT_BLOCK, d - i), tile->first = i == 0;
    pack_groups(many, i, block);
    if (many->value) {
      memset(tile->sum, 0, (size_t)(tile->tokens * DOT_BLOCK) * sizeof(*tile->sum));
      add_runs(tile, runs);
      finish(tile, d, many->sign, many->x + at, many->e + at, many->past, lanes + t * 8);
    } else {
      take(tile, d, many->e + at);
    }
    if (many->slope) dot_runs(tile, runs);
  }
  if (many->slope) return_slopes(tile, runs);
}

static void all_runs(const Many *many)
{
  const int64_t n = many->n, groups = (many->m + MANY_ATOMS - 1) / MANY_ATOMS;
  double *lanes = (double *)(void *)many->work;
  float *block = many->work + n * 16, *sum = block + groups * PITCH;
  Runs runs = {.groups = groups};
  int64_t most = 0;
  for (int64_t t = 0; t < n; t += MANY_TOKENS)
    most = max_i64(most, many->start[min_i64(t + MANY_TOKENS, n)] - many->start[t]);
  most += 3 * groups * MANY_TOKENS + 8; /* runs are filled up, and written by eights */
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(groups * MANY_TOKENS, &runs.length));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(most, &runs.row));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(most, &runs.value));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(most, &runs.slope));
  memset(lanes, 0, (size_t)n * 8 * sizeof(*lanes));
  for (int64_t t = 0; t < n; t += MANY_TOKENS) {
    ManyTile tile = {.tokens = min_i64(MANY_TOKENS, n - t),
                     .start = many->start + t,
                     .index = many->index,
                     .value = many->value,
                     .block = block,
                     .sum = sum,
                     .slope = many->slope};
    one_tile(many, t, &tile, &runs, block, lanes);
  }
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&runs.length));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&runs.row));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&runs.value));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&runs.slope));
  if (many->value) many_squares(n, lanes, many->square);
}

void avx2_many(const Many *many)
{
  static const ManyKind kind = {DOT_BLOCK, pack, add, finish, take, dot};
  if (many->atoms == MANY_ATOMS)
    all_runs(many);
  else
    many_tokens(&kind, many);
}
