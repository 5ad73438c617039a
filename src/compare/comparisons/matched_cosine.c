/* Mean cosine over the optimal one-to-one matching: the stability of Fel et al. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  (void)params;
  return (double)pair->atoms.sum * 0x1p-30 / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_matched_cosine = {
    .entry = {.name = "matched_cosine",
              .summary = "mean cosine of atoms matched one to one so that it is largest",
              .cite = "Fel et al. 2025, arXiv:2502.12892, appendix C; on raw atoms it is the "
                      "PW-MCC of Song et al. 2025, arXiv:2505.20254"},
    .primary = true,
    .needs = NEED_MATCHING,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
