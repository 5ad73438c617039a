/* Kernels of codes by pursuit, for ref.c, after its dot64. */
#pragma once
#include "pursuit.h"

static void products64(int64_t p, const int32_t *index, int64_t d, const float *D, int64_t ldD,
                       const float *x, double *Q, double *b, double *work)
{
  (void)work;
  for (int64_t i = 0; i < p; i++) {
    b[i] = dot64(d, D + index[i] * ldD, x);
    for (int64_t j = 0; j < p; j++) Q[i * p + j] = dot64(d, D + index[i] * ldD, D + index[j] * ldD);
  }
}
