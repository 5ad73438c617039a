/* No penalty, or that of the short form `l1`. */
#include "learn/sparsity.h"

static Penalty penalty(const void *params, bool thresholds, double l0, double weight, double rise)
{
  (void)params, (void)thresholds, (void)l0, (void)weight, (void)rise;
  return (Penalty){0};
}

static const Share *warmup(const void *params)
{
  static const Share none;
  (void)params;
  return &none;
}

const Sparsity sparsity_none = {
    .entry = {"none", "no penalty but that of the short form l1", NULL, NULL, 0},
    .penalty = penalty,
    .warmup = warmup,
};
