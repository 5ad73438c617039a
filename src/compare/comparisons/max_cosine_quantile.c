/* A quantile over atoms of the largest cosine with an atom of the other run, both runs' atoms
   together. */
#include "compare/comparison.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  double q;
} Params;

static int by_size(const void *a, const void *b)
{
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* The quantile q of n numbers lies at place q (n - 1) of them in order, between neighbours on a
   line. Dead atoms are zeros. */
static double value(const AtomPair *pair, const void *params)
{
  const int64_t m = pair->a.m, n = pair->of_a + pair->of_b;
  const double place = (params ? ((const Params *)params)->q : .5) * (double)(n - 1);
  const int64_t at = min_i64((int64_t)place, max_i64(n - 2, 0));
  float *all;
  if (ArrayCreate(n, &all)) return (double)NAN;
  memcpy(all, pair->largest_a, (size_t)m * sizeof(*all));
  memcpy(all + m, pair->largest_b, (size_t)pair->b.m * sizeof(*all));
  qsort(all, (size_t)n, sizeof(*all), by_size);
  const double low = (double)all[at], high = (double)all[min_i64(at + 1, n - 1)];
  ArrayDestroy(&all);
  return low + (place - (double)at) * (high - low);
}

const Comparison comparison_max_cosine_quantile = {
    .entry = {.name = "max_cosine_quantile",
              .summary = "quantile over atoms of the largest cosine with an atom of the other run",
              .params =
                  (const Param[]){
                      {"q", PARAM_REAL, offsetof(Params, q), "0.5", 0, 1, "which quantile"}, {0}},
              .params_size = sizeof(Params)},
    .needs = NEED_MAXIMA,
    .laws = LAW_SELF | LAW_SYMMETRIC | LAW_SIGNED | LAW_ORDER,
    .value = value,
};
