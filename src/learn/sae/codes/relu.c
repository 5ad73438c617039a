/* Keeps all positive scores; an L1 penalty makes them few. */
#include "learn/sae.h"

typedef struct {
  double l1;
} ReLU;

static const Param params[] = {
    {"l1", PARAM_REAL, offsetof(ReLU, l1), "1e-3", 0, 1e6,
     "weight of the mean over tokens of sum_j z_j |D_j|"},
    {0},
};

static void forward(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                    const float *S, Codes *codes)
{
  (void)now;
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[codes->rows];
    codes->start[codes->rows + 1] =
        at + kernels->select_positive(m, S + t * m, codes->atom + at, codes->value + at);
    codes->rows++;
  }
}

static int64_t most(const CodeNow *now, int64_t m)
{
  (void)now;
  return m;
}

static double l1(const void *settings)
{
  return ((const ReLU *)settings)->l1;
}

const SAECode sae_code_relu = {
    .entry = {"relu", "keep all positive scores, with an L1 penalty weighted by the atoms' norms",
              "Bricken et al. 2023, Towards Monosemanticity; norm-weighted as in Anthropic's "
              "update of April 2024",
              params, sizeof(ReLU)},
    .forward = forward,
    .most = most,
    .l1 = l1,
};
