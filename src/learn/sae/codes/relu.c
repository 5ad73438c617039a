/* Keeps all positive scores; a penalty makes them few. */
#include "learn/penalty.h"

static const Param params[] = {
    PENALTY_PARAMS(PenaltyParams),
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  (void)all;
  return penalty_check(settings, path);
}

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

const SAECode sae_code_relu = {
    .entry = {"relu", "keep all positive scores, with an L1 penalty weighted by the atoms' norms",
              "Bricken et al. 2023, Towards Monosemanticity; norm-weighted as in Anthropic's "
              "update of April 2024",
              params, sizeof(PenaltyParams), .check = check},
    .forward = forward,
    .most = every_atom,
    .start = penalty_begin,
    .l1 = penalty_l1,
    .numbers = penalty_numbers,
    .stepped = penalty_stepped,
};
