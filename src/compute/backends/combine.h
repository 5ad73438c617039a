/* OUT = A B in blocks, for the vector backends: each includes this with its own register tile and
   its own row. A tile works on ROWS rows of A and up to LANES columns of B over a block of depth, a
   row on the elements of one row of A that are not 0. Both go on from OUT (first: from + 0), in the
   order of depth, and add + 0 at the end (last), so which of them works on a block cannot be seen:
   a zero adds + 0 or - 0, which can change the sign of a zero at most, and the last + 0 takes that
   away. Not so beside an infinity or NaN: there no zero is left out. */
#pragma once
#include "base/array.h"
#include "compute/backend.h"
#include <string.h>

enum {
  COMBINE_DEPTH = 1024, /* elements of a row of A, rows of B, at a time */
  COMBINE_BAND = 768,   /* columns of B at a time, packed */
  COMBINE_ROWS = 1920,  /* rows of OUT that stay in the third cache meanwhile */
  COMBINE_PAD = 16,
  COMBINE_MOST = 8, /* rows of a tile at most */
  COMBINE_LANES = 48,
};

/* out [rows of the tile x lanes], stride ld, from panel [depth x LANES] and rows a, stride
   COMBINE_DEPTH + COMBINE_PAD. */
typedef void (*CombineTile)(int64_t depth, const float *panel, const float *a, float *out,
                            int64_t ld, int64_t lanes, bool first, bool last);
/* out [d] from count rows of B, stride ldB. */
typedef void (*CombineRow)(int64_t count, const int32_t *index, const float *value, int64_t d,
                           const float *B, int64_t ldB, float *out, bool first, bool last);

typedef struct {
  CombineTile tile;
  CombineRow row;
  int rows, lanes;
} CombineKind;

typedef struct {
  int64_t m, depth, band; /* of this block */
  const float *A, *B;
  int64_t ldA, ldB;
  float *OUT;
  int64_t ldOUT;
  bool first, last;
  bool packed;
  int finite; /* of B: -1 not known yet */
  float *panels;
  float a[COMBINE_MOST * (COMBINE_DEPTH + COMBINE_PAD)] __attribute__((aligned(64)));
  int32_t index[COMBINE_DEPTH];
  float value[COMBINE_DEPTH];
} CombineBlock;

static inline void combine_pack(CombineBlock *block, int lanes)
{
  if (block->packed) return;
  for (int64_t k = 0; k < block->depth; k++) {
    const float *from = block->B + k * block->ldB;
    float *to = block->panels + k * lanes;
    int64_t i = 0;
    for (; i + lanes <= block->band; i += lanes, to += block->depth * lanes)
      memcpy(to, from + i, (size_t)lanes * sizeof(float));
    for (int64_t l = 0; i < block->band && l < lanes; l++)
      to[l] = i + l < block->band ? from[i + l] : 0.0f;
  }
  block->packed = true;
}

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

static inline void combine_fetch(const float *x, int64_t count)
{
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(x + i, 0, 2);
}

/* All columns of the band for the rows copied; the next rows are fetched meanwhile. */
static inline void combine_rows(CombineBlock *block, const CombineKind *kind, int64_t j,
                                int64_t rows)
{
  const int lanes = kind->lanes;
  const int64_t next = j + kind->rows;
  combine_pack(block, lanes);
  for (int64_t i = 0, c = 0; i < block->band; i += lanes, c++) {
    const int64_t width = min_i64(lanes, block->band - i);
    const float *panel = block->panels + i * block->depth;
    float *out = block->OUT + j * block->ldOUT + i;
    if (c < kind->rows && next + c < block->m && block->ldA > 2 * COMBINE_DEPTH)
      combine_fetch(block->A + (next + c) * block->ldA, block->depth);
    for (int64_t r = 0; r < kind->rows && next + r < block->m; r++)
      combine_fetch(out + (kind->rows + r) * block->ldOUT, width);
    if (rows == kind->rows) {
      kind->tile(block->depth, panel, block->a, out, block->ldOUT, width, block->first,
                 block->last);
      continue;
    }
    float part[COMBINE_MOST * COMBINE_LANES] __attribute__((aligned(64))) = {0};
    for (int64_t r = 0; r < rows; r++)
      memcpy(part + r * lanes, out + r * block->ldOUT, (size_t)width * sizeof(float));
    kind->tile(block->depth, panel, block->a, part, lanes, width, block->first, block->last);
    for (int64_t r = 0; r < rows; r++)
      memcpy(out + r * block->ldOUT, part + r * lanes, (size_t)width * sizeof(float));
  }
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
      combine_rows(block, kind, j, rows);
      continue;
    }
    for (int64_t r = 0; r < rows; r++)
      combine_one(block, kind, block->a + r * (COMBINE_DEPTH + COMBINE_PAD),
                  block->OUT + (j + r) * block->ldOUT, !sparse);
  }
}

static inline void combine_all(const CombineKind *kind, int64_t m, int64_t p, int64_t d,
                               const float *A, int64_t ldA, const float *B, int64_t ldB, float *OUT,
                               int64_t ldOUT)
{
  CombineBlock *block;
  float *panels;
  const int64_t band = min_i64(COMBINE_BAND, (d + kind->lanes - 1) / kind->lanes * kind->lanes);
  PetscCallAbort(PETSC_COMM_SELF, ArrayScratch(1, &block));
  PetscCallAbort(PETSC_COMM_SELF,
                 ArrayScratch(m > 2 ? min_i64(p, COMBINE_DEPTH) * band : 0, &panels));
  for (int64_t i = 0; i < d; i += COMBINE_BAND) {
    for (int64_t j = 0; j < m; j += COMBINE_ROWS) {
      for (int64_t q = 0; q == 0 || q < p; q += COMBINE_DEPTH) {
        block->m = min_i64(COMBINE_ROWS, m - j);
        block->depth = min_i64(COMBINE_DEPTH, p - q);
        block->band = min_i64(COMBINE_BAND, d - i);
        block->A = A + j * ldA + q, block->ldA = ldA;
        block->B = B + q * ldB + i, block->ldB = ldB;
        block->OUT = OUT + j * ldOUT + i, block->ldOUT = ldOUT;
        block->first = q == 0, block->last = q + COMBINE_DEPTH >= p;
        block->packed = false, block->finite = -1, block->panels = panels;
        combine_block(block, kind);
      }
    }
  }
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&panels));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&block));
}
