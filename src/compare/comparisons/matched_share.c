/* Share of the matched pairs of atoms whose cosine reaches a threshold. */
#include "compare/comparison.h"

typedef struct {
  double t;
} Params;

static double value(const AtomPair *pair, const void *params)
{
  const double t = params ? ((const Params *)params)->t : .7;
  int64_t close = 0;
  for (int64_t i = 0; i < pair->a.m; i++)
    if (pair->atoms.partner[i] >= 0) close += (double)pair->atoms.cosine[i] >= t;
  return (double)close / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_matched_share = {
    .entry = {.name = "matched_share",
              .summary = "share of atoms matched one to one whose cosine is at least t",
              .cite = "Paulo and Belrose 2025, arXiv:2501.16615",
              .params = (const Param[]){{"t", PARAM_REAL, offsetof(Params, t), "0.7", -1, 1,
                                         "the least cosine that counts"},
                                        {0}},
              .params_size = sizeof(Params)},
    .needs = NEED_MATCHING,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
