/* The matched cosine of the encoder's rows, matched among themselves. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  (void)params;
  return (double)pair->encoder.sum * 0x1p-30 / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_matched_encoder = {
    .entry = {.name = "matched_encoder",
              .summary = "mean cosine of encoder rows matched one to one so that it is largest",
              .cite = "Paulo and Belrose 2025, arXiv:2501.16615"},
    .needs = NEED_ENCODER,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
