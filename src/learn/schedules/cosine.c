/* The learning rate falls as half a cosine after the warm-up. */
#include "learn/train.h"
#include "base/math.h"

typedef struct {
  Share warmup;
} Cosine;

static const Param params[] = {
    {"warmup", PARAM_SHARE, offsetof(Cosine, warmup), "0", 0, 1e12,
     "linear rise from 0, in steps or in % of all steps"},
    {0},
};

static double factor(const void *settings, int64_t step, int64_t steps)
{
  const Share *warmup = &((const Cosine *)settings)->warmup;
  const int64_t rise = steps_of_share(warmup, steps);
  if (step < rise) return warmup_factor(warmup, step, steps);
  return 0.5 * (1 + math_cos(3.141592653589793 * (double)(step - rise) / (double)(steps - rise)));
}

const Schedule schedule_cosine = {
    .entry = {"cosine", "falls to 0 as half a cosine",
              "Loshchilov & Hutter 2017, arXiv:1608.03983, eq. (5), one period", params,
              sizeof(Cosine)},
    .factor = factor,
};
