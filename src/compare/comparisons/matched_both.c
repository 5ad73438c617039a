/* The matched cosine of atoms and encoder rows together: unit atom and unit encoder row side by
   side make a vector of length sqrt(2), and the cosine of two of these is the mean of the two. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  (void)params;
  return (double)pair->both.sum * 0x1p-30 / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_matched_both = {
    .entry = {.name = "matched_both",
              .summary = "mean over matched atoms of the mean cosine of atom and encoder row",
              .cite = "after Paulo and Belrose 2025, arXiv:2501.16615"},
    .needs = NEED_BOTH,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
