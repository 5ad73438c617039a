/* The learning rate falls linearly to 0 after the warm-up. */
#include "learn/train.h"

typedef struct {
  Share warmup;
} Linear;

static const Param params[] = {
    {"warmup", PARAM_SHARE, offsetof(Linear, warmup), "0", 0, 1e12,
     "linear rise from 0, in steps or in % of all steps"},
    {0},
};

static double factor(const void *settings, int64_t step, int64_t steps)
{
  const Share *warmup = &((const Linear *)settings)->warmup;
  const int64_t rise = steps_of_share(warmup, steps);
  return step < rise ? warmup_factor(warmup, step, steps)
                     : (double)(steps - step) / (double)(steps - rise);
}

const Schedule schedule_linear = {
    .entry = {"linear", "falls linearly to 0", NULL, params, sizeof(Linear)},
    .factor = factor,
};
