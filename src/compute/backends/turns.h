/* The way back through picks, for sets with vectors: each includes this, says how a turn is taken
   and makes unroll_slopes with it. */
#pragma once
#include <stdint.h>
#include <string.h>

enum { TOGETHER = 2 }; /* tokens that take turns */

/* A pick: what is left, from, loses a times the row before (NULL: nothing), which is e, and is
   multiplied with the next row (NULL: there is none). `soon` is brought near. */
typedef struct {
  const float *from, *before, *next, *soon;
  float *e, a;
} Turn;

__attribute__((always_inline)) static inline float take_turn(const bool before, const bool next,
                                                             int64_t d, const Turn *turn);

/* Pick `at` of those that are count in all. */
static void pick_back(int64_t count, int64_t at, const int32_t *index, int64_t d, const float *D,
                      const float *from, float *e, float *a)
{
  const Turn turn = {.from = at ? e : from,
                     .before = at ? D + index[at - 1] * d : NULL,
                     .next = at < count ? D + index[at] * d : NULL,
                     .soon = at + 1 < count ? D + index[at + 1] * d : e,
                     .e = e,
                     .a = at ? a[at - 1] : 0};
  if (at == count)
    take_turn(true, false, d, &turn);
  else
    a[at] = at ? take_turn(true, true, d, &turn) : take_turn(false, true, d, &turn);
}

/* Two tokens take turns: while the lanes of one are joined the other goes on. */
static inline void unroll_by_turns(int64_t n, const int64_t *start, const int32_t *index, int64_t d,
                                   const float *D, const float *from, float *e, float *a)
{
  for (int64_t t0 = 0; t0 < n; t0 += TOGETHER) {
    const int64_t end = t0 + TOGETHER < n ? t0 + TOGETHER : n;
    int64_t most = 0;
    for (int64_t t = t0; t < end; t++) {
      const int64_t count = start[t + 1] - start[t];
      if (!count) memcpy(e + t * d, from + t * d, (size_t)d * sizeof(*e));
      most = count > most ? count : most;
    }
    for (int64_t at = 0; most && at <= most; at++)
      for (int64_t t = t0; t < end; t++) {
        const int64_t q = start[t], count = start[t + 1] - q;
        if (count && at <= count)
          pick_back(count, at, index + q, d, D, from + t * d, e + t * d, a + q);
      }
  }
}
