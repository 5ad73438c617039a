/* A penalty on the sum of the codes, weighted by the norms of their atoms. */
#include "learn/sparsity.h"

typedef struct {
  double weight;
  Share warmup;
} L1;

static const Param params[] = {
    {"weight", PARAM_REAL, offsetof(L1, weight), "1e-3", 0, 1e6,
     "weight of the mean over tokens of sum_j z_j |D_j|"},
    {"warmup", PARAM_SHARE, offsetof(L1, warmup), "0", 0, 1e12,
     "linear rise of the weight from 0, in steps or in % of all steps"},
    {0},
};

static Penalty penalty(const void *params_now, bool thresholds, double l0, double weight,
                       double rise)
{
  const L1 *settings = params_now;
  (void)thresholds, (void)weight, (void)l0;
  return (Penalty){.l1 = settings->weight * rise};
}

static const Share *warmup(const void *settings)
{
  return &((const L1 *)settings)->warmup;
}

const Sparsity sparsity_l1 = {
    .entry = {"l1", "a penalty on the sum of the codes, weighted by the norms of their atoms",
              "Bricken et al. 2023, Towards Monosemanticity; weighted as in Anthropic's update of "
              "April 2024",
              params, sizeof(L1)},
    .of_number = false,
    .penalty = penalty,
    .warmup = warmup,
};
