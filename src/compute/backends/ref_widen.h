/* Half precision and bfloat16 by plain loops; a part of ref.c. */
#pragma once
#include <stdint.h>
#include <string.h>

static float from_bits(uint32_t bits)
{
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

static uint32_t to_bits(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}

static bool widen_half(int64_t count, const uint16_t *from, float *to)
{
  bool finite = true;
  for (int64_t i = 0; i < count; i++) {
    const uint32_t sign = (uint32_t)(from[i] & 0x8000u) << 16, size = from[i] & 0x7fffu;
    finite &= size < 0x7c00u;
    uint32_t bits = (size << 13) + (112u << 23);                /* normal */
    if (size >= 0x7c00u) bits = (size << 13) | 0x7f800000u;     /* infinity, NaN */
    if (size < 0x0400u) bits = to_bits((float)size * 0x1p-24f); /* 0 and subnormal */
    to[i] = from_bits(bits | sign);
  }
  return finite;
}

static bool widen_bfloat(int64_t count, const uint16_t *from, float *to)
{
  bool finite = true;
  for (int64_t i = 0; i < count; i++) {
    to[i] = from_bits((uint32_t)from[i] << 16);
    finite &= (from[i] & 0x7fffu) < 0x7f80u;
  }
  return finite;
}

static void narrow_half(int64_t count, const float *from, uint16_t *to)
{
  for (int64_t i = 0; i < count; i++) {
    const uint32_t bits = to_bits(from[i]), size = bits & 0x7fffffffu, odd = (size >> 13) & 1u;
    uint32_t half = (size - (112u << 23) + 0x0fffu + odd) >> 13;
    if (size < 0x38800000u) half = to_bits(from_bits(size) + 0.5f) - 0x3f000000u;
    if (size >= 0x477ff000u) half = 0x7c00u; /* 65520 and more */
    if (size > 0x7f800000u) half = 0x7e00u;
    to[i] = (uint16_t)(half | ((bits >> 16) & 0x8000u));
  }
}

static void narrow_bfloat(int64_t count, const float *from, uint16_t *to)
{
  for (int64_t i = 0; i < count; i++) {
    const uint32_t bits = to_bits(from[i]);
    const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    to[i] = (uint16_t)(nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  }
}
