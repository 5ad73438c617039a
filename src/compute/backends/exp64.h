/* math_exp of many numbers, operation by operation; included by each kernel set and compiled for
   its CPU. */
#pragma once
#include "base/math.h"
#include "native.h"
#include <stdint.h>
#include <string.h>

typedef double Exp64 __attribute__((vector_size(NATIVE), aligned(8)));
typedef int64_t Whole64 __attribute__((vector_size(NATIVE)));
typedef int32_t Whole32 __attribute__((vector_size(NATIVE / 2)));
enum { EXP_LANES = NATIVE / 8 };

/* 2^k, -1022 <= k <= 1023 */
static inline Exp64 exp64_power(Whole32 k)
{
  return (Exp64)(__builtin_convertvector(k + 1023, Whole64) << 52);
}

/* Of four vectors of -745 to 709, side by side, as each operation waits for the one before. */
static inline void exp64_lanes(Exp64 *v)
{
  static const double term[] = {1.0 / 479001600.0,
                                1.0 / 39916800.0,
                                1.0 / 3628800.0,
                                1.0 / 362880.0,
                                1.0 / 40320.0,
                                1.0 / 5040.0,
                                1.0 / 720.0,
                                1.0 / 120.0,
                                1.0 / 24.0,
                                1.0 / 6.0,
                                0.5};
  const Exp64 half = (Exp64){0} + 0.5;
  Exp64 r[4], s[4];
  Whole32 k[4];
#pragma GCC unroll 4
  for (int q = 0; q < 4; q++) {
    const Exp64 t = v[q] * 0x1.71547652b82fep+0, below = (Exp64)((Whole64)half & (t < 0));
    k[q] = __builtin_convertvector(t + (half - (below + below)), Whole32);
    const Exp64 n = __builtin_convertvector(k[q], Exp64);
    r[q] = (v[q] - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    s[q] = r[q] - r[q] + 1.0 / 6227020800.0;
  }
#pragma GCC unroll 11
  for (int i = 0; i < 11; i++)
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) s[q] = s[q] * r[q] + term[i];
#pragma GCC unroll 4
  for (int q = 0; q < 4; q++) {
    const Exp64 e = 1.0 + (r[q] + r[q] * r[q] * s[q]);
    v[q] = e * exp64_power(k[q] / 2) * exp64_power(k[q] - k[q] / 2);
  }
}

/* Four vectors at a time, the last ones filled up with 0; those that are out of range of
   exp64_lanes one by one. */
static void exp64(int64_t count, const double *x, double *y)
{
  for (int64_t i = 0; i < count; i += 4 * EXP_LANES) {
    const int64_t here = count - i < 4 * EXP_LANES ? count - i : 4 * EXP_LANES;
    Exp64 v[4] = {{0}};
    Whole64 out = {0};
    int64_t any = 0;
    if (here == 4 * EXP_LANES)
      memcpy(v, x + i, sizeof(v));
    else
      memcpy(v, x + i, (size_t)here * sizeof(*x));
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) out |= ~((v[q] >= -745.0) & (v[q] <= 709.0));
    for (int l = 0; l < EXP_LANES; l++) any |= out[l];
    if (!any) {
      exp64_lanes(v);
      memcpy(y + i, v, here == 4 * EXP_LANES ? sizeof(v) : (size_t)here * sizeof(*y));
    } else {
      for (int64_t l = 0; l < here; l++) y[i + l] = math_exp(x[i + l]);
    }
  }
}
