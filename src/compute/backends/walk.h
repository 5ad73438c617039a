/* Tokens of a packed panel that go down trees side by side. In the first levels all tokens are held
   against each fork, which is a comparison of vectors whose place in memory waits for nothing;
   which of them are there, and which go to its second side, are bits of a word. Below they go one
   by one. Included by the kernel sets with vectors, and compiled for their CPU. */
#pragma once
#include "compute/backend.h"
#include "compute/forest.h"
#include "native.h"
#include <immintrin.h>

typedef int32_t WalkPlaces __attribute__((vector_size(NATIVE)));
enum { WALK_PLACES = NATIVE / 4 };

/* Tokens of a dimension that lie side by side in a panel: all, or those of one half, whose other
   dimensions follow before the second half comes. */
#ifdef __AVX512F__
enum { WALK_PARTS = 1 };
#else
enum { WALK_PARTS = 2 };
#endif
enum { WALK_LANES = PACKED_ROWS / WALK_PARTS };

/* Bit l: whether token l has x >= cut; apart: from one half to the other. */
__attribute__((always_inline)) static inline uint64_t walk_bits(const int vectors, const float *x,
                                                                int64_t apart, float cut)
{
  uint64_t bits = 0;
#ifdef __AVX512F__
  (void)apart;
  const __m512 c = _mm512_set1_ps(cut);
  __mmask16 k[3] = {0};
#pragma GCC unroll 3
  for (int v = 0; v < vectors; v++)
    k[v] = _mm512_cmp_ps_mask(_mm512_load_ps(x + 16 * v), c, _CMP_GE_OQ);
  bits = vectors > 1 ? _mm512_kunpackd(k[2], _mm512_kunpackw(k[1], k[0])) : k[0];
#else
  const __m256 c = _mm256_set1_ps(cut);
#pragma GCC unroll 6
  for (int v = 0; v < 2 * vectors; v++) {
    const float *at = v < 3 ? x + 8 * v : x + apart + 8 * (v - 3);
    const __m256 more = _mm256_cmp_ps(_mm256_load_ps(at), c, _CMP_GE_OQ);
    bits |= (uint64_t)(uint32_t)_mm256_movemask_ps(more) << 8 * v;
  }
#endif
  return bits;
}

/* second[l]: the tokens that go to a second side at level l. x: a panel. Those of a level differ,
   so that words that have them can be added up: from the first fork on, whose sums are kept, so
   that forks are one list whatever the levels. */
__attribute__((always_inline)) static inline void walk_top(const int vectors, const Forest *f,
                                                           int64_t tree, const float *x,
                                                           int64_t apart, uint64_t *second)
{
  const int64_t *start = f->start + tree * f->top, count = start[f->top] - start[0];
  const TopFork *fork = f->list + start[0];
  uint64_t there[2 * FOREST_FORKS + 1], sums[FOREST_FORKS + 1], sum = 0;
  there[0] = ~(uint64_t)0, sums[0] = 0;
  for (int64_t q = 0; q < count; q++) {
    uint64_t *side = there + 2 * (int64_t)fork[q].at + 1;
    const uint64_t here = there[fork[q].at],
                   on = here &
                        walk_bits(vectors, x + fork[q].column / WALK_PARTS, apart, fork[q].cut);
    side[0] = here ^ on, side[1] = on;
    sums[q + 1] = sum += on;
  }
  for (int64_t l = 0; l < f->top; l++)
    second[l] = sums[start[l + 1] - start[0]] - sums[start[l] - start[0]];
}

/* Where in the last of the first levels each of 16 times `vectors` tokens is. */
static inline void walk_places(int vectors, int64_t levels, const uint64_t *second,
                               WalkPlaces *place)
{
  WalkPlaces bit;
  for (int t = 0; t < WALK_PLACES; t++) bit[t] = 1 << t;
  for (int v = 0; v < 16 * vectors / WALK_PLACES; v++) {
    WalkPlaces n = {0};
    for (int64_t l = 0; l < levels; l++) {
      const WalkPlaces word =
          (int32_t)(second[l] >> WALK_PLACES * v & ((1u << WALK_PLACES) - 1)) - (WalkPlaces){0};
      n = n + n - ((word & bit) != 0);
    }
    place[v] = n;
  }
}

/* One panel of `rows` tokens; deep: the trees go on below the first levels. */
__attribute__((always_inline)) static inline void walk_panel(const int vectors, const bool deep,
                                                             const Forest *f, int64_t rows,
                                                             const float *x, int64_t apart,
                                                             double *sum)
{
  const int64_t first = ((int64_t)1 << f->top) - 1, last = ((int64_t)1 << f->levels) - 1;
  uint64_t second[FOREST_TOP];
  WalkPlaces place[PACKED_ROWS / WALK_PLACES];
  const int32_t *at = (const int32_t *)place;
  for (int64_t r = 0; r < f->trees; r++) {
    const Fork *fork = f->fork + (r << f->levels);
    const double *leaf = f->leaf + (r << f->levels);
    walk_top(vectors, f, r, x, apart, second);
    walk_places(vectors, f->top, second, place);
    for (int64_t t = 0; t < rows; t++) {
      int64_t i = at[t];
      if (deep) {
        const float *own = x + t / WALK_LANES * apart + t % WALK_LANES;
        i += first;
        while (i < last)
          i = 2 * i + 1 + (own[fork[i].dimension * (int64_t)WALK_LANES] >= fork[i].cut);
        i -= last;
      }
      sum[t] -= leaf[i];
    }
  }
}

static void walk(const Forest *forest, const Packed *tokens, double *sum)
{
  for (int64_t t = 0; t < tokens->rows; t += PACKED_ROWS) {
    const int64_t rows = tokens->rows - t < PACKED_ROWS ? tokens->rows - t : PACKED_ROWS;
    const int64_t apart = tokens->d * WALK_LANES;
    const float *x = tokens->x + t * tokens->d;
    if (forest->levels > forest->top)
      walk_panel(3, true, forest, rows, x, apart, sum + t);
    else if (rows > 16)
      walk_panel(3, false, forest, rows, x, apart, sum + t);
    else
      walk_panel(1, false, forest, rows, x, apart, sum + t);
  }
}
