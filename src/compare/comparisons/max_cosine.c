/* Mean over atoms of the largest cosine with an atom of the other run, mean of both directions. */
#include "compare/comparison.h"

enum { BLOCK = 64 };

/* Sum over the columns first .. of each one's largest of m cosines [m x w], columns in order. */
static double sum_columns(int64_t m, int64_t w, int64_t first, const float *cosine)
{
  const int64_t here = min_i64(BLOCK, w - first);
  float most[BLOCK];
  double sum = 0;
  for (int64_t j = 0; j < here; j++) most[j] = cosine[first + j];
  for (int64_t i = 1; i < m; i++)
    for (int64_t j = 0; j < here; j++) most[j] = fmaxf(most[j], cosine[i * w + first + j]);
  for (int64_t j = 0; j < here; j++) sum += (double)most[j];
  return sum;
}

static double value(const AtomPair *pair, const void *params)
{
  const int64_t m = pair->a.m, w = pair->b.m;
  double rows = 0, columns = 0;
  (void)params;
  if (m == 0 || w == 0) return (double)NAN;
  for (int64_t i = 0; i < m; i++) {
    float most = pair->cosine[i * w];
    for (int64_t j = 1; j < w; j++) most = fmaxf(most, pair->cosine[i * w + j]);
    rows += (double)most;
  }
  for (int64_t j = 0; j < w; j += BLOCK) columns += sum_columns(m, w, j, pair->cosine);
  return (rows / (double)m + columns / (double)w) / 2;
}

const Comparison comparison_max_cosine = {
    .entry = {.name = "max_cosine",
              .summary = "mean over atoms of the largest cosine with an atom of the other run"},
    .value = value,
};
