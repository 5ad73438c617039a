/* Mean number of atoms in a token's code. */
#include "measure/metric.h"

static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)m, (void)d, (void)params;
  return (MetricShape){.count = 1};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  (void)params;
  for (int64_t q = 0; q < tile->codes->start[tile->n]; q++)
    state->count[0] += tile->codes->value[q] != 0;
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  (void)dictionary, (void)params;
  metric_put(output, NULL, (double)state->count[0] / (double)tokens);
  return PETSC_SUCCESS;
}

const Metric metric_l0 = {
    .entry = {.name = "l0", .summary = "mean number of atoms in a code"},
    .unit = "atoms",
    .shape = shape,
    .add = add,
    .finish = finish,
};
