/* Populations whose truth is known: values of pairs of runs, and dictionaries made of planted
   parts. Everything is a function of the number of the draw. */
#pragma once
#include "base/math.h"
#include "base/random.h"
#include "compare/pair.h"
#include <math.h>
#include <string.h>

enum { PLANTED_RUNS = 16 }; /* runs at most */

static inline double planted_normal(uint64_t what, uint64_t draw, int64_t index)
{
  return random_normal(1000 + what, RANDOM_LAST, draw * 1024 + (uint64_t)index);
}

static inline double planted_uniform(uint64_t what, uint64_t draw, int64_t index)
{
  return random_uniform(1000 + what, RANDOM_LAST, draw * 1024 + (uint64_t)index);
}

/* Mean 0 and variance 1, with a long tail to the right: exponential. */
static inline double planted_skewed(uint64_t what, uint64_t draw, int64_t index)
{
  return -1 - math_log(1 - planted_uniform(what, draw, index));
}

typedef enum { PLANTED_NORMAL, PLANTED_SKEWED, PLANTED_BASINS, PLANTED_KINDS } PlantedKind;

/* h [S x S] with expectation 0. Normal and skewed: h_ij = a_i + a_j + e_ij, var a = lambda, var e =
   1. Basins: runs fall into one of two with probability 1/2; alike they have 1, else -1, and e has
   variance lambda. */
static inline void planted_pairs(PlantedKind kind, int64_t S, double lambda, uint64_t what,
                                 uint64_t draw, double *h)
{
  double (*number)(uint64_t, uint64_t, int64_t) =
      kind == PLANTED_SKEWED ? planted_skewed : planted_normal;
  double a[PLANTED_RUNS];
  for (int64_t i = 0; i < S; i++)
    a[i] = kind == PLANTED_BASINS ? (planted_uniform(what, draw, 512 + i) < .5 ? 1 : -1)
                                  : sqrt(lambda) * number(what, draw, 512 + i);
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) {
      const double e = number(what, draw, i * PLANTED_RUNS + j);
      h[i * S + j] = kind == PLANTED_BASINS ? a[i] * a[j] + sqrt(lambda) * e : a[i] + a[j] + e;
    }
}

/* A random direction [d] with a name. */
static inline void planted_direction(uint64_t name, int64_t d, double length, float *row)
{
  for (int64_t k = 0; k < d; k++)
    row[k] += (float)(length * random_normal(7, RANDOM_LAST, name * 4096 + (uint64_t)k) /
                      sqrt((double)d));
}

/* The shares of matched pairs with a cosine of .7 or more of n dictionaries unit [n x m x d], by
   the program's own comparison: h [n x n] above the diagonal. */
static inline PetscErrorCode PlantedShares(const Kernels *kernels, int64_t n, int64_t m, int64_t d,
                                           const float *unit, double *h)
{
  ChosenComparison chosen[2] = {0};
  PetscFunctionBeginUser;
  for (int i = 0; comparisons.entries[i]; i++)
    if (!strcmp(comparisons.entries[i]->name, "matched_share"))
      chosen[0].comparison = (const Comparison *)comparisons.entries[i];
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++)
      PetscCall(PairValues(kernels, (Atoms){m, d, unit + i * m * d},
                           (Atoms){m, d, unit + j * m * d}, chosen, &h[i * n + j]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* S dictionaries of m atoms: each keeps each of m directions with probability keep, at a cosine of
   about .95 between runs, and draws others. So a pair shares keep^2 of them. */
static inline void planted_kept(uint64_t draw, double keep, int64_t S, int64_t m, int64_t d,
                                float *D)
{
  memset(D, 0, (size_t)(S * m * d) * sizeof(*D));
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = 0; j < m; j++) {
      float *row = D + (i * m + j) * d;
      const uint64_t own = 1000 + (draw * PLANTED_RUNS + (uint64_t)i) * (uint64_t)m + (uint64_t)j;
      const bool kept = random_uniform(8, RANDOM_LAST, own) < keep;
      if (kept) planted_direction((uint64_t)j, d, sqrt(.95), row);
      planted_direction(own, d, kept ? sqrt(.05) : 1, row);
    }
}

/* Shares of atoms that each set of seeds decides (bit 0 init, 1 data, 2 anchors). */
static const double planted_effect[8] = {.3, .2, .1, .15, .05, .05, .05, .1};

/* Five runs of m atoms: a block (i,d,a), (i',d,a), (i,d',a), (i,d,a'), (i',d',a'). Each atom is
   decided by a random set of seeds, and stays while they do. */
static const int planted_seed[5][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}};
static inline void planted_block(uint64_t block, int64_t m, int64_t d, float *D)
{
  memset(D, 0, (size_t)(5 * m * d) * sizeof(*D));
  for (int64_t j = 0; j < m; j++) {
    const uint64_t atom = block * (uint64_t)m + (uint64_t)j;
    double left = random_uniform(9, RANDOM_LAST, atom);
    int set = 0;
    while (set < 7 && left >= planted_effect[set]) left -= planted_effect[set++];
    for (int r = 0; r < 5; r++) {
      uint64_t name = 0;
      for (int p = 0; p < 3; p++) name |= (uint64_t)(set >> p & planted_seed[r][p]) << p;
      planted_direction((atom << 3 | name) + 1000000, d, 1, D + (r * m + j) * d);
    }
  }
}
