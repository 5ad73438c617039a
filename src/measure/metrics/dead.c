/* Share of atoms that fire on no token of the training sample. */
#include "measure/metric.h"

static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)d, (void)params;
  return (MetricShape){.most = m};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  const Codes *codes = tile->codes;
  (void)params;
  for (int64_t q = 0; q < codes->start[tile->n]; q++)
    if (codes->value[q] > 0) state->most[codes->atom[q]] = 1;
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  int64_t dead = 0;
  (void)tokens, (void)params;
  for (int64_t j = 0; j < dictionary->m; j++) dead += !(state->most[j] > 0);
  metric_put(output, NULL, (double)dead / (double)dictionary->m);
  return PETSC_SUCCESS;
}

const Metric metric_dead = {
    .entry = {.name = "dead",
              .summary = "share of atoms that fire on no token of the training sample",
              .cite = "Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .unit = "share",
    .better = -1,
    .train_only = true,
    .shape = shape,
    .add = add,
    .finish = finish,
};
