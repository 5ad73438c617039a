/* The sums of the way back through picks, the same plain loops for sets that have none of their
   own: each includes this, after FMAF, and is compiled for its CPU. */
#pragma once
#include "compute/backend.h"
#include <string.h>

/* Columns that are gone back through together: rows of so many columns of all atoms stay in the
   second cache. */
enum { STRIPE = UNROLL_COLUMNS, SOON = 8 }; /* SOON: tokens ahead, whose columns are fetched */

/* The stripe of one token: U and V from what is left, pick by pick. */
static inline void unroll_token(const Unroll *u, int64_t t, int64_t i, int64_t width,
                                const float *rows, float *sum)
{
  float U[STRIPE] = {0}, V[STRIPE] = {0};
  const float *soon = u->e + (t + SOON < u->n ? t + SOON : t) * u->d + i;
  for (int l = 0; l < STRIPE; l += 16) __builtin_prefetch(soon + l);
  for (int64_t l = 0; l < width; l++) U[l] = u->e[t * u->d + i + l], V[l] = -U[l];
  for (int64_t q = u->start[t]; q < u->start[t + 1]; q++) {
    const int64_t j = u->index[q], to = j - u->first;
    const float c = u->c[q], a = u->a[q], by = u->by * a;
    const float *restrict row = rows + j * STRIPE;
    for (int l = 0; l < STRIPE; l++) V[l] = FMAF(c, row[l], V[l]);
    if (to >= 0 && to < u->atoms) {
      float *restrict gu = sum + 2 * to * STRIPE, *restrict gv = gu + STRIPE;
      for (int l = 0; l < STRIPE; l++) gu[l] = FMAF(c, U[l], gu[l]), gv[l] = FMAF(by, V[l], gv[l]);
    }
    for (int l = 0; l < STRIPE; l++) U[l] = FMAF(-a, row[l], U[l]);
  }
}

/* Leaf l has come as part[parts]: it is joined with those before it as often as l ends in ones,
   which is the tree, and at the end (l below 0) all that are left from the last to the first. Gives
   how many are left. */
static int64_t unroll_join(int64_t l, int64_t size, float *part, int64_t parts)
{
  for (parts++; parts > 1 && (l < 0 || l & 1); l >>= 1, parts--) {
    float *restrict to = part + (parts - 2) * size;
    const float *restrict from = part + (parts - 1) * size;
    for (int64_t x = 0; x < size; x++) to[x] += from[x];
  }
  return parts;
}

static void unroll_sums(const Unroll *u, float *GU, float *GV, float *work)
{
  const int64_t d = u->d, size = 2 * u->atoms * STRIPE;
  float *rows = work, *part = work + u->m * STRIPE;
  for (int64_t i = 0; i < d; i += STRIPE) {
    const int64_t width = d - i < STRIPE ? d - i : STRIPE;
    int64_t parts = 0, t = 0;
    memset(rows, 0, (size_t)(u->m * STRIPE) * sizeof(*rows));
    for (int64_t j = 0; j < u->m; j++)
      memcpy(rows + j * STRIPE, u->D + j * d + i, (size_t)width * sizeof(*rows));
    for (int64_t l = 0; l == 0 || t < u->n; l++) {
      const int64_t end = t + LEAF_TOKENS < u->n ? t + LEAF_TOKENS : u->n;
      float *sum = part + parts * size;
      memset(sum, 0, (size_t)size * sizeof(*sum));
      for (; t < end; t++) unroll_token(u, t, i, width, rows, sum);
      for (int64_t x = 0; x < size; x++) sum[x] += 0.0f;
      parts = unroll_join(l, size, part, parts);
    }
    unroll_join(-1, size, part, parts - 1);
    for (int64_t j = 0; j < u->atoms; j++) {
      memcpy(GU + j * d + i, part + 2 * j * STRIPE, (size_t)width * sizeof(*GU));
      memcpy(GV + j * d + i, part + (2 * j + 1) * STRIPE, (size_t)width * sizeof(*GV));
    }
  }
}
