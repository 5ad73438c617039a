/* Share of the matched pairs of atoms whose cosine is at least 0.7. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  const int64_t matched = min_i64(pair->a.m, pair->b.m);
  int64_t close = 0;
  (void)params;
  for (int64_t i = 0; i < pair->a.m; i++)
    if (pair->partner[i] >= 0)
      close += (double)pair->cosine[i * pair->b.m + pair->partner[i]] >= 0.7;
  return matched > 0 ? (double)close / (double)matched : (double)NAN;
}

const Comparison comparison_matched_share = {
    .entry = {.name = "matched_share",
              .summary = "share of atoms matched one to one with a cosine of at least 0.7",
              .cite = "Paulo and Belrose 2025, arXiv:2501.16615"},
    .value = value,
};
