/* Mean sum of a token's code: sum of |z|, in order of atoms. */
#include "measure/metric.h"

static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)m, (void)d, (void)params;
  return (MetricShape){.exact = 1};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  const Codes *codes = tile->codes;
  (void)params;
  for (int64_t t = 0; t < tile->n; t++) {
    double sum = 0;
    for (int64_t q = codes->start[t]; q < codes->start[t + 1]; q++)
      sum += fabs((double)codes->value[q]);
    exact_add(&state->exact[0], sum);
  }
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  (void)dictionary, (void)params;
  metric_put(output, NULL, exact_value(&state->exact[0]) / (double)tokens);
  return PETSC_SUCCESS;
}

const Metric metric_l1 = {
    .entry = {.name = "l1", .summary = "mean sum of |z| of a code"},
    .unit = "code units",
    .shape = shape,
    .add = add,
    .finish = finish,
};
