/* The learning rate stays for a while after the warm-up, then falls linearly to 0. */
#include "learn/train.h"
#include "base/array.h"

typedef struct {
  Share warmup, decay;
} ConstantLinear;

static const Param params[] = {
    {"warmup", PARAM_SHARE, offsetof(ConstantLinear, warmup), "0", 0, 1e12,
     "linear rise from 0, in steps or in % of all steps"},
    {"decay", PARAM_SHARE, offsetof(ConstantLinear, decay), "20%", 0, 1e12,
     "linear fall to 0 at the end, in steps or in % of all steps"},
    {0},
};

static double factor(const void *settings, int64_t step, int64_t steps)
{
  const ConstantLinear *schedule = settings;
  const int64_t left = steps - steps_of_share(&schedule->warmup, steps),
                fall = min_i64(max_i64(left, 0), steps_of_share(&schedule->decay, steps));
  const double rise = warmup_factor(&schedule->warmup, step, steps);
  return fall > 0 && step >= steps - fall ? rise * (double)(steps - step) / (double)fall : rise;
}

const Schedule schedule_constant_linear = {
    .entry = {"constant_linear", "the same learning rate, then a linear fall to 0",
              "MSAE's published training, arXiv:2502.20578: constant for 80 % of the steps", params,
              sizeof(ConstantLinear)},
    .factor = factor,
};
