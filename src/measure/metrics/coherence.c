/* The largest |cosine| between two different atoms. */
#include "measure/metric.h"
#include "measure/rows.h"

enum { ROWS = 64 };

/* Cosines of rows first .. against all of P; the largest size off the diagonal. */
static double largest(int64_t first, int64_t rows, int64_t m, const float *S)
{
  double most = 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < first + i; j++) most = fmax(most, fabs((double)S[i * m + j]));
  return most;
}

static PetscErrorCode finish(const Dictionary *dictionary, int64_t tokens, const void *params,
                             const MetricState *state, MetricOutput *output)
{
  const Kernels *kernels = dictionary->kernels;
  const int64_t m = dictionary->m, d = dictionary->d;
  Packed packed = {0};
  float *unit, *S;
  double most = 0;
  (void)tokens, (void)params, (void)state;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m * d, &unit));
  PetscCall(ArrayCreate(ROWS * m, &S));
  unit_rows(kernels, m, d, dictionary->atoms, unit);
  kernels->pack(m, d, unit, d, &packed);
  for (int64_t i = 0; i < m; i += ROWS) {
    const int64_t rows = min_i64(ROWS, m - i);
    kernels->scores(rows, unit + i * d, d, &packed, NULL, S, m);
    most = fmax(most, largest(i, rows, m, S));
  }
  metric_put(output, NULL, m > 1 ? most : (double)NAN);
  packed_clear(&packed);
  PetscCall(ArrayDestroy(&S));
  PetscCall(ArrayDestroy(&unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Metric metric_coherence = {
    .entry = {.name = "coherence",
              .summary = "largest |cosine| between two different atoms",
              .cite = "Fel et al. 2025, arXiv:2502.12892, appendix C"},
    .unit = "cosine",
    .once = true,
    .codeless = true,
    .finish = finish,
};
