/* The picks of matching pursuit, with the best codes of 0 or more for the atoms that they name. */
#include "learn/pursue.h"
#include <string.h>

typedef struct {
  PursuitParams pursuit;
  int64_t iterations;
} OMP;

static const Param params[] = {
    PURSUIT_PARAMS(PursuitParams),
    {"iterations", PARAM_INT, offsetof(OMP, iterations), "10", 1, 1e6,
     "projected gradient steps of length 1/|Q|, Q the products of the picked atoms"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  (void)settings;
  return pursuit_check(all, path);
}

enum { TOGETHER = 4 }; /* tokens */

static PetscErrorCode Entries(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                              int64_t d, const float *X, const Packed *P, const float *E, float *S,
                              Codes *codes)
{
  const OMP *settings = now->params;
  const int64_t k = now->k ? now->k : settings->pursuit.k;
  int32_t *pick, *to;
  float *coefficient, *sum;
  double *Q, *b, *slope, *z, *work;

  PetscFunctionBegin;
  PetscCall(ArrayCreate((n + 1) * k, &pick));
  PetscCall(ArrayCreate(n * k, &coefficient));
  PetscCall(ArrayCreate(TOGETHER * k * k, &Q));
  PetscCall(ArrayCreate(TOGETHER * k, &b));
  PetscCall(ArrayCreate(k, &slope));
  PetscCall(ArrayCreate(TOGETHER * k, &z));
  PetscCall(ArrayCreate(TOGETHER * k, &to));
  PetscCall(ArrayCreate(k, &sum));
  PetscCall(ArrayCreate(products64_work(k, d), &work));
  PetscCall(Pursue(now, kernels, n, m, d, X, P, E, S, pick, coefficient));
  for (int64_t t0 = 0; t0 < n; t0 += TOGETHER) {
    const int64_t count = min_i64(TOGETHER, n - t0);
    int64_t end = codes->start[codes->rows], p[TOGETHER];
    for (int64_t t = 0; t < count; t++) {
      int32_t *atom = pick + (t0 + t) * k;
      p[t] = pursuit_merge(k, atom, coefficient + (t0 + t) * k, to + t * k, sum);
      for (int64_t i = 0; i < p[t]; i++) z[t * k + i] = sum[i] > 0 ? (double)sum[i] : 0;
      kernels->products64(p[t], to + t * k, d, E, d, X + (t0 + t) * d, k, atom + k, Q + t * k * k,
                          b + t * k, work);
    }
    kernels->refine64(count, settings->iterations, p, k, Q, b, slope, z);
    for (int64_t t = 0; t < count; t++) {
      for (int64_t i = t * k; i < t * k + p[t]; i++)
        if ((float)z[i] > 0) codes->atom[end] = to[i], codes->value[end++] = (float)z[i];
      codes->start[++codes->rows] = end;
    }
  }
  PetscCall(ArrayDestroy(&pick));
  PetscCall(ArrayDestroy(&coefficient));
  PetscCall(ArrayDestroy(&Q));
  PetscCall(ArrayDestroy(&b));
  PetscCall(ArrayDestroy(&slope));
  PetscCall(ArrayDestroy(&z));
  PetscCall(ArrayDestroy(&to));
  PetscCall(ArrayDestroy(&sum));
  PetscCall(ArrayDestroy(&work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Codes count as constant: the atoms learn from the reconstruction alone. */
static void slopes(const CodeNow *now, const Codes *codes, float *g, float *own)
{
  (void)now;
  for (int64_t q = codes->start[0]; q < codes->start[codes->rows]; q++) g[q] = own[q] = 0;
}

const SAECode sae_code_omp = {
    .entry = {"omp",
              "the atoms that matching pursuit picks, with the least-squares codes of 0 or more, "
              "which count as constant",
              "KempnerInstitute/overcomplete v0.3, OMP SAE; Pati et al. 1993 for the pursuit",
              params, sizeof(OMP), .check = check},
    .most = pursuit_most,
    .pursue = Entries,
    .slopes = slopes,
};
