/* OUT = A B in blocks, for the vector backends: each includes this with its own way of dense rows
   and its own row. Dense rows go over a block of depth by tiles of several rows of A and columns of
   B, a row over the elements of one row of A that are not 0. Both go on from OUT (first: from + 0),
   in the order of depth, and add + 0 at the end (last), so which of them works on a block cannot be
   seen: a zero adds + 0 or - 0, which can change the sign of a zero at most, and the last + 0 takes
   that away. Not so beside an infinity or NaN: there no zero is left out. */
#pragma once
#include "base/array.h"
#include "compute/backend.h"
#include <string.h>

enum {
  COMBINE_DEPTH = 1024, /* elements of a row of A, rows of B, at a time */
  COMBINE_BAND = 768,   /* columns of B at a time, packed */
  COMBINE_TILES = 256,  /* put off at most */
  COMBINE_PAD = 16,
  COMBINE_MOST = 8, /* rows of a tile at most */
};

/* out [d] from count rows of B, stride ldB. */
typedef void (*CombineRow)(int64_t count, const int32_t *index, const float *value, int64_t d,
                           const float *B, int64_t ldB, float *out, bool first, bool last);

typedef struct CombineBlock CombineBlock;
/* Rows j .. of the block, which are copied: all their products with it, or at its end (NULL: they
   were not put off). */
typedef void (*CombineRows)(CombineBlock *block, int64_t j, int64_t rows);
typedef void (*CombineEnd)(CombineBlock *block);

typedef struct {
  CombineRow row;
  CombineRows dense;
  CombineEnd end;
  int rows;     /* of a tile */
  int64_t most; /* rows of OUT in a block: they stay in the third cache meanwhile */
} CombineKind;

struct CombineBlock {
  int64_t m, depth, band; /* of this block */
  const float *A, *B;
  int64_t ldA, ldB;
  float *OUT;
  int64_t ldOUT;
  bool first, last;
  bool packed;
  int finite;                  /* of B: -1 not known yet */
  float *room;                 /* of the backend */
  int64_t put_off;             /* tiles, */
  int32_t tile[COMBINE_TILES]; /* and their first rows */
  float a[COMBINE_MOST * (COMBINE_DEPTH + COMBINE_PAD)] __attribute__((aligned(64)));
  int32_t index[COMBINE_DEPTH];
  float value[COMBINE_DEPTH];
};

static inline bool combine_finite(CombineBlock *block)
{
  if (block->finite >= 0) return block->finite;
  float odd = 0; /* x * 0 is 0, or NaN where x is not finite */
  for (int64_t k = 0; k < block->depth; k++) {
    const float *x = block->B + k * block->ldB;
    float lane[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= block->band; i += 16)
      for (int l = 0; l < 16; l++) lane[l] += x[i + l] * 0.0f;
    for (; i < block->band; i++) odd += x[i] * 0.0f;
    for (int l = 0; l < 16; l++) odd += lane[l];
  }
  block->finite = odd == 0;
  return block->finite;
}

/* Rows j .. of A into the block's own memory; how many elements are not 0. */
static inline int64_t combine_copy(CombineBlock *block, int64_t j, int64_t rows)
{
  int64_t nonzeros = 0;
  for (int64_t r = 0; r < rows; r++) {
    const float *restrict from = block->A + (j + r) * block->ldA;
    float *restrict to = block->a + r * (COMBINE_DEPTH + COMBINE_PAD);
    int32_t count = 0;
    for (int64_t k = 0; k < block->depth; k++) {
      to[k] = from[k];
      count += from[k] != 0.0f;
    }
    nonzeros += count;
  }
  return nonzeros;
}

/* One row without its zeros, or with them (all). */
static inline void combine_one(CombineBlock *block, const CombineKind *kind, const float *a,
                               float *out, bool all)
{
  int64_t count = 0;
  for (int64_t k = 0; k < block->depth; k++) {
    block->index[count] = (int32_t)k, block->value[count] = a[k];
    count += all || a[k] != 0.0f;
  }
  kind->row(count, block->index, block->value, block->band, block->B, block->ldB, out, block->first,
            block->last);
}

/* Leaving out zeros pays where at most this share of the elements is not 0: a row's elements are
   used once for each read of B, a tile's eight times. */
#define COMBINE_SPARSE 0.25

static inline void combine_block(CombineBlock *block, const CombineKind *kind)
{
  for (int64_t j = 0; j < block->m; j += kind->rows) {
    const int64_t rows = min_i64(kind->rows, block->m - j), nonzeros = combine_copy(block, j, rows);
    const bool few = block->m <= 2,
               sparse = (double)nonzeros <= COMBINE_SPARSE * (double)(rows * block->depth) &&
                        combine_finite(block);
    if (!few && !sparse) {
      kind->dense(block, j, rows);
      continue;
    }
    for (int64_t r = 0; r < rows; r++)
      combine_one(block, kind, block->a + r * (COMBINE_DEPTH + COMBINE_PAD),
                  block->OUT + (j + r) * block->ldOUT, !sparse);
  }
  if (kind->end) kind->end(block);
}

/* room: floats that the backend wants in each block. */
static inline void combine_all(const CombineKind *kind, int64_t room, int64_t m, int64_t p,
                               int64_t d, const float *A, int64_t ldA, const float *B, int64_t ldB,
                               float *OUT, int64_t ldOUT)
{
  CombineBlock *block;
  float *own;
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(1, &block));
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(m > 2 ? room : 0, &own));
  for (int64_t i = 0; i < d; i += COMBINE_BAND) {
    for (int64_t j = 0; j < m; j += kind->most) {
      for (int64_t q = 0; q == 0 || q < p; q += COMBINE_DEPTH) {
        block->m = min_i64(kind->most, m - j);
        block->depth = min_i64(COMBINE_DEPTH, p - q);
        block->band = min_i64(COMBINE_BAND, d - i);
        block->A = A + j * ldA + q, block->ldA = ldA;
        block->B = B + q * ldB + i, block->ldB = ldB;
        block->OUT = OUT + j * ldOUT + i, block->ldOUT = ldOUT;
        block->first = q == 0, block->last = q + COMBINE_DEPTH >= p;
        block->packed = false, block->finite = -1, block->room = own, block->put_off = 0;
        combine_block(block, kind);
      }
    }
  }
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&own));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&block));
}
