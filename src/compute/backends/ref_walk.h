/* Tokens that go down trees, fork by fork, for ref.c. */
#pragma once
#include "compute/forest.h"

static void walk(const Forest *forest, const Packed *tokens, double *sum)
{
  const int64_t last = ((int64_t)1 << forest->levels) - 1;
  for (int64_t t = 0; t < tokens->rows; t++) {
    const float *x = tokens->x + t / PANEL * PANEL * tokens->d + t % PANEL;
    for (int64_t r = 0; r < forest->trees; r++) {
      const Fork *fork = forest->fork + (r << forest->levels);
      int64_t i = 0;
      while (i < last) i = 2 * i + 1 + (x[fork[i].dimension * PANEL] >= fork[i].cut);
      sum[t] -= forest->leaf[(r << forest->levels) + i - last];
    }
  }
}
