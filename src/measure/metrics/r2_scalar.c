/* As r2, with one mean over all values of the split: what some libraries call R2. */
#include "measure/metric.h"

/* Exact sums: |x - y|^2, |x|^2, all values. */
static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)m, (void)d, (void)params;
  return (MetricShape){.exact = 3};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  const Kernels *kernels = tile->dictionary->kernels;
  (void)params;
  for (int64_t t = 0; t < tile->n; t++) {
    const float *x = tile->X + t * tile->d, *y = tile->Y + t * tile->d;
    exact_add(&state->exact[0], kernels->distance64(tile->d, x, y));
    exact_add(&state->exact[1], kernels->square64(tile->d, x));
    exact_add(&state->exact[2], kernels->sum64(tile->d, x));
  }
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  const double sum = exact_value(&state->exact[2]);
  const double spread =
      exact_value(&state->exact[1]) - sum * sum / ((double)tokens * (double)dictionary->d);
  (void)params;
  metric_put(output, NULL, spread > 0 ? 1 - exact_value(&state->exact[0]) / spread : (double)NAN);
  return PETSC_SUCCESS;
}

const Metric metric_r2_scalar = {
    .entry = {.name = "r2_scalar",
              .summary = "explained share of the variance around one mean of all values"},
    .unit = "share",
    .better = 1,
    .shape = shape,
    .add = add,
    .finish = finish,
};
