/* A penalty that leads to a wanted number of codes. */
#include "learn/sparsity.h"

typedef struct {
  double l0, weight, rate;
  Share warmup;
} Target;

static const Param params[] = {
    {"l0", PARAM_REAL, offsetof(Target, l0), "32", 0, 1e9, "codes a token that are wanted",
     .open_min = true},
    {"weight", PARAM_REAL, offsetof(Target, weight), "1e-3", 0, 1e6,
     "of (L0/target - 1)^2 where the code has thresholds; else the weight of L1 at the start",
     .open_min = true},
    {"rate", PARAM_REAL, offsetof(Target, rate), "0.01", 0, 1,
     "greatest share by which a step changes the weight of L1"},
    {"warmup", PARAM_SHARE, offsetof(Target, warmup), "0", 0, 1e12,
     "linear rise of the weight from 0, in steps or in % of all steps"},
    {0},
};

static double start(const void *settings)
{
  return ((const Target *)settings)->weight;
}

static Penalty penalty(const void *settings, bool thresholds, double l0, double weight, double rise)
{
  const Target *target = settings;
  const double off = l0 / target->l0 - 1, by = target->weight * rise;
  if (!thresholds) return (Penalty){.l1 = weight * rise};
  return (Penalty){.slope = 2 * by * off / target->l0, .loss = by * off * off};
}

static double adapt(const void *settings, double l0, double weight)
{
  const Target *target = settings;
  const double off = l0 / target->l0 - 1;
  return weight * (1 + target->rate * (off > 1 ? 1 : off < -1 ? -1 : off));
}

static const Share *warmup(const void *settings)
{
  return &((const Target *)settings)->warmup;
}

const Sparsity sparsity_target = {
    .entry =
        {"target",
         "leads to a wanted number of codes: thresholds by (L0/target - 1)^2, other codes by a "
         "weight of L1 that rises while they are too many",
         "Rajamanoharan et al. 2024, arXiv:2407.14435, section 6, for thresholds; Costa et al. "
         "2025, arXiv:2506.03093, for adaptive L1 without its law",
         params, sizeof(Target)},
    .adapts = true,
    .start = start,
    .penalty = penalty,
    .adapt = adapt,
    .warmup = warmup,
};
