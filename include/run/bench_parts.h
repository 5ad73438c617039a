/* The kernels that a method's work is made of, each timed at the sizes that the method has. */
#pragma once
#include "run/bench_task.h"

typedef struct BenchParts BenchParts;

/* BenchPartsCreate - none was timed yet. BenchPartsDestroy takes NULL too. Not collective. */
PetscErrorCode BenchPartsCreate(BenchRun *run, BenchParts **parts);
PetscErrorCode BenchPartsDestroy(BenchParts **parts);
/*
  BenchPartTime - what one call of a kernel for a token takes

  Not collective.

  in   task     whose tokens are read, for read_tokens
  in   part     the kernel and its sizes
  out  seconds  of a token, in thread time
  out  rate     of the multiply-add peak beside it

  A kernel at sizes that were not timed before gets a row of the table, beside what its operations
  would take at the multiply-add peak (float64 counted twice), or its bytes from memory.
*/
PetscErrorCode BenchPartTime(BenchParts *parts, const Task *task, const WorkPart *part,
                             double *seconds, double *rate);
/* Names of the rows. */
#define BENCH_PARTS                                                                                \
  "read_tokens", "less_shift", "square64", "subtract64", "subtract64 row", "scores", "combine",    \
      "distances64", "sum_products", "descend", "solve_sets", "exp64", "select_top", "walk"
