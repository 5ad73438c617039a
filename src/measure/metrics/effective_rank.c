/* exp of the entropy of the atoms' singular values, p_i = s_i / sum s. */
#include "base/math.h"
#include "measure/metric.h"
#include "measure/spectrum.h"

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  double *squares, sum = 0, entropy = 0;
  int64_t count;
  (void)tokens, (void)params, (void)state;
  PetscFunctionBeginUser;
  PetscCall(SpectrumSquares(dictionary, &count, &squares));
  for (int64_t i = 0; i < count; i++) sum += sqrt(squares[i]);
  for (int64_t i = 0; i < count; i++) {
    const double p = sqrt(squares[i]) / sum;
    if (p > 0) entropy -= p * math_log(p);
  }
  metric_put(output, NULL, sum > 0 ? math_exp(entropy) : (double)NAN);
  PetscCall(ArrayDestroy(&squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Metric metric_effective_rank = {
    .entry = {.name = "effective_rank",
              .summary = "exp of the entropy of the atoms' singular values",
              .cite = "Roy and Vetterli 2007; Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .unit = "dimensions",
    .once = true,
    .finish = finish,
};
