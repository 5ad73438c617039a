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

static PetscErrorCode start(SAE *sae)
{
  const Choice *choice = &((const Free *)sae->params.atoms.params)->start;
  Tensor *atoms = tensor_named(sae, "atoms");

  PetscFunctionBegin;
  PetscCall(((const SAEStart *)choice->entry)->start(choice->params, sae, atoms->p));
  for (int64_t j = 0; j < sae->rows; j++) sae->kernels->unit(sae->d, atoms->p + j * sae->d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void form(SAE *sae, float *D)
{
  if (sae->rows)
    memcpy(D, tensor_named(sae, "atoms")->p, (size_t)(sae->rows * sae->d) * sizeof(*D));
}

static void pull_back_row(SAE *sae, int64_t j)
{
  sae->kernels->tangent(sae->d, sae->G + j * sae->d, tensor_named(sae, "atoms")->p + j * sae->d);
}

static PetscErrorCode pull_back(SAE *sae)
{
  PetscFunctionBegin;
  for (int64_t j = 0; j < sae->rows; j++) pull_back_row(sae, j);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row of norm 0 takes its previous value. */
static void project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous)
{
  const int64_t d = sae->d;
  if (t != tensor_named(sae, "atoms")) return;
  for (int64_t j = 0; j < rows; j++) {
    float *x = t->p + (row + j) * d;
    if (!(sae->kernels->unit(d, x) > 0)) memcpy(x, previous + j * d, (size_t)d * sizeof(*x));
  }
}

const SAEAtoms sae_atoms_free = {
    .entry = {"free", "unit rows, learned freely", NULL, params, sizeof(Free)},
    .tensors = tensors,
    .start = start,
    .form = form,
    .pull_back = pull_back,
    .pull_back_row = pull_back_row,
    .project = project,
};
