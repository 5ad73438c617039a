/* |D|_F^2 / |D|_2^2: the sum of the squared singular values of the atoms over the largest. */
#include "measure/metric.h"
#include "measure/spectrum.h"

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  double *squares, sum = 0;
  int64_t count;
  (void)tokens, (void)params, (void)state;
  PetscFunctionBeginUser;
  PetscCall(SpectrumSquares(dictionary, &count, &squares));
  for (int64_t i = 0; i < count; i++) sum += squares[i];
  metric_put(output, NULL, sum > 0 ? sum / squares[count - 1] : (double)NAN);
  PetscCall(ArrayDestroy(&squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Metric metric_stable_rank = {
    .entry = {.name = "stable_rank",
              .summary = "squared Frobenius norm of the atoms over their squared spectral norm",
              .cite = "Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .unit = "dimensions",
    .once = true,
    .codeless = true,
    .finish = finish,
};
