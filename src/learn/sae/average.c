/* The parameters' average over the steps, and the model that it makes. */
#include "learn/average.h"
#include "learn/adam.h"
#include <string.h>

/* Its decay; 0: there is none. */
static float decay_of(const SAE *sae)
{
  const Choice *average = &sae->params.average;
  const Average *how = (const Average *)average->entry;
  return how->decay ? (float)how->decay(average->params) : 0;
}

/* What all sums are short of: 1 less the weight that the steps before the first would have. */
static double gathered(const SAE *sae, int64_t steps)
{
  return 1 - whole_power((double)decay_of(sae), steps);
}

PetscErrorCode AverageCreate(SAE *sae)
{
  PetscFunctionBegin;
  if (!(decay_of(sae) > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(sae->block_size, &sae->average));
  PetscCall(ArrayCreate(sae->block_size, &sae->shown));
  PetscCall(ArrayCreate(sae->rows * sae->d, &sae->shown_atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AverageDestroy(SAE *sae)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&sae->average));
  PetscCall(ArrayDestroy(&sae->shown));
  PetscCall(ArrayDestroy(&sae->shown_atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void average_step(SAE *sae)
{
  const float keep = decay_of(sae), take = 1 - keep, *p = sae->block[0];
  for (int64_t i = 0; sae->average && i < sae->block_size; i++)
    sae->average[i] = __builtin_fmaf(keep, sae->average[i], take * p[i]);
}

float *average_of(const SAE *sae, const float *p)
{
  return sae->average ? sae->average + (p - sae->block[0]) : NULL;
}

void average_restart(SAE *sae, const float *p, int64_t count)
{
  float *sum = average_of(sae, p);
  if (!sum) return;
  const double before = gathered(sae, sae->step - 1);
  for (int64_t i = 0; i < count; i++) sum[i] = (float)(before * (double)p[i]);
}

/* Puts the tensors over another block of parameters. */
static void look_at(SAE *sae, float *from, float *to)
{
  for (int i = 0; i < sae->tensors; i++) sae->tensor[i].p = to + (sae->tensor[i].p - from);
}

void average_show(SAE *sae)
{
  const SAEAtoms *atoms = (const SAEAtoms *)sae->params.atoms.entry;
  float *p = sae->block[0];
  if (!sae->average) return;
  const double whole = gathered(sae, sae->step);
  for (int64_t i = 0; i < sae->block_size; i++)
    sae->shown[i] = whole > 0 ? (float)((double)sae->average[i] / whole) : p[i];
  look_at(sae, p, sae->shown);
  for (int i = 0; i < sae->tensors && whole > 0; i++) {
    const Tensor *t = &sae->tensor[i];
    if (t->rows) atoms->project(sae, t, 0, t->rows, p + (t->p - sae->shown));
  }
  atoms->form(sae, sae->shown_atoms);
  look_at(sae, sae->shown, p);
}

float *shown_tensor(const SAE *sae, const Tensor *t)
{
  return sae->average ? sae->shown + (t->p - sae->block[0]) : t->p;
}

float *shown_atoms(const SAE *sae)
{
  return sae->average ? sae->shown_atoms : sae->D + sae->first * sae->d;
}
