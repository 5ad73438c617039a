/* How often atoms fire: quantiles over atoms of the share of tokens on which each fires. */
#include "measure/metric.h"
#include <stdlib.h>

static MetricShape shape(int64_t m, int64_t d, const void *params)
{
  (void)d, (void)params;
  return (MetricShape){.count = m};
}

static void add(const Tile *tile, const void *params, MetricState *state)
{
  const Codes *codes = tile->codes;
  (void)params;
  for (int64_t q = 0; q < codes->start[tile->n]; q++)
    state->count[codes->atom[q]] += codes->value[q] > 0;
}

static int by_size(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Quantile q of m sorted counts lies at position q (m - 1), between neighbours on a line. */
static double quantile(int64_t m, const int64_t *sorted, double q)
{
  const double at = q * (double)(m - 1);
  const int64_t i = min_i64((int64_t)at, m - 1), next = min_i64(i + 1, m - 1);
  return (double)sorted[i] + (at - (double)i) * (double)(sorted[next] - sorted[i]);
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  static const struct {
    const char *setting;
    double q;
  } asked[] = {{"q=0.05", .05}, {"q=0.25", .25}, {"q=0.5", .5}, {"q=0.75", .75}, {"q=0.95", .95}};
  const int64_t m = dictionary->m;
  int64_t *sorted;
  (void)params;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m, &sorted));
  for (int64_t j = 0; j < m; j++) sorted[j] = state->count[j];
  qsort(sorted, (size_t)m, sizeof(*sorted), by_size);
  for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
    metric_put(output, asked[i].setting, quantile(m, sorted, asked[i].q) / (double)tokens);
  PetscCall(ArrayDestroy(&sorted));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Metric metric_density = {
    .entry = {.name = "density",
              .summary = "quantiles over atoms of the share of tokens on which an atom fires"},
    .unit = "share of tokens",
    .shape = shape,
    .add = add,
    .finish = finish,
};
