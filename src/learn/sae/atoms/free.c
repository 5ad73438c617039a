/* Atoms are free unit rows. */
#include "learn/sae.h"
#include <string.h>

typedef struct {
  Choice start;
} Free;

static const Param params[] = {
    {"start", PARAM_CHOICE, offsetof(Free, start), "random", .doc = "where the atoms start",
     .family = &sae_starts},
    {0},
};

static void tensors(SAE *sae)
{
  sae_add_tensor(sae, "atoms", false, sae->d);
}

/* Rows of norm 0 take the row of previous, or stay. */
static void unit_rows(const SAE *sae, float *rows, const float *previous)
{
  const int64_t d = sae->d;
  for (int64_t j = 0; j < sae->rows; j++) {
    float *row = rows + j * d;
    const double norm = __builtin_sqrt(sae->kernels->square64(d, row));
    if (norm > 0)
      for (int64_t i = 0; i < d; i++) row[i] = (float)((double)row[i] / norm);
    else if (previous)
      memcpy(row, previous + j * d, (size_t)d * sizeof(*row));
  }
}

static PetscErrorCode start(SAE *sae)
{
  const Choice *choice = &((const Free *)sae->params.atoms.params)->start;
  Tensor *atoms = tensor_named(sae, "atoms");

  PetscFunctionBegin;
  PetscCall(((const SAEStart *)choice->entry)->start(choice->params, sae, atoms->p));
  unit_rows(sae, atoms->p, NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void form(SAE *sae, float *D)
{
  if (sae->rows)
    memcpy(D, tensor_named(sae, "atoms")->p, (size_t)(sae->rows * sae->d) * sizeof(*D));
}

static PetscErrorCode pull_back(SAE *sae)
{
  const Tensor *atoms = tensor_named(sae, "atoms");
  const int64_t d = sae->d;

  PetscFunctionBegin;
  for (int64_t j = 0; j < sae->rows; j++) {
    const float *G = sae->G + j * d, *D = atoms->p + j * d;
    const double along = sae->kernels->dot64(d, G, D);
    for (int64_t i = 0; i < d; i++)
      atoms->g[j * d + i] = (float)((double)G[i] - along * (double)D[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void project(SAE *sae)
{
  const Tensor *atoms = tensor_named(sae, "atoms");
  unit_rows(sae, atoms->p, sae->previous + (atoms->p - sae->block[0]));
}

const SAEAtoms sae_atoms_free = {
    .entry = {"free", "unit rows, learned freely", NULL, params, sizeof(Free)},
    .tensors = tensors,
    .start = start,
    .form = form,
    .pull_back = pull_back,
    .project = project,
};
