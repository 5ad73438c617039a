/* One reconstruction from all active atoms. */
#include "learn/sae.h"

static const Param params[] = {
    GOAL_LOSS(GoalLoss),
    {0},
};

static void levels(const void *settings, int64_t m, int64_t k, SAELevels *out)
{
  (void)k;
  *out = (SAELevels){
      .count = 1, .bound = {m}, .weight = {1}, .relative = ((const GoalLoss *)settings)->loss};
}

const SAEGoal sae_goal_plain = {
    .entry = {"plain", "the squared error of one reconstruction from all active atoms", NULL,
              params, sizeof(GoalLoss)},
    .levels = levels,
};
