/* A sparse autoencoder's parameters: one block, named views into it, each atom with the rank that
 * owns it. */
#include "learn/sae.h"
#include "batch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sae_add_tensor(SAE *sae, const char *name, bool shared, int64_t cols)
{
  if (sae->tensors == SAE_TENSORS)
    abort(); /* a bug: a model with more tensors than there is room for */
  Tensor *t = &sae->tensor[sae->tensors];
  *t = (Tensor){.name = name,
                .shared = shared,
                .rank = shared || !cols ? 1 : 2,
                .cols = max_i64(cols, 1),
                .rows = shared ? 1 : sae->rows};
  snprintf(t->names[0], sizeof(t->names[0]), "%s", name);
  snprintf(t->names[1], sizeof(t->names[1]), "moment1/%s", name);
  snprintf(t->names[2], sizeof(t->names[2]), "moment2/%s", name);
  return sae->tensors++;
}

Tensor *tensor_named(SAE *sae, const char *name)
{
  for (int i = 0; i < sae->tensors; i++)
    if (!strcmp(sae->tensor[i].name, name)) return &sae->tensor[i];
  return NULL;
}

static PetscErrorCode LayOut(SAE *sae)
{
  const SAEAtoms *atoms = (const SAEAtoms *)sae->params.atoms.entry;

  PetscFunctionBegin;
  atoms->tensors(sae);
  sae_add_tensor(sae, "encoder/weight", false, sae->d);
  sae_add_tensor(sae, "encoder/bias", false, 0);
  sae_add_tensor(sae, "bias", true, sae->d);
  for (int i = 0; i < sae->tensors; i++)
    sae->block_size += sae->tensor[i].rows * sae->tensor[i].cols;
  for (int k = 0; k < 4; k++) PetscCall(ArrayCreate(sae->block_size, &sae->block[k]));
  PetscCall(ArrayCreate(sae->block_size, &sae->previous));
  int64_t at = 0;
  for (int i = 0; i < sae->tensors; i++) {
    Tensor *t = &sae->tensor[i];
    t->p = sae->block[0] + at, t->g = sae->block[1] + at, t->m = sae->block[2] + at,
    t->v = sae->block[3] + at;
    at += t->rows * t->cols;
  }
  sae->bias = tensor_named(sae, "bias")->p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(SAE *sae)
{
  const SAEAtoms *atoms = (const SAEAtoms *)sae->params.atoms.entry;
  const Choice *encoder = &sae->params.encoder;

  PetscFunctionBegin;
  PetscCall(atoms->start(sae));
  atoms->form(sae, sae->G);
  ((const SAEEncoder *)encoder->entry)->start(encoder->params, sae, sae->G);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void count_steps(SAE *sae)
{
  SAEParams *params = &sae->params;
  sae->n_train = split_count(sae->task->view.split, false);
  sae->per_epoch = (sae->n_train + params->batch - 1) / params->batch;
  sae->steps = params->steps ? params->steps : params->epochs * sae->per_epoch;
}

PetscErrorCode SAECreate(const Task *task, SAE **out)
{
  SAE *sae;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sae));
  sae->task = task, sae->kernels = task->view.kernels, sae->comm = task->comm;
  PetscCallMPI(MPI_Comm_rank(sae->comm, &sae->rank));
  PetscCallMPI(MPI_Comm_size(sae->comm, &sae->size));
  PetscCall(ParamsRead(task->settings, "", sae_params, &sae->params));
  sae->m = sae->params.width, sae->d = tokens_width(task->view.tokens);
  part_of(sae->m, 1, sae->rank, sae->size, &sae->first, &sae->rows);
  count_steps(sae);
  PetscCall(ArrayCreate(sae->m * sae->d, &sae->D));
  PetscCall(ArrayCreate(sae->m * sae->d, &sae->E));
  PetscCall(ArrayCreate(sae->m, &sae->b));
  PetscCall(ArrayCreate(sae->m, &sae->silent));
  PetscCall(ArrayCreate(sae->rows * sae->d, &sae->G));
  if (task->anchors)
    sae->kernels->pack(task->anchors->p, sae->d, task->anchors->points, sae->d, &sae->anchors);
  PetscCall(LayOut(sae));
  PetscCall(BatchCreate(sae));
  PetscCall(Start(sae));
  PetscCall(SAEPublish(sae));
  *out = sae;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SAEPublish(SAE *sae)
{
  PetscFunctionBegin;
  ((const SAEAtoms *)sae->params.atoms.entry)->form(sae, sae->G);
  PetscCall(GatherRows(sae, sae->G, sae->d, sae->D));
  PetscCall(GatherRows(sae, tensor_named(sae, "encoder/weight")->p, sae->d, sae->E));
  PetscCall(GatherRows(sae, tensor_named(sae, "encoder/bias")->p, 1, sae->b));
  sae->kernels->pack(sae->m, sae->d, sae->E, sae->d, &sae->encoder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SAEDestroy(SAE **sae)
{
  PetscFunctionBegin;
  if (!*sae) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(BatchDestroy(*sae));
  for (int k = 0; k < 4; k++) PetscCall(ArrayDestroy(&(*sae)->block[k]));
  PetscCall(ArrayDestroy(&(*sae)->previous));
  PetscCall(ArrayDestroy(&(*sae)->D));
  PetscCall(ArrayDestroy(&(*sae)->E));
  PetscCall(ArrayDestroy(&(*sae)->b));
  PetscCall(ArrayDestroy(&(*sae)->silent));
  PetscCall(ArrayDestroy(&(*sae)->G));
  packed_clear(&(*sae)->encoder);
  packed_clear(&(*sae)->anchors);
  PetscCall(ParamsRelease(sae_params, &(*sae)->params));
  PetscCall(ArrayDestroy(sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}
