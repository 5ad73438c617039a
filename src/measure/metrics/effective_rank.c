/* exp of the entropy of the atoms' singular values, p_i = s_i / sum s. */
#include "measure/metric.h"
#include "measure/spectrum.h"

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  double rank;
  (void)tokens, (void)params, (void)state;
  PetscFunctionBeginUser;
  PetscCall(
      EffectiveRank(dictionary->kernels, dictionary->m, dictionary->d, dictionary->atoms, &rank));
  metric_put(output, NULL, rank);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Metric metric_effective_rank = {
    .entry = {.name = "effective_rank",
              .summary = "exp of the entropy of the atoms' singular values",
              .cite = "Roy and Vetterli 2007; Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .unit = "dimensions",
    .once = true,
    .codeless = true,
    .finish = finish,
};
