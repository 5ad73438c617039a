/* How far atoms lie from the data: 1 - mean over atoms of the largest cosine with a token of the
   training sample. It falls as the sample grows, so the number of tokens is told beside it. */
#include "measure/metric.h"

static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)d, (void)params;
  return (MetricShape){.most = m};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  const int64_t m = tile->dictionary->m;
  (void)params;
  for (int64_t t = 0; t < tile->n; t++)
    for (int64_t j = 0; j < m; j++) {
      const double cosine = (double)tile->cosines[t * m + j];
      if (cosine > state->most[j]) state->most[j] = cosine;
    }
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  double sum = 0;
  (void)params;
  for (int64_t j = 0; j < dictionary->m; j++) sum += state->most[j];
  metric_put(output, NULL, 1 - sum / (double)dictionary->m);
  metric_put(output, "tokens", (double)tokens);
  return PETSC_SUCCESS;
}

const Metric metric_ood = {
    .entry = {.name = "ood",
              .summary = "1 - mean over atoms of the largest cosine with a training token",
              .cite = "Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .unit = "1 - cosine",
    .better = -1,
    .train_only = true,
    .cosines = true,
    .shape = shape,
    .add = add,
    .codeless = true,
    .finish = finish,
};
