/* A penalty on the number of codes, which thresholds feel through a kernel. */
#include "learn/sparsity.h"

typedef struct {
  double weight;
  Share warmup;
} L0;

static const Param params[] = {
    {"weight", PARAM_REAL, offsetof(L0, weight), "1e-3", 0, 1e6,
     "weight of the mean over tokens of the number of codes"},
    {"warmup", PARAM_SHARE, offsetof(L0, warmup), "0", 0, 1e12,
     "linear rise of the weight from 0, in steps or in % of all steps"},
    {0},
};

static Penalty penalty(const void *params_now, bool thresholds, double l0, double weight,
                       double rise)
{
  const L0 *settings = params_now;
  (void)thresholds, (void)weight;
  return (Penalty){.slope = settings->weight * rise, .loss = settings->weight * rise * l0};
}

static const Share *warmup(const void *settings)
{
  return &((const L0 *)settings)->warmup;
}

const Sparsity sparsity_l0 = {
    .entry = {"l0", "a penalty on the number of codes, which thresholds feel through a kernel",
              "Rajamanoharan et al. 2024, arXiv:2407.14435, eq. (9)", params, sizeof(L0)},
    .of_number = true,
    .penalty = penalty,
    .warmup = warmup,
};
