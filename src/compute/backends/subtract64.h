/* OUT -= A B in float64, the same plain arithmetic for all kernel sets: each includes this and is
   compiled for its CPU. A product is rounded before it is subtracted, so no instruction of any CPU
   can make a difference. */
#pragma once
#include "native.h"
#include <stdint.h>

typedef double Lanes64 __attribute__((vector_size(NATIVE), aligned(8)));
enum { LANES64 = NATIVE / 8 };

/* rows of OUT by `vectors` times LANES64 columns. */
__attribute__((always_inline)) static inline void
subtract64_tile(const int rows, const int vectors, int64_t p, const double *A, int64_t ldA,
                const double *B, int64_t ldB, const int32_t *index, double *OUT, int64_t ldOUT)
{
  Lanes64 t[4][4];
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) t[r][v] = *(const Lanes64 *)(OUT + r * ldOUT + LANES64 * v);
  for (int64_t q = 0; q < p; q++) {
    const double *b = B + (index ? index[q] : q) * ldB;
    Lanes64 x[4];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) x[v] = *(const Lanes64 *)(b + LANES64 * v);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) t[r][v] -= A[r * ldA + q] * x[v];
  }
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) *(Lanes64 *)(OUT + r * ldOUT + LANES64 * v) = t[r][v];
}

/* What is left over of d columns. */
static inline void subtract64_rest(int64_t rows, int64_t p, int64_t d, const double *A, int64_t ldA,
                                   const double *B, int64_t ldB, const int32_t *index, double *OUT,
                                   int64_t ldOUT)
{
  for (int64_t r = 0; r < rows && d > 0; r++)
    for (int64_t q = 0; q < p; q++)
      for (int64_t i = 0; i < d; i++)
        OUT[r * ldOUT + i] -= A[r * ldA + q] * B[(index ? index[q] : q) * ldB + i];
}

static void subtract64(int64_t m, int64_t p, int64_t d, const double *A, int64_t ldA,
                       const double *B, int64_t ldB, const int32_t *index, double *OUT,
                       int64_t ldOUT)
{
  int64_t j = 0;
  for (; j + 4 <= m; j += 4, A += 4 * ldA, OUT += 4 * ldOUT) {
    int64_t i = 0;
    for (; i + 2 * LANES64 <= d; i += 2 * LANES64)
      subtract64_tile(4, 2, p, A, ldA, B + i, ldB, index, OUT + i, ldOUT);
    for (; i + LANES64 <= d; i += LANES64)
      subtract64_tile(4, 1, p, A, ldA, B + i, ldB, index, OUT + i, ldOUT);
    subtract64_rest(4, p, d - i, A, ldA, B + i, ldB, index, OUT + i, ldOUT);
  }
  for (; j < m; j++, A += ldA, OUT += ldOUT) {
    int64_t i = 0;
    for (; i + 4 * LANES64 <= d; i += 4 * LANES64)
      subtract64_tile(1, 4, p, A, ldA, B + i, ldB, index, OUT + i, ldOUT);
    for (; i + LANES64 <= d; i += LANES64)
      subtract64_tile(1, 1, p, A, ldA, B + i, ldB, index, OUT + i, ldOUT);
    subtract64_rest(1, p, d - i, A, ldA, B + i, ldB, index, OUT + i, ldOUT);
  }
}
