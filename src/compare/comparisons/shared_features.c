/* Share of atoms found again by atom and by encoder row: both optimal matchings give the same
   partner, and both cosines reach a threshold. */
#include "compare/comparison.h"

typedef struct {
  double t;
} Params;

static double value(const AtomPair *pair, const void *params)
{
  const double t = params ? ((const Params *)params)->t : .7;
  int64_t shared = 0;
  for (int64_t i = 0; i < pair->a.m; i++) {
    const int64_t j = pair->atoms.partner[i];
    shared += j >= 0 && j == pair->encoder.partner[i] && (double)pair->atoms.cosine[i] >= t &&
              (double)pair->encoder.cosine[i] >= t;
  }
  return (double)shared / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_shared_features = {
    .entry = {.name = "shared_features",
              .summary = "share of atoms whose matchings by atom and by encoder row agree, both "
                         "cosines at least t",
              .cite = "Paulo and Belrose 2025, arXiv:2501.16615",
              .params = (const Param[]){{"t", PARAM_REAL, offsetof(Params, t), "0.7", -1, 1,
                                         "the least cosine that counts"},
                                        {0}},
              .params_size = sizeof(Params)},
    .needs = NEED_MATCHING | NEED_ENCODER,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
