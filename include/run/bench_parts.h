/* The kernels that a method's work is made of, each timed at the sizes that the method has. */
#pragma once
#include "run/bench_task.h"

typedef struct BenchParts BenchParts;

/* BenchPartsCreate - none has a row yet; read_tokens reads the tokens of a file. BenchPartsDestroy
   takes NULL too. Not collective. */
PetscErrorCode BenchPartsCreate(BenchRun *run, const char *path, BenchParts **parts);
PetscErrorCode BenchPartsDestroy(BenchParts **parts);
/*
  BenchPartsTime - a method's work and the kernels that it is made of, in turns

  Not collective.

  in   work     of the method
  in   part     [count] the kernels and their sizes, at most WORK_PARTS + 1
  out  timing   of the work
  out  seconds  [count] of one call of a kernel for a token, in thread time

  A kernel at sizes that were not timed before gets a row of the table, beside what its operations
  would take at the multiply-add peak (float64 counted twice), or its bytes from memory.
*/
PetscErrorCode BenchPartsTime(BenchParts *parts, const BenchWork *work, int count,
                              const WorkPart *part, BenchTiming *timing, double *seconds);
/* Names of the rows. */
#define BENCH_PARTS                                                                                \
  "read_tokens", "less_shift", "square64", "subtract64", "subtract64 row", "scores", "combine",    \
      "distances64", "sum_products", "descend", "solve_sets", "exp64", "select_top", "walk"
