/* Share of atoms that have a mutual best atom in the other run, with a cosine that reaches a
   threshold: the mean over atoms of their recurrence, as a share of the other runs. */
#include "compare/comparison.h"

typedef struct {
  double t;
} Params;

static double value(const AtomPair *pair, const void *params)
{
  const double t = params ? ((const Params *)params)->t : .7;
  int64_t edges = 0;
  for (int64_t i = 0; i < pair->a.m; i++) edges += (double)pair->mutual[i] >= t;
  return ((double)edges / (double)pair->of_a + (double)edges / (double)pair->of_b) / 2;
}

const Comparison comparison_recurrence = {
    .entry = {.name = "recurrence",
              .summary = "share of atoms whose nearest in the other run has them for its nearest, "
                         "with a cosine of at least t",
              .params = (const Param[]){{"t", PARAM_REAL, offsetof(Params, t), "0.7", -1, 1,
                                         "the least cosine that counts"},
                                        {0}},
              .params_size = sizeof(Params)},
    .needs = NEED_MUTUAL,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
