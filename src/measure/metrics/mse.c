/* Mean squared error of a value: sum over tokens of |x - y|^2, divided by n d. */
#include "measure/metric.h"

static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)m, (void)d, (void)params;
  return (MetricShape){.exact = 1};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  (void)params;
  for (int64_t t = 0; t < tile->n; t++) {
    const float *x = tile->X + t * tile->d, *y = tile->Y + t * tile->d;
    exact_add(&state->exact[0], tile->dictionary->kernels->distance64(tile->d, x, y));
  }
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  (void)params;
  metric_put(output, NULL,
             exact_value(&state->exact[0]) / ((double)tokens * (double)dictionary->d));
  return PETSC_SUCCESS;
}

const Metric metric_mse = {
    .entry = {.name = "mse", .summary = "mean over tokens of |x - y|^2 / d"},
    .unit = "squared normalised units",
    .better = -1,
    .shape = shape,
    .add = add,
    .finish = finish,
};
