/* Mean cosine over the optimal one-to-one matching: the stability of Fel et al. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  const int64_t matched = min_i64(pair->a.m, pair->b.m);
  (void)params;
  return matched > 0 ? (double)pair->matched_sum * 0x1p-30 / (double)matched : (double)NAN;
}

const Comparison comparison_matched_cosine = {
    .entry = {.name = "matched_cosine",
              .summary = "mean cosine of atoms matched one to one so that it is largest",
              .cite = "Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .primary = true,
    .value = value,
};
