/* Rows of kernels, each called alone on one core. A file of them has a list of BenchKernel, which
   is its bench's `kernels`: a kernel's row is a line of it. */
#pragma once
#include "compute/forest.h"
#include "run/bench.h"

/* What is run, for how many units, and the operations (or bytes) of a unit, by the limit: float64
   operations count twice, since half as many fit in a register. */
struct BenchKernel {
  const char *row, *size, *unit; /* unit NULL: a rate in the limit's own */
  PetscErrorCode (*work)(void *data);
  PetscErrorCode (*prepare)(void *data); /* before the first call; or NULL */
  double units, each;
  Limit limit;
  const char *goal;
};

/* BenchKernelRows - the rows of run->bench->kernels that are asked for, in their order. Not
   collective. */
PetscErrorCode BenchKernelRows(BenchRun *run, void *data);

/* The work of a row, on a file's Data b, by its kernels k. */
#define BENCH_WORK(name, ...)                                                                      \
  static PetscErrorCode name(void *context)                                                        \
  {                                                                                                \
    Data *b = context;                                                                             \
    const Kernels *k = b->kernels;                                                                 \
    PetscFunctionBegin;                                                                            \
    __VA_ARGS__;                                                                                   \
    PetscFunctionReturn(PETSC_SUCCESS);                                                            \
  }

/* BenchNumbers - n of them at random, - 0.5 to 0.5, in fresh memory (ArrayDestroy). BenchPicks - k
   of m rows for each of n tokens, where each token's picks start [n + 1], and the picks [n x k]:
   one of each k-th part of the rows, so that they ascend, or in any order. BenchForest - `forks`
   forks in all of so many trees, of tokens of width d, in BENCH_LEVELS levels: one open end after
   another, chosen at random (ForestDestroy). Not collective. */
enum { BENCH_LEVELS = 8 };
PetscErrorCode BenchNumbers(int64_t n, float **x);
PetscErrorCode BenchPicks(int64_t n, int64_t k, int64_t m, bool ascend, int64_t **start,
                          int32_t **pick);
PetscErrorCode BenchForest(int64_t trees, int64_t forks, int64_t d, Forest **forest);
