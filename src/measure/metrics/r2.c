/* Share of the variance that is explained: 1 - sum |x - y|^2 / sum |x - mean|^2, with the mean of
   each dimension over the split's own tokens. */
#include "measure/metric.h"
#include "measure/rows.h"

/* Exact sums: |x - y|^2, |x|^2, then x itself in each dimension. */
static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)m, (void)params;
  return (MetricShape){.exact = 2 + d};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  const Kernels *kernels = tile->dictionary->kernels;
  (void)params;
  for (int64_t t = 0; t < tile->n; t++) {
    const float *x = tile->X + t * tile->d, *y = tile->Y + t * tile->d;
    exact_add(&state->exact[0], kernels->distance64(tile->d, x, y));
    exact_add(&state->exact[1], kernels->square64(tile->d, x));
  }
  exact_columns(tile->n, tile->d, tile->X, state->exact + 2);
}

/* sum |x - mean|^2 = sum |x|^2 - sum over dimensions of (sum x)^2 / n, dimensions in order. */
static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  double of_mean = 0;
  (void)params;
  for (int64_t i = 0; i < dictionary->d; i++) {
    const double sum = exact_value(&state->exact[2 + i]);
    of_mean += sum * sum / (double)tokens;
  }
  const double spread = exact_value(&state->exact[1]) - of_mean;
  metric_put(output, NULL, spread > 0 ? 1 - exact_value(&state->exact[0]) / spread : (double)NAN);
  return PETSC_SUCCESS;
}

const Metric metric_r2 = {
    .entry = {.name = "r2",
              .summary = "explained share of the variance around each dimension's mean",
              .cite = "Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .unit = "share",
    .better = 1,
    .shape = shape,
    .add = add,
    .finish = finish,
};
