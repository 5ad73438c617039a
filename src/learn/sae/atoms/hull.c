/* Atoms are convex combinations of anchors: D = W C. */
#include "learn/simplex.h"

typedef struct {
  SimplexParams simplex;
} Hull;

static const Param params[] = {
    SIMPLEX_PARAMS(Hull),
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
  simplex_tensors(sae, &((const Hull *)sae->params.atoms.params)->simplex);
}

static PetscErrorCode start(SAE *sae)
{
  PetscFunctionBegin;
  simplex_start(sae, &((const Hull *)sae->params.atoms.params)->simplex);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode pull_back(SAE *sae)
{
  PetscFunctionBegin;
  simplex_pull_back(sae, 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SAEAtoms sae_atoms_hull = {
    .entry = {"hull", "convex combinations of anchors, D = W C",
              "Fel et al. 2025, arXiv:2502.12892, section 4 (A-SAE)", params, sizeof(Hull),
              .draws = draws, .check = check},
    .tensors = tensors,
    .start = start,
    .form = simplex_form,
    .pull_back = pull_back,
    .project = simplex_project,
    .renew = simplex_renew,
};
