/* The learning rate stays as it is after the warm-up. */
#include "learn/train.h"

typedef struct {
  Share warmup;
} Constant;

static const Param params[] = {
    {"warmup", PARAM_SHARE, offsetof(Constant, warmup), "0", 0, 1e12,
     "linear rise from 0, in steps or in % of all steps"},
    {0},
};

static double factor(const void *settings, int64_t step, int64_t steps)
{
  return warmup_factor(&((const Constant *)settings)->warmup, step, steps);
}

const Schedule schedule_constant = {
    .entry = {"constant", "the same learning rate throughout", NULL, params, sizeof(Constant)},
    .factor = factor,
};
