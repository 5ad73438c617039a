/* Atoms near the hull of the anchors: D = e^s (W C + L), rows of L no longer than delta. */
#include "learn/simplex.h"
#include <string.h>

typedef struct {
  SimplexParams simplex;
  double delta;
  bool multiplier;
} Relaxed;

static const Param params[] = {
    SIMPLEX_PARAMS(Relaxed),
    {"delta", PARAM_REAL, offsetof(Relaxed, delta), "1", 0, 1e9,
     "greatest norm of a row of the relaxation, in units of the normalised tokens"},
    {"multiplier", PARAM_BOOL, offsetof(Relaxed, multiplier), "true",
     .doc = "learn a common scale e^s"},
    {0},
};

static const Relaxed *settings_of(const SAE *sae)
{
  return sae->params.atoms.params;
}

static unsigned draws(const void *settings)
{
  return simplex_draws(&((const Relaxed *)settings)->simplex);
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  return simplex_check(&((const Relaxed *)settings)->simplex, all, path);
}

static void tensors(SAE *sae)
{
  simplex_tensors(sae, &settings_of(sae)->simplex);
  if (settings_of(sae)->delta > 0) sae_add_tensor(sae, "relaxation", false, sae->d);
  if (settings_of(sae)->multiplier) simplex_add_multiplier(sae);
}

static PetscErrorCode start(SAE *sae)
{
  PetscFunctionBegin;
  simplex_start(sae, &settings_of(sae)->simplex);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void form(SAE *sae, float *D)
{
  const Tensor *L = tensor_named(sae, "relaxation");
  const float scale = simplex_multiplier(sae);
  simplex_form(sae, D);
  for (int64_t i = 0; i < sae->rows * sae->d; i++) D[i] = (D[i] + (L ? L->p[i] : 0)) * scale;
}

static PetscErrorCode pull_back(SAE *sae)
{
  Tensor *L = tensor_named(sae, "relaxation");
  const float scale = simplex_multiplier(sae);

  PetscFunctionBegin;
  PetscCall(SimplexPullBack(sae));
  for (int64_t i = 0; L && i < sae->rows * sae->d; i++) L->g[i] = sae->G[i] * scale;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous)
{
  const double delta = settings_of(sae)->delta;
  const int64_t d = sae->d;
  simplex_project(sae, t, row, rows, previous);
  if (t != tensor_named(sae, "relaxation")) return;
  for (int64_t j = row; j < row + rows; j++) {
    float *x = t->p + j * d;
    const double norm = __builtin_sqrt(sae->kernels->square64(d, x));
    if (norm > delta)
      for (int64_t i = 0; i < d; i++) x[i] = (float)((double)x[i] * (delta / norm));
  }
}

static void replace(SAE *sae, int64_t j, const float *x, const float *xc)
{
  const Tensor *L = tensor_named(sae, "relaxation");
  simplex_replace(sae, j, x, xc);
  if (L) memset(L->p + j * L->cols, 0, (size_t)L->cols * sizeof(float));
}

const SAEAtoms sae_atoms_hull_relaxed = {
    .entry = {"hull_relaxed",
              "convex combinations of anchors, moved by at most delta and scaled together, D = e^s "
              "(W C + L)",
              "Fel et al. 2025, arXiv:2502.12892, section 4 (RA-SAE)", params, sizeof(Relaxed),
              .draws = draws, .check = check},
    .tensors = tensors,
    .start = start,
    .form = form,
    .pull_back = pull_back,
    .project = project,
    .replace = replace,
    .renew = simplex_renew,
};
