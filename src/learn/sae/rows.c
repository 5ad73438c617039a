/* Atoms that are rows of their own. */
#include "learn/rows.h"
#include <string.h>

void rows_tensors(SAE *sae)
{
  sae_add_tensor(sae, "atoms", false, sae->d);
}

PetscErrorCode RowsStart(SAE *sae)
{
  const Choice *choice = &((const RowsParams *)sae->params.atoms.params)->start;
  Tensor *atoms = tensor_named(sae, "atoms");

  PetscFunctionBegin;
  PetscCall(((const SAEStart *)choice->entry)->start(choice->params, sae, atoms->p));
  for (int64_t j = 0; j < sae->rows; j++) sae->kernels->unit(sae->d, atoms->p + j * sae->d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void rows_form(SAE *sae, float *D)
{
  const float *rows = tensor_named(sae, "atoms")->p;
  if (sae->rows && D != rows) memcpy(D, rows, (size_t)(sae->rows * sae->d) * sizeof(*D));
}

double rows_tangent(SAE *sae, int64_t j)
{
  const float *row = tensor_named(sae, "atoms")->p + j * sae->d;
  return sae->kernels->tangent(sae->d, sae->G + j * sae->d, row);
}

void rows_replace(SAE *sae, int64_t j, const float *x, const float *xc)
{
  float *row = tensor_named(sae, "atoms")->p + j * sae->d;
  (void)x;
  memcpy(row, xc, (size_t)sae->d * sizeof(*row));
  sae->kernels->unit(sae->d, row);
}

PetscErrorCode RowsPullBack(SAE *sae)
{
  PetscFunctionBegin;
  for (int64_t j = 0; j < sae->rows; j++)
    ((const SAEAtoms *)sae->params.atoms.entry)->pull_back_row(sae, j);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void rows_unit(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous)
{
  const int64_t d = sae->d;
  for (int64_t j = 0; j < rows; j++) {
    float *x = t->p + (row + j) * d;
    if (!(sae->kernels->unit(d, x) > 0)) memcpy(x, previous + j * d, (size_t)d * sizeof(*x));
  }
}
