/* How fast the kernels are on this machine, beside limits measured in the same run. */
#pragma once
#include "base/table.h"
#include "compute/kernels.h"

/*
  BenchKernels - times every kernel of a set on one core: best of several rounds of about 0.1 s

  Not collective.

  in   rows   only rows whose name holds this word; NULL: all
  out  table  row, size, time_us (for each token or unit), rate, unit, limit, limit_rate, ratio
  (rate over limit)
*/
PetscErrorCode BenchKernels(const Kernels *kernels, const char *rows, Table **table);
