/* Atoms are unit rows without negative numbers. */
#include "learn/rows.h"

static const Param params[] = {
    ROWS_PARAMS(RowsParams),
    {0},
};

/* The starting rows without their signs. */
static PetscErrorCode Start(SAE *sae)
{
  PetscFunctionBegin;
  PetscCall(RowsStart(sae));
  float *x = tensor_named(sae, "atoms")->p;
  for (int64_t i = 0; i < sae->rows * sae->d; i++) x[i] = __builtin_fabsf(x[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous)
{
  const int64_t d = sae->d;
  if (t != tensor_named(sae, "atoms")) return;
  for (int64_t i = row * d; i < (row + rows) * d; i++) t->p[i] = t->p[i] > 0 ? t->p[i] : 0;
  rows_unit(sae, t, row, rows, previous);
}

/* The token without its negative numbers; a row stays where a token has no others. */
static void replace(SAE *sae, int64_t j, const float *x, const float *xc)
{
  const int64_t d = sae->d;
  float *row = tensor_named(sae, "atoms")->p + j * d;
  bool positive = false;
  (void)x;
  for (int64_t i = 0; i < d; i++) positive |= xc[i] > 0;
  if (!positive) return;
  for (int64_t i = 0; i < d; i++) row[i] = xc[i] > 0 ? xc[i] : 0;
  sae->kernels->unit(d, row);
}

const SAEAtoms sae_atoms_nonnegative = {
    .entry = {"nonnegative", "unit rows without negative numbers, learned freely otherwise",
              "the dictionaries of NMF, Lee & Seung 1999, as atoms of an autoencoder", params,
              sizeof(RowsParams)},
    .tensors = rows_tensors,
    .start = Start,
    .form = rows_form,
    .pull_back = RowsPullBack,
    .pull_back_row = rows_tangent,
    .project = project,
    .replace = replace,
};
