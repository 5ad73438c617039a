/* math_exp of many numbers, operation by operation; included by each kernel set and compiled for
   its CPU. */
#pragma once
#include "base/math.h"
#include <stdint.h>
#include <string.h>

typedef double Exp64 __attribute__((vector_size(64), aligned(8)));
typedef int64_t Whole64 __attribute__((vector_size(64)));
typedef int32_t Whole32 __attribute__((vector_size(32)));

/* 2^k, -1022 <= k <= 1023 */
static inline Exp64 exp64_power(Whole32 k)
{
  return (Exp64)(__builtin_convertvector(k + 1023, Whole64) << 52);
}

/* For x of -745 to 709. */
static inline Exp64 exp64_lanes(Exp64 x)
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
  const Exp64 t = x * 0x1.71547652b82fep+0, half = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5},
              below = (Exp64)((Whole64)half & (t < 0)), away = half - (below + below);
  const Whole32 k = __builtin_convertvector(t + away, Whole32);
  const Exp64 n = __builtin_convertvector(k, Exp64);
  const Exp64 r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
  Exp64 s = r - r + 1.0 / 6227020800.0;
  for (int i = 0; i < 11; i++) s = s * r + term[i];
  const Exp64 e = 1.0 + (r + r * r * s);
  return e * exp64_power(k / 2) * exp64_power(k - k / 2);
}

static void exp64(int64_t count, const double *x, double *y)
{
  for (int64_t i = 0; i < count; i += 8) {
    const int64_t lanes = count - i < 8 ? count - i : 8;
    Exp64 v = {0};
    int whole = 1;
    for (int64_t l = 0; l < lanes; l++) v[l] = x[i + l];
    for (int64_t l = 0; l < lanes; l++) whole &= x[i + l] >= -745 && x[i + l] <= 709;
    if (whole) v = exp64_lanes(v);
    for (int64_t l = 0; l < lanes; l++) y[i + l] = whole ? v[l] : math_exp(x[i + l]);
  }
}
