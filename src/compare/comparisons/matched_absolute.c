/* Mean |cosine| over the one-to-one matching for which that is largest. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  (void)params;
  return (double)pair->absolute.sum * 0x1p-30 / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_matched_absolute = {
    .entry = {.name = "matched_absolute",
              .summary = "mean |cosine| of atoms matched one to one so that it is largest",
              .cite = "the PW-MCC of Song et al. 2025, arXiv:2505.20254, on raw atoms"},
    .needs = NEED_ABSOLUTE,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_ORDER,
    .value = value,
};
