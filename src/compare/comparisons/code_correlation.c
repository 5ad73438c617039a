/* Do matched atoms fire alike? Mean over matched pairs of the correlation of their codes on
   held-out tokens. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  double sum = 0;
  (void)params;
  for (int64_t i = 0; i < pair->a.m; i++)
    if (pair->atoms.partner[i] >= 0)
      sum += code_correlation(pair->a.codes, i, pair->b.codes, pair->atoms.partner[i]);
  return sum / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_code_correlation = {
    .entry = {.name = "code_correlation",
              .summary = "mean correlation of the codes of matched atoms on held-out tokens"},
    .needs = NEED_MATCHING | NEED_CODES,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_ORDER,
    .value = value,
};
