/* Vectors of 16 bytes, as every CPU has them, for the small loops of classical methods. Numbers
   need not lie on 16 bytes. */
#pragma once
#include <stdint.h>

typedef double Lanes __attribute__((vector_size(16), aligned(8)));
typedef int64_t Mask __attribute__((vector_size(16), aligned(8)));
typedef float FloatLanes __attribute__((vector_size(16), aligned(4)));
typedef int32_t FloatMask __attribute__((vector_size(16), aligned(4)));

/* The larger of x and + 0; 0 for NaN. */
static inline Lanes above_zero(Lanes x)
{
  return (Lanes)((Mask)x & (x > 0.0));
}
