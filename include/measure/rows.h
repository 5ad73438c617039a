/* Small helpers over rows of floats, shared by metrics and comparisons. */
#pragma once
#include "base/exact.h"
#include "compute/kernels.h"

/* unit_rows - U[i] = X[i] / |X[i]| for n rows of d floats: norm by lane64 in float64, each quotient
   rounded once to float32; a row whose norm is 0 or not finite becomes 0. U may be X. Not
   collective. */
void unit_rows(const Kernels *kernels, int64_t n, int64_t d, const float *X, float *U);

/* exact_columns - adds the n values of each column of X [n x d] to its exact sum, sums[d]. n at
   most 2^20. Not collective. */
void exact_columns(int64_t n, int64_t d, const float *X, Exact *sums);
