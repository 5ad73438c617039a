/* Do matched atoms fire on the same tokens? Mean over matched pairs of the tokens on which both
   fire over those on which either does. */
#include "compare/comparison.h"

static double value(const AtomPair *pair, const void *params)
{
  double sum = 0;
  (void)params;
  for (int64_t i = 0; i < pair->a.m; i++) {
    int64_t both, either;
    if (pair->atoms.partner[i] < 0) continue;
    code_overlap(pair->a.codes, i, pair->b.codes, pair->atoms.partner[i], &both, &either);
    sum += either ? (double)both / (double)either : 0;
  }
  return sum / (double)min_i64(pair->of_a, pair->of_b);
}

const Comparison comparison_code_jaccard = {
    .entry = {.name = "code_jaccard",
              .summary = "mean over matched atoms of the held-out tokens on which both fire over "
                         "those on which either does"},
    .needs = NEED_MATCHING | NEED_CODES,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_ORDER,
    .value = value,
};
