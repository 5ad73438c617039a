/* Matching pursuit: one atom after another takes what it explains of the rest. */
#include "learn/pursue.h"
#include <string.h>

static const Param params[] = {
    PURSUIT_PARAMS(PursuitParams),
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  (void)settings;
  return pursuit_check(all, path);
}

static PetscErrorCode Entries(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                              int64_t d, const float *X, const Packed *P, const float *E, float *S,
                              Codes *codes)
{
  const int64_t k = now->k ? now->k : ((const PursuitParams *)now->params)->k;
  struct SAETrace *trace = now->trace;
  int32_t *pick, *atom;
  float *coefficient, *value;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(n * k, &pick));
  PetscCall(ArrayCreate(n * k, &coefficient));
  PetscCall(ArrayCreate(k, &atom));
  PetscCall(ArrayCreate(k, &value));
  PetscCall(Pursue(now, kernels, n, m, d, X, P, E, S, pick, coefficient));
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[codes->rows],
                  count = pursuit_merge(k, pick + t * k, coefficient + t * k, atom, value);
    memcpy(codes->atom + at, atom, (size_t)count * sizeof(*atom));
    memcpy(codes->value + at, value, (size_t)count * sizeof(*value));
    codes->start[++codes->rows] = at + count;
  }
  if (trace && n) {
    memcpy(trace->pick + trace->rows * k, pick, (size_t)(n * k) * sizeof(*pick));
    memcpy(trace->coefficient + trace->rows * k, coefficient,
           (size_t)(n * k) * sizeof(*coefficient));
    trace->rows += n;
  }
  PetscCall(ArrayDestroy(&pick));
  PetscCall(ArrayDestroy(&coefficient));
  PetscCall(ArrayDestroy(&atom));
  PetscCall(ArrayDestroy(&value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SAECode sae_code_mp = {
    .entry = {"mp",
              "matching pursuit: k times the atom nearest to what is left takes its part of it; "
              "codes may be negative",
              "Costa et al. 2025, arXiv:2506.03093, algorithm 1", params, sizeof(PursuitParams),
              .check = check},
    .most = pursuit_most,
    .pursue = Entries,
    .unrolled = true,
};
