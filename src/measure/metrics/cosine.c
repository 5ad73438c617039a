/* Mean over tokens of the cosine between token and reconstruction; 0 where either is 0. */
#include "measure/metric.h"

static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)m, (void)d, (void)params;
  return (MetricShape){.exact = 1};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  const Kernels *kernels = tile->dictionary->kernels;
  (void)params;
  for (int64_t t = 0; t < tile->n; t++) {
    const float *x = tile->X + t * tile->d, *y = tile->Y + t * tile->d;
    const double norms = sqrt(kernels->square64(tile->d, x)) * sqrt(kernels->square64(tile->d, y));
    if (norms != 0) exact_add(&state->exact[0], kernels->dot64(tile->d, x, y) / norms);
  }
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  (void)dictionary, (void)params;
  metric_put(output, NULL, exact_value(&state->exact[0]) / (double)tokens);
  return PETSC_SUCCESS;
}

const Metric metric_cosine = {
    .entry = {.name = "cosine", .summary = "mean cosine between token and reconstruction"},
    .unit = "cosine",
    .better = 1,
    .shape = shape,
    .add = add,
    .finish = finish,
};
