/* Laws of the kernels of a hidden layer: every set gives, bit for bit, what
   include/compute/kernels.h says, number by number. RUN ranks=1 time=300 */
#include "../kernel_values.h"
#include "../tap.h"
#include <math.h>

static bool check_norm(const Kernels *k, int64_t n, int64_t width, int kind)
{
  const int64_t size = n * width;
  const bool in_place = below(2), plain = below(2);
  float *U = hold(fill(size, kind)), *A = in_place ? U : hold(fill(size, PLAIN)),
        *N = hold(fill(size, PLAIN)), *inverse = hold(fill(n, PLAIN)), *u = hold(fill(size, PLAIN));
  const float *gain = hold(fill(width, kind)), *offset = hold(fill(width, PLAIN));
  memcpy(u, U, (size_t)size * sizeof(*u));
  k->layer_norm(n, width, U, gain, offset, plain ? NULL : N, plain ? NULL : inverse, A);
  bool same = true;
  for (int64_t t = 0; t < n; t++) {
    volatile double mean = 0, variance = 0;
    for (int64_t i = 0; i < width; i++) mean += (double)u[t * width + i];
    mean /= (double)width;
    for (int64_t i = 0; i < width; i++) {
      const volatile double off = (double)u[t * width + i] - mean, square = off * off;
      variance += square;
    }
    const volatile double by = 1 / sqrt(variance / (double)width + 1e-5);
    same &= plain || same_float(1, inverse + t, &(float){(float)by});
    for (int64_t i = 0; i < width; i++) {
      const volatile double off = (double)u[t * width + i] - mean;
      const float x = (float)(off * by), a = fmaf(gain[i], x, offset[i]), to = a > 0 ? a : 0;
      same &=
          (plain || same_float(1, N + t * width + i, &x)) && same_float(1, A + t * width + i, &to);
    }
  }
  return same;
}

static bool check_back(const Kernels *k, int64_t n, int64_t width, int kind)
{
  const int64_t size = n * width;
  const float *A = hold(fill(size, PLAIN)), *N = hold(fill(size, kind)),
              *inverse = hold(fill(n, PLAIN)), *gain = hold(fill(width, kind));
  float *by = hold(fill(size, kind)), *by_gain = hold(fill(size, PLAIN)),
        *slope = hold(fill(size, PLAIN)), *r = hold(fill(width, PLAIN)),
        *from = hold(fill(size, PLAIN));
  memcpy(from, by, (size_t)size * sizeof(*by));
  k->layer_back(n, width, A, N, inverse, gain, by, by_gain, slope);
  bool same = true;
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = t * width;
    volatile double mean = 0, along = 0;
    for (int64_t i = 0; i < width; i++) {
      const float s = A[at + i] > 0 ? from[at + i] : 0;
      const volatile float product = s * N[at + i], rest = s * gain[i];
      const float both = product;
      same &= same_float(1, by + at + i, &s) && same_float(1, by_gain + at + i, &both);
      r[i] = rest;
      mean += (double)rest, along += (double)rest * (double)N[at + i];
    }
    mean /= (double)width, along /= (double)width;
    for (int64_t i = 0; i < width; i++) {
      const volatile double part = (double)N[at + i] * along, off = (double)r[i] - mean;
      const float to = (float)((double)inverse[t] * (off - part));
      same &= same_float(1, slope + at + i, &to);
    }
  }
  return same;
}

static void check(const Kernels *k, const char *called)
{
  bool norm = true, back = true;
  counter = 0;
  for (int turn = 0; turn < 200; turn++) {
    const int kind = turn % VALUE_KINDS;
    norm &= check_norm(k, below(30), size_of(200), kind), let_go();
    back &= check_back(k, below(30), size_of(200), kind), let_go();
  }
  OK(norm, "%s: layer_norm, number by number", called);
  OK(back, "%s: layer_back, number by number", called);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  each_backend(check);
  return TestEnd();
}
