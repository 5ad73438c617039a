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

/* z [p] = max(0, z - (Q z - b) / |Q|_F) again and again, in float64; Q [p x p] and b [p] products
   by lane64, slope [p] scratch. */
static void refine(int64_t iterations, int64_t p, const double *Q, const double *b, double *slope,
                   double *z)
{
  double square = 0;
  for (int64_t i = 0; i < p * p; i++) square += Q[i] * Q[i];
  const double step = square > 0 ? 1 / __builtin_sqrt(square) : 0;
  for (int64_t turn = 0; turn < iterations; turn++) {
    for (int64_t i = 0; i < p; i++) slope[i] = -b[i];
    for (int64_t j = 0; j < p; j++) /* all sums side by side, Q being symmetric */
      for (int64_t i = 0; i < p; i++) slope[i] += Q[j * p + i] * z[j];
    for (int64_t i = 0; i < p; i++) {
      const double next = z[i] - step * slope[i];
      z[i] = next > 0 ? next : 0;
    }
  }
}

static PetscErrorCode Entries(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                              int64_t d, const float *X, const Packed *P, const float *E, float *S,
                              Codes *codes)
{
  const OMP *settings = now->params;
  const int64_t k = now->k ? now->k : settings->pursuit.k;
  int32_t *pick;
  float *coefficient, *sum;
  int32_t *to;
  double *Q, *b, *slope, *z;

  PetscFunctionBegin;
  PetscCall(ArrayCreate((n + 1) * k, &pick));
  PetscCall(ArrayCreate(n * k, &coefficient));
  PetscCall(ArrayCreate(k * k, &Q));
  PetscCall(ArrayCreate(k, &b));
  PetscCall(ArrayCreate(k, &slope));
  PetscCall(ArrayCreate(k, &z));
  PetscCall(ArrayCreate(k, &to));
  PetscCall(ArrayCreate(k, &sum));
  PetscCall(Pursue(now, kernels, n, m, d, X, P, E, S, pick, coefficient));
  for (int64_t t = 0; t < n; t++) {
    int32_t *atom = pick + t * k;
    float *value = coefficient + t * k;
    int64_t end = codes->start[codes->rows];
    const int64_t p = pursuit_merge(k, atom, value, to, sum);
    for (int64_t i = 0; i < p; i++) z[i] = sum[i] > 0 ? (double)sum[i] : 0;
    kernels->products64(p, to, d, E, d, X + t * d, k, atom + k, Q, b);
    refine(settings->iterations, p, Q, b, slope, z);
    for (int64_t i = 0; i < p; i++)
      if ((float)z[i] > 0) codes->atom[end] = to[i], codes->value[end++] = (float)z[i];
    codes->start[++codes->rows] = end;
  }
  PetscCall(ArrayDestroy(&pick));
  PetscCall(ArrayDestroy(&coefficient));
  PetscCall(ArrayDestroy(&Q));
  PetscCall(ArrayDestroy(&b));
  PetscCall(ArrayDestroy(&slope));
  PetscCall(ArrayDestroy(&z));
  PetscCall(ArrayDestroy(&to));
  PetscCall(ArrayDestroy(&sum));
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
