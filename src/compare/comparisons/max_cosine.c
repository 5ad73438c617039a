/* Mean over atoms of the largest cosine with an atom of the other run. */
#include "compare/comparison.h"

enum { FROM_BOTH, FROM_A, FROM_B };
static const char *const words[] = {"both", "a", "b", NULL};

typedef struct {
  int from;
} Params;

static double mean(int64_t m, const float *largest, int64_t of)
{
  double sum = 0;
  for (int64_t i = 0; i < m; i++) sum += (double)largest[i];
  return sum / (double)of;
}

static double value(const AtomPair *pair, const void *params)
{
  const int from = params ? ((const Params *)params)->from : FROM_BOTH;
  const double a = mean(pair->a.m, pair->largest_a, pair->of_a),
               b = mean(pair->b.m, pair->largest_b, pair->of_b);
  return from == FROM_A ? a : from == FROM_B ? b : (a + b) / 2;
}

const Comparison comparison_max_cosine = {
    .entry = {.name = "max_cosine",
              .summary = "mean over atoms of the largest cosine with an atom of the other run",
              .cite = "Paulo and Belrose 2025, arXiv:2501.16615",
              .params = (const Param[]){{"from", PARAM_WORD, offsetof(Params, from), "both",
                                         .doc = "whose atoms: of both runs in turn, of the first "
                                                "of the pair, or of the second",
                                         .words = words},
                                        {0}},
              .params_size = sizeof(Params)},
    .needs = NEED_MAXIMA,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
