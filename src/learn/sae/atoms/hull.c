/* Atoms are convex combinations of anchors, D = W C, or all scaled together, D = e^s W C. */
#include "learn/simplex.h"

typedef struct {
  SimplexParams simplex;
  bool multiplier;
} Hull;

static const Param params[] = {
    SIMPLEX_PARAMS(Hull),
    {"multiplier", PARAM_BOOL, offsetof(Hull, multiplier), "false",
     .doc = "learn a common scale e^s", .quiet = true},
    {0},
};

static unsigned draws(const void *settings)
{
  return simplex_draws(&((const Hull *)settings)->simplex);
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  return simplex_check(&((const Hull *)settings)->simplex, all, path);
}

static void tensors(SAE *sae)
{
  const Hull *settings = sae->params.atoms.params;
  simplex_tensors(sae, &settings->simplex);
  if (settings->multiplier) simplex_add_multiplier(sae);
}

static PetscErrorCode start(SAE *sae)
{
  PetscFunctionBegin;
  simplex_start(sae, &((const Hull *)sae->params.atoms.params)->simplex);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void form(SAE *sae, float *D)
{
  const float scale = simplex_multiplier(sae);
  simplex_form(sae, D);
  for (int64_t i = 0; scale != 1 && i < sae->rows * sae->d; i++) D[i] *= scale;
}

const SAEAtoms sae_atoms_hull = {
    .entry = {"hull", "convex combinations of anchors, D = W C",
              "Fel et al. 2025, arXiv:2502.12892, section 4 (A-SAE)", params, sizeof(Hull),
              .draws = draws, .check = check},
    .tensors = tensors,
    .start = start,
    .form = form,
    .pull_back = SimplexPullBack,
    .project = simplex_project,
    .replace = simplex_replace,
    .renew = simplex_renew,
};
