/* Mean over atoms of the largest correlation of their codes with those of any atom of the other
   run, both runs' atoms in turn. Products are added up over the tokens on which both fire, token by
   token of the one atom: no pass over all atoms, atoms and tokens. */
#include "compare/comparison.h"

/* Raises best_a [a.m] and best_b [b.m] by all correlations of atom i of a; sum [b.m] is scratch. */
static void correlate(const AtomCodes *a, int64_t i, const AtomCodes *b, double *sum,
                      double *best_a, double *best_b)
{
  for (int64_t j = 0; j < b->m; j++) sum[j] = 0;
  for (int64_t p = a->start[i]; p < a->start[i + 1]; p++) {
    const double z = (double)a->value[p];
    const int64_t t = a->token[p];
    for (int64_t q = b->tokens.start[t]; q < b->tokens.start[t + 1]; q++)
      sum[b->tokens.atom[q]] += z * (double)b->tokens.value[q];
  }
  for (int64_t j = 0; j < b->m; j++) {
    const double spread = a->deviation[i] * b->deviation[j];
    const double r = spread > 0 ? (sum[j] / (double)a->n - a->mean[i] * b->mean[j]) / spread : 0;
    if (r > best_a[i]) best_a[i] = r;
    if (r > best_b[j]) best_b[j] = r;
  }
}

static double value(const AtomPair *pair, const void *params)
{
  const int64_t m = pair->a.m, w = pair->b.m;
  double *room, from_a = 0, from_b = 0;
  (void)params;
  if (ArrayCreate(m + 2 * w, &room)) return (double)NAN;
  double *best_a = room, *best_b = room + m, *sum = room + m + w;
  for (int64_t i = 0; i < m + w; i++) room[i] = -INFINITY;
  for (int64_t i = 0; i < m; i++) correlate(pair->a.codes, i, pair->b.codes, sum, best_a, best_b);
  for (int64_t i = 0; i < m; i++) from_a += best_a[i];
  for (int64_t j = 0; j < w; j++) from_b += best_b[j];
  ArrayDestroy(&room);
  return (from_a / (double)pair->of_a + from_b / (double)pair->of_b) / 2;
}

const Comparison comparison_code_best = {
    .entry = {.name = "code_best",
              .summary = "mean over atoms of the largest correlation of codes with an atom of the "
                         "other run, on held-out tokens"},
    .needs = NEED_CODES,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_ORDER,
    .once = true,
    .value = value,
};
