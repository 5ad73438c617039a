/* Combinations of rows with AVX2: four rows by three vectors in registers over a piece of depth;
   sparse rows by 12 vectors of one row. */
#include "avx2_dense.h"
#include "avx2_tile.h"
#include "combine.h"

enum {
  PIECE =
      256,   /* rows of half a panel of B that stay in the first cache while all tiles pass them */
  MOST = 960 /* rows of A in a block: side by side they stay in the third cache */
};

static inline __m256 load(const float *x, int64_t lanes, int v)
{
  return lanes >= 8 * (v + 1) ? _mm256_loadu_ps(x + 8 * v)
                              : _mm256_maskload_ps(x + 8 * v, lanes256(lanes, 8 * v));
}

static inline void store(float *x, int64_t lanes, int v, __m256 y)
{
  if (lanes >= 8 * (v + 1))
    _mm256_storeu_ps(x + 8 * v, y);
  else
    _mm256_maskstore_ps(x + 8 * v, lanes256(lanes, 8 * v), y);
}

/* Rows of a block, of m in all: equal parts. */
static int64_t most_of(int64_t m)
{
  const int64_t blocks = max_i64(1, (m + MOST - 1) / MOST);
  return ((m + blocks - 1) / blocks + ROWS4 - 1) / ROWS4 * ROWS4;
}

/* A block's room: a piece of B, sums between two pieces [tiles][ROWS4][HALF], and rows of A,
   [pieces][tiles][elements][ROWS4]. */
static int64_t room_of(int64_t most, int64_t p)
{
  return PIECE * HALF + most * (HALF + min_i64(p, COMBINE_DEPTH));
}

static float *sums_of(const CombineBlock *block)
{
  return block->room + PIECE * HALF;
}

static float *rows_of(const CombineBlock *block, int64_t k)
{
  return sums_of(block) + most_of(block->m) * (HALF + k);
}

/* Puts off a tile of the rows copied: all of them pass a piece of B together. */
static void dense(CombineBlock *block, int64_t j, int64_t rows)
{
  const int64_t t = block->put_off++;
  block->tile[t] = (int32_t)j;
  const float *from[ROWS4];
  for (int64_t r = 0; r < ROWS4; r++)
    from[r] = block->a + min_i64(r, rows - 1) * (COMBINE_DEPTH + COMBINE_PAD);
  for (int64_t k = 0; k < block->depth; k += PIECE) {
    const int64_t depth = min_i64(PIECE, block->depth - k);
    float *restrict to = rows_of(block, k) + t * ROWS4 * depth;
    for (int64_t i = 0; i < depth; i++)
      for (int r = 0; r < ROWS4; r++) to[ROWS4 * i + r] = from[r][k + i];
  }
}

/* A piece of B, which tiles pass. */
typedef struct {
  int64_t depth, lanes;
  const float *x;
  bool begin, end;          /* of the block's depth: between, sums stand side by side */
  const float *next;        /* the piece after it, in B, NULL: none; it is brought near, */
  int64_t ahead, next_rows; /* so many rows of it for each tile */
} Piece;

static void pack_piece(const CombineBlock *block, int64_t i, int64_t k, Piece *piece)
{
  const float *from = block->B + k * block->ldB + i;
  float *to = block->room;
  piece->depth = min_i64(PIECE, block->depth - k), piece->lanes = min_i64(HALF, block->band - i);
  piece->x = to, piece->begin = k == 0, piece->end = k + piece->depth == block->depth;
  for (int64_t r = 0; r < piece->depth; r++, from += block->ldB, to += HALF)
    for (int v = 0; v < 3; v++) _mm256_store_ps(to + 8 * v, load(from, piece->lanes, v));
  piece->next = piece->end ? block->B + i + HALF : from;
  if (piece->end && i + HALF >= block->band) piece->next = NULL;
  piece->next_rows = min_i64(PIECE, piece->end ? block->depth : block->depth - k - piece->depth);
  piece->ahead = (piece->next_rows + block->put_off - 1) / block->put_off;
}

static inline void fetch(const float *x, int64_t ld, int64_t from, int64_t to)
{
  for (int64_t r = from; r < to; r++)
    _mm_prefetch(x + r * ld, _MM_HINT_T1), _mm_prefetch(x + r * ld + HALF - 1, _MM_HINT_T1);
}

/* vectors of 8 columns, the last one masked, of one tile. */
__attribute__((always_inline)) static inline void tile_of(const int vectors,
                                                          const CombineBlock *block,
                                                          const Piece *piece, const float *a,
                                                          int64_t rows, float *sums, float *out)
{
  const int64_t ld = block->ldOUT, lanes = piece->lanes;
  Tile256 t = {0};
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) {
      if (!piece->begin)
        t.a[r][v] = _mm256_load_ps(sums + r * HALF + 8 * v);
      else if (!block->first && r < rows)
        t.a[r][v] = load(out + r * ld, lanes, v);
    }
  }
  four256(vectors, piece->depth, piece->x, a, false, NULL, 0, &t);
#pragma GCC unroll 4
  for (int r = 0; r < ROWS4; r++) {
#pragma GCC unroll 3
    for (int v = 0; v < vectors; v++) {
      if (!piece->end)
        _mm256_store_ps(sums + r * HALF + 8 * v, t.a[r][v]);
      else if (r < rows)
        store(out + r * ld, lanes, v,
              block->last ? _mm256_add_ps(t.a[r][v], _mm256_setzero_ps()) : t.a[r][v]);
    }
  }
}

static void tile(const CombineBlock *block, const Piece *piece, const float *a, int64_t rows,
                 float *sums, float *out)
{
  if (piece->lanes > 16)
    tile_of(3, block, piece, a, rows, sums, out);
  else if (piece->lanes > 8)
    tile_of(2, block, piece, a, rows, sums, out);
  else
    tile_of(1, block, piece, a, rows, sums, out);
}

/* Brings near what comes after tile t: its part of the next piece of B, and the next results. */
static inline void fetch_next(const CombineBlock *block, const Piece *piece, int64_t i, int64_t t)
{
  const int64_t from = min_i64(t * piece->ahead, piece->next_rows),
                then = block->tile[min_i64(t + 1, block->put_off - 1)];
  if (piece->next)
    fetch(piece->next, block->ldB, from, min_i64(from + piece->ahead, piece->next_rows));
  if (piece->begin && !block->first)
    fetch(block->OUT + then * block->ldOUT + i, block->ldOUT, 0, min_i64(ROWS4, block->m - then));
}

/* What was put off: half a panel of B after another, each by pieces. */
static void pass(CombineBlock *block)
{
  Piece piece;
  for (int64_t i = 0; block->put_off && i < block->band; i += HALF) {
    for (int64_t k = 0; k == 0 || k < block->depth; k += PIECE) {
      pack_piece(block, i, k, &piece);
      for (int64_t t = 0; t < block->put_off; t++) {
        const int64_t j = block->tile[t];
        fetch_next(block, &piece, i, t);
        tile(block, &piece, rows_of(block, k) + t * ROWS4 * piece.depth, block->m - j,
             sums_of(block) + t * ROWS4 * HALF, block->OUT + j * block->ldOUT + i);
      }
    }
  }
}

/* vectors of 8 columns, the last one masked. */
__attribute__((always_inline)) static inline void row_of(const int vectors, int64_t count,
                                                         const int32_t *index, const float *value,
                                                         int64_t lanes, const float *B, int64_t ldB,
                                                         float *out, bool first, bool last)
{
  __m256 t[12];
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++) t[v] = first ? _mm256_setzero_ps() : load(out, lanes, v);
  for (int64_t q = 0; q < count; q++) {
    const __m256 x = _mm256_broadcast_ss(value + q);
    const float *b = B + index[q] * ldB;
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) t[v] = _mm256_fmadd_ps(x, load(b, lanes, v), t[v]);
  }
#pragma GCC unroll 12
  for (int v = 0; v < vectors; v++)
    store(out, lanes, v, last ? _mm256_add_ps(t[v], _mm256_setzero_ps()) : t[v]);
}

static void row(int64_t count, const int32_t *index, const float *value, int64_t d, const float *B,
                int64_t ldB, float *out, bool first, bool last)
{
  int64_t i = 0;
  for (; d - i >= 96; i += 96)
    row_of(12, count, index, value, 96, B + i, ldB, out + i, first, last);
  for (; d - i >= 32; i += 32) row_of(4, count, index, value, 32, B + i, ldB, out + i, first, last);
  for (; i < d; i += 8)
    row_of(1, count, index, value, d - i < 8 ? d - i : 8, B + i, ldB, out + i, first, last);
}

void avx2_combine(int64_t m, int64_t p, int64_t d, const float *A, int64_t ldA, const float *B,
                  int64_t ldB, float *OUT, int64_t ldOUT)
{
  const int64_t most = most_of(m);
  const CombineKind kind = {row, dense, pass, ROWS4, most};
  combine_all(&kind, room_of(most, p), m, p, d, A, ldA, B, ldB, OUT, ldOUT);
}
