/* Dense rows of combine.h tile by tile: a block of B is packed once, and passes each tile whole.
   Included by avx512_combine.c only, as AVX-512's second caches hold a panel. */
#pragma once
#include "combine.h"

enum { COMBINE_LANES = 48, COMBINE_ROWS = 1920 };

/* out [rows of the tile x lanes], stride ld, from panel [depth x LANES] and rows a, stride
   COMBINE_DEPTH + COMBINE_PAD. */
typedef void (*CombineTile)(int64_t depth, const float *panel, const float *a, float *out,
                            int64_t ld, int64_t lanes, bool first, bool last);
typedef struct {
  CombineTile tile;
  int rows, lanes;
} CombinePanels;

static inline int64_t combine_panels_room(const CombinePanels *kind, int64_t p, int64_t d)
{
  const int64_t band = (d + kind->lanes - 1) / kind->lanes * kind->lanes;
  return min_i64(p, COMBINE_DEPTH) * min_i64(COMBINE_BAND, band);
}

static inline void combine_pack(CombineBlock *block, int lanes)
{
  if (block->packed) return;
  for (int64_t k = 0; k < block->depth; k++) {
    const float *from = block->B + k * block->ldB;
    float *to = block->room + k * lanes;
    int64_t i = 0;
    for (; i + lanes <= block->band; i += lanes, to += block->depth * lanes)
      memcpy(to, from + i, (size_t)lanes * sizeof(float));
    for (int64_t l = 0; i < block->band && l < lanes; l++)
      to[l] = i + l < block->band ? from[i + l] : 0.0f;
  }
  block->packed = true;
}

static inline void combine_fetch(const float *x, int64_t count)
{
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(x + i, 0, 2);
}

/* All columns of the band for the rows copied; the next rows are fetched meanwhile. */
static inline void combine_rows(CombineBlock *block, const CombinePanels *kind, int64_t j,
                                int64_t rows)
{
  const int lanes = kind->lanes;
  const int64_t next = j + kind->rows;
  combine_pack(block, lanes);
  for (int64_t i = 0, c = 0; i < block->band; i += lanes, c++) {
    const int64_t width = min_i64(lanes, block->band - i);
    const float *panel = block->room + i * block->depth;
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
