/* Vectors as whole numbers, a panel at a time: plain loops over the lanes of a panel, which every
   backend compiles for its own CPU. Included by its files only. */
#pragma once
#include "base/array.h"
#include "compute/backend.h"
#include <math.h>

/* Transposed, centred, with signs turned; the squared norms on the way. */
static inline void grid_load(const GridPanel *P)
{
  enum { PART = 16 };
  for (int l = 0; l < PANEL; l++) P->square[l] = 0.0f;
  for (int64_t i0 = 0; i0 < P->length; i0 += PART) {
    float *restrict w = P->work + i0 * PANEL;
    const int64_t end = min_i64(PART, P->length - i0), there = min_i64(PART, P->d - i0);
    for (int64_t l = 0; l < P->count; l++) {
      const float *x = P->x[l] + i0, *sign = P->sign + i0;
      if (P->mean)
        for (int64_t i = 0; i < there; i++) w[i * PANEL + l] = (x[i] - P->mean[i0 + i]) * sign[i];
      else
        for (int64_t i = 0; i < there; i++) w[i * PANEL + l] = x[i] * sign[i];
      for (int64_t i = max_i64(there, 0); i < end; i++) w[i * PANEL + l] = 0.0f;
    }
    for (int64_t i = 0; i < end; i++)
      for (int64_t l = P->count; l < PANEL; l++) w[i * PANEL + l] = 0.0f;
    for (int64_t i = 0; i < end; i++)
      for (int l = 0; l < PANEL; l++) P->square[l] += w[i * PANEL + l] * w[i * PANEL + l];
  }
}

/* One stage of the transforms: (a, b) becomes (a + b, a - b) for elements h apart. */
static inline void grid_stage(const GridPanel *P, int64_t h)
{
  for (int64_t i = 0; i < P->length; i += 2 * h) {
    for (int64_t j = i; j < i + h; j++) {
      float *restrict a = P->work + j * PANEL, *restrict b = P->work + (j + h) * PANEL;
      for (int l = 0; l < PANEL; l++) {
        const float u = a[l], v = b[l];
        a[l] = u + v;
        b[l] = u - v;
      }
    }
  }
}

/* The unit of each lane, and what divides by it; 0 where the vector has no finite norm. The norm of
   16-bit numbers stays below 46,000: of a square that float32 hardly holds, by the largest. */
static inline void grid_units(const GridPanel *P, float *restrict per)
{
  float most[PANEL] = {0};
  for (int64_t i = 0; i < P->length; i++) {
    const float *restrict w = P->work + i * PANEL;
    for (int l = 0; l < PANEL; l++) {
      const float size = fabsf(w[l]);
      most[l] = size > most[l] ? size : most[l];
    }
  }
  for (int l = 0; l < PANEL; l++) {
    float unit = most[l] / (float)P->most;
    const float square = P->square[l] * (float)P->block, length = sqrtf((float)P->length);
    const float norm = (square > 1e-30f ? sqrtf(square) : most[l] * length) / 45900.0f;
    if (P->bytes == 2 && norm > unit) unit = norm;
    if (unit < 0x1p-100f) unit = 0x1p-100f;
    const bool good = P->square[l] < 1e36f;
    P->unit[l] = good ? unit : 0.0f;
    per[l] = good ? 1.0f / unit : 0.0f;
  }
}

/* Element i as whole numbers, their remainders squared on the way. */
static inline void grid_round(const GridPanel *P, const float *restrict per, int64_t i,
                              int32_t *restrict q)
{
  const float *restrict w = P->work + i * PANEL, *restrict unit = P->unit;
  float *restrict rest = P->rest;
  for (int l = 0; l < PANEL; l++) {
    const float x = unit[l] > 0 ? w[l] : 0.0f, y = x * per[l];
    q[l] = (int32_t)(y + (y < 0 ? -0.5f : 0.5f));
    const float r = x - (float)q[l] * unit[l];
    rest[l] += r * r;
  }
}

static void grid_write(const GridPanel *P)
{
  float per[PANEL];
  int32_t q[4][PANEL];
  grid_load(P);
  for (int64_t h = 1; h < P->block; h *= 2) grid_stage(P, h);
  grid_units(P, per);
  for (int l = 0; l < PANEL; l++) P->rest[l] = 0.0f;
  for (int64_t i = 0; i < P->length; i += 4) {
    for (int r = 0; r < 4; r++) grid_round(P, per, i + r, q[r]);
    uint32_t *restrict to = P->to + i * P->bytes / 4 * PANEL;
    if (P->bytes == 1) {
      for (int r = 0; r < 4; r++)
        for (int l = 0; l < PANEL; l++) q[r][l] += P->shift;
      for (int l = 0; l < PANEL; l++)
        to[l] = ((uint32_t)q[0][l] & 255u) | ((uint32_t)q[1][l] & 255u) << 8 |
                ((uint32_t)q[2][l] & 255u) << 16 | (uint32_t)q[3][l] << 24;
    } else {
      for (int l = 0; l < PANEL; l++)
        to[l] = ((uint32_t)q[0][l] & 65535u) | (uint32_t)q[1][l] << 16;
      for (int l = 0; l < PANEL; l++)
        to[PANEL + l] = ((uint32_t)q[2][l] & 65535u) | (uint32_t)q[3][l] << 16;
    }
  }
}
