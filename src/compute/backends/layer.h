/* Layer norm with what follows it, and the way back, for every set of kernels: sums over a row run
   in its order, those of BESIDE rows side by side, as one alone would wait for itself at each
   number. Includers name FMAF. */
#pragma once
#include "native.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

enum {
  BESIDE = 8,
  STRETCH = 64,              /* numbers of a row that go on together */
  BESIDE_LANES = NATIVE / 8, /* rows in a vector */
  BESIDE_PARTS = BESIDE / BESIDE_LANES
};
typedef double Beside64 __attribute__((vector_size(NATIVE)));
typedef float Beside32 __attribute__((vector_size(NATIVE / 2)));

/* Number i of each row of a vector. */
#if defined(__AVX512F__)
#define BESIDE_AT(row, i)                                                                          \
  __builtin_convertvector((Beside32){(row)[0][i], (row)[1][i], (row)[2][i], (row)[3][i],           \
                                     (row)[4][i], (row)[5][i], (row)[6][i], (row)[7][i]},          \
                          Beside64)
#elif defined(__AVX__)
#define BESIDE_AT(row, i)                                                                          \
  __builtin_convertvector((Beside32){(row)[0][i], (row)[1][i], (row)[2][i], (row)[3][i]}, Beside64)
#else
#define BESIDE_AT(row, i) __builtin_convertvector((Beside32){(row)[0][i], (row)[1][i]}, Beside64)
#endif
#define BESIDE_EACH(p) _Pragma("GCC unroll 4") for (int p = 0; p < BESIDE_PARTS; p++)

/* Rows t .. t + BESIDE - 1 of X [n x width], in place of those past the last one this one. */
static inline void beside_rows(int64_t n, int64_t width, int64_t t, const float *X,
                               const float *row[BESIDE])
{
  for (int64_t r = 0; r < BESIDE; r++) row[r] = X + (t + r < n ? t + r : n - 1) * width;
}

/* N (NULL: not wanted) and A of a row u, which A may be. */
static inline void layer_row(int64_t width, const float *u, double mean, double by,
                             const float *restrict gain, const float *restrict offset, float *N,
                             float *A)
{
  for (int64_t at = 0; at < width; at += STRETCH) {
    const int64_t count = width - at < STRETCH ? width - at : STRETCH;
    float x[STRETCH];
    for (int64_t i = 0; i < count; i++) x[i] = (float)(((double)u[at + i] - mean) * by);
    if (N) memcpy(N + at, x, (size_t)count * sizeof(*x));
    for (int64_t i = 0; i < count; i++) {
      const float a = FMAF(gain[at + i], x[i], offset[at + i]);
      x[i] = a > 0 ? a : 0;
    }
    memcpy(A + at, x, (size_t)count * sizeof(*x));
  }
}

static void layer_norm(int64_t n, int64_t width, const float *U, const float *gain,
                       const float *offset, float *N, float *inverse, float *A)
{
  const float *row[BESIDE];
  for (int64_t t = 0; t < n; t += BESIDE) {
    Beside64 mean[BESIDE_PARTS] = {{0}}, variance[BESIDE_PARTS] = {{0}};
    beside_rows(n, width, t, U, row);
    for (int64_t i = 0; i < width; i++)
      BESIDE_EACH(p) mean[p] += BESIDE_AT(row + p * BESIDE_LANES, i);
    BESIDE_EACH(p) mean[p] /= (double)width;
    for (int64_t i = 0; i < width; i++) {
      BESIDE_EACH(p)
      {
        const Beside64 off = BESIDE_AT(row + p * BESIDE_LANES, i) - mean[p];
        variance[p] += off * off;
      }
    }
    for (int64_t r = 0; r < BESIDE && t + r < n; r++) {
      const int64_t at = (t + r) * width;
      const int p = (int)r / BESIDE_LANES, l = (int)r % BESIDE_LANES;
      const double by = 1 / sqrt(variance[p][l] / (double)width + 1e-5);
      layer_row(width, row[r], mean[p][l], by, gain, offset, N ? N + at : NULL, A + at);
      if (inverse) inverse[t + r] = (float)by;
    }
  }
}

/* The elementwise part of a row: slopes of A become those by offset, gain and norm. */
static inline void layer_slopes_row(int64_t width, const float *restrict A, const float *restrict N,
                                    const float *restrict gain, float *restrict offset_slope,
                                    float *restrict gain_slope, float *restrict slope)
{
  for (int64_t i = 0; i < width; i++) {
    const float by = A[i] > 0 ? offset_slope[i] : 0;
    offset_slope[i] = by;
    gain_slope[i] = by * N[i];
    slope[i] = by * gain[i];
  }
}

static inline void layer_rest_row(int64_t width, double by, double mean, double along,
                                  const float *restrict N, float *restrict slope)
{
  for (int64_t i = 0; i < width; i++)
    slope[i] = (float)(by * ((double)slope[i] - mean - (double)N[i] * along));
}

static void layer_back(int64_t n, int64_t width, const float *A, const float *N,
                       const float *inverse, const float *gain, float *offset_slope,
                       float *gain_slope, float *slope)
{
  const float *by[BESIDE], *row[BESIDE];
  for (int64_t t = 0; t < n; t += BESIDE) {
    Beside64 mean[BESIDE_PARTS] = {{0}}, along[BESIDE_PARTS] = {{0}};
    for (int64_t r = t; r < t + BESIDE && r < n; r++)
      layer_slopes_row(width, A + r * width, N + r * width, gain, offset_slope + r * width,
                       gain_slope + r * width, slope + r * width);
    beside_rows(n, width, t, slope, row), beside_rows(n, width, t, N, by);
    for (int64_t i = 0; i < width; i++) {
      BESIDE_EACH(p)
      {
        const Beside64 x = BESIDE_AT(row + p * BESIDE_LANES, i);
        mean[p] += x, along[p] += x * BESIDE_AT(by + p * BESIDE_LANES, i);
      }
    }
    BESIDE_EACH(p) mean[p] /= (double)width, along[p] /= (double)width;
    for (int64_t r = 0; r < BESIDE && t + r < n; r++) {
      const int p = (int)r / BESIDE_LANES, l = (int)r % BESIDE_LANES;
      layer_rest_row(width, (double)inverse[t + r], mean[p][l], along[p][l], by[r],
                     slope + (t + r) * width);
    }
  }
}
