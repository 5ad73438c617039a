/* Two numbers of codes at once, so that the code serves at others too. */
#include "learn/goal.h"

typedef struct {
  int loss;
  int64_t factor;
  double weight;
} MultiTopK;

static const Param params[] = {
    {"factor", PARAM_INT, offsetof(MultiTopK, factor), "4", 2, 1e6,
     "times code.k codes are kept by the second reconstruction, at most all"},
    {"weight", PARAM_REAL, offsetof(MultiTopK, weight), "0.125", 0, 1e6,
     "of its error, beside 1 of the first; both are divided by their sum", .open_min = true},
    GOAL_LOSS(MultiTopK),
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  (void)settings;
  *path = "factor";
  return nested_check(all);
}

static void levels(const void *settings, int64_t m, int64_t k, SAELevels *out)
{
  const MultiTopK *multi = settings;
  const int64_t more = min_i64(m, k * multi->factor);
  *out = (SAELevels){.count = 1, .bound = {k, more}, .relative = multi->loss};
  out->count = more > k ? 2 : 1;
  out->weight[0] = out->count == 2 ? 1 / (1 + multi->weight) : 1;
  out->weight[1] = multi->weight / (1 + multi->weight);
  out->k = out->bound[out->count - 1], out->k_evaluation = 0;
}

const SAEGoal sae_goal_multi_topk = {
    .entry = {"multi_topk", "the squared error of k codes, and with less weight that of more codes",
              "Gao et al. 2024, arXiv:2406.04093, section 5.2", params, sizeof(MultiTopK),
              .check = check},
    .levels = levels,
};
