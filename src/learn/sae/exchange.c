/* What the ranks of a group give each other in a step, and the scratch for it. */
#include "batch.h"
#include <limits.h>
#include <string.h>

PetscErrorCode BatchCreate(SAE *sae)
{
  SAEBatch *batch;
  const int64_t b = sae->params.batch, d = sae->d, m = sae->m, rows = sae->rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sae->batch));
  batch = sae->batch;
  PetscCall(ArrayCreate(TILE * m, &batch->S));
  PetscCall(ArrayCreate(b * d, &batch->xc));
  PetscCall(ArrayCreate(b * d, &batch->e));
  PetscCall(ArrayCreate(b * d, &batch->ea));
  PetscCall(ArrayCreate(m, &batch->dead));
  PetscCall(ArrayCreate(m, &batch->q));
  PetscCall(ArrayCreate(m, &batch->norm));
  PetscCall(ArrayCreate(rows * d, &batch->GE));
  PetscCall(ArrayCreate(rows, &batch->gb));
  PetscCall(ArrayCreate(rows, &batch->zs));
  PetscCall(ArrayCreate(d, &batch->ge));
  PetscCall(ArrayCreate(rows * d, &batch->aG));
  PetscCall(ArrayCreate(rows * d, &batch->aE));
  PetscCall(ArrayCreate(rows, &batch->ab));
  PetscCall(ArrayCreate(m, &batch->gb_all));
  PetscCall(ArrayCreate((b + LEAF - 1) / LEAF * d, &batch->leaf));
  PetscCall(ArrayCreate(rows + 1, &batch->bucket));
  PetscCall(ArrayCreate(d, &batch->chain));
  PetscCall(ArrayCreate(sae->size, &batch->counts));
  PetscCall(ArrayCreate(sae->size, &batch->starts));
  PetscCall(CodesReserve(&batch->own, b, 0));
  PetscCall(CodesReserve(&batch->aux, b, 0));
  PetscCall(CodesReserve(&batch->all, b, 0));
  PetscCall(CodesReserve(&batch->all_aux, b, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchDestroy(SAE *sae)
{
  SAEBatch *batch = sae->batch;

  PetscFunctionBegin;
  if (!batch) PetscFunctionReturn(PETSC_SUCCESS);
  void **arrays[] = {(void **)&batch->S,      (void **)&batch->xc,     (void **)&batch->e,
                     (void **)&batch->ea,     (void **)&batch->g,      (void **)&batch->ga,
                     (void **)&batch->all_g,  (void **)&batch->all_ga, (void **)&batch->dead,
                     (void **)&batch->q,      (void **)&batch->norm,   (void **)&batch->GE,
                     (void **)&batch->gb,     (void **)&batch->zs,     (void **)&batch->ge,
                     (void **)&batch->aG,     (void **)&batch->aE,     (void **)&batch->ab,
                     (void **)&batch->gb_all, (void **)&batch->leaf,   (void **)&batch->bucket,
                     (void **)&batch->token,  (void **)&batch->z,      (void **)&batch->slope,
                     (void **)&batch->chain,  (void **)&batch->counts, (void **)&batch->starts};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  codes_clear(&batch->own);
  codes_clear(&batch->aux);
  codes_clear(&batch->all);
  codes_clear(&batch->all_aux);
  PetscCall(ArrayDestroy(&sae->batch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* MPI counts in int: a batch with more codes than that cannot be exchanged. */
static PetscErrorCode CheckCodes(const SAE *sae)
{
  int64_t total = 0;

  PetscFunctionBegin;
  for (int r = 0; r < sae->size; r++) total += sae->batch->counts[r];
  PetscCheck(total < INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "the %lld tokens of a batch have %d active atoms or more, too many to be exchanged; "
             "take a smaller train.batch",
             (long long)sae->batch->b, INT_MAX);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void displace(const SAEBatch *batch, int size)
{
  batch->starts[0] = 0;
  for (int r = 1; r < size; r++) batch->starts[r] = batch->starts[r - 1] + batch->counts[r - 1];
}

/* Parts of 0 .. n - 1, each of cols elements, as counts and starts. */
static void parts(const SAE *sae, int64_t n, int64_t cols)
{
  for (int r = 0; r < sae->size; r++) {
    int64_t first, count;
    part_of(n, 1, r, sae->size, &first, &count);
    sae->batch->counts[r] = (int)(count * cols);
  }
  displace(sae->batch, sae->size);
}

PetscErrorCode GatherRows(SAE *sae, const float *here, int64_t cols, float *all)
{
  PetscFunctionBegin;
  parts(sae, sae->m, cols);
  PetscCallMPI(MPI_Allgatherv(here, (int)(sae->rows * cols), MPI_FLOAT, all, sae->batch->counts,
                              sae->batch->starts, MPI_FLOAT, sae->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchExchange(SAE *sae, const Codes *own, const float *own_g, Codes *all,
                             float **all_g, int64_t *space, float *rows)
{
  SAEBatch *batch = sae->batch;
  const int64_t mine = own->start[own->rows];
  const int mine_int = (int)min_i64(mine, INT_MAX);

  PetscFunctionBegin;
  parts(sae, batch->b, sae->d);
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, rows, batch->counts,
                              batch->starts, MPI_FLOAT, sae->comm));
  PetscCallMPI(MPI_Allgather(&mine_int, 1, MPI_INT, batch->counts, 1, MPI_INT, sae->comm));
  PetscCall(CheckCodes(sae));
  displace(batch, sae->size);
  const int64_t total = batch->starts[sae->size - 1] + batch->counts[sae->size - 1],
                before = batch->starts[sae->rank];
  PetscCall(CodesReserve(all, batch->b, total));
  if (total > *space) {
    PetscCall(ArrayDestroy(all_g));
    *space = total + total / 2;
    PetscCall(ArrayCreate(*space, all_g));
  }
  PetscCallMPI(MPI_Allgatherv(own->atom, mine_int, MPI_INT32_T, all->atom, batch->counts,
                              batch->starts, MPI_INT32_T, sae->comm));
  PetscCallMPI(MPI_Allgatherv(own->value, mine_int, MPI_FLOAT, all->value, batch->counts,
                              batch->starts, MPI_FLOAT, sae->comm));
  PetscCallMPI(MPI_Allgatherv(own_g, mine_int, MPI_FLOAT, *all_g, batch->counts, batch->starts,
                              MPI_FLOAT, sae->comm));
  for (int64_t t = 0; t < batch->count; t++) all->start[batch->first + t] = before + own->start[t];
  parts(sae, batch->b, 1);
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all->start, batch->counts,
                              batch->starts, MPI_INT64_T, sae->comm));
  all->start[batch->b] = total;
  all->rows = batch->b;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchShareTokens(SAE *sae)
{
  PetscFunctionBegin;
  parts(sae, sae->batch->b, sae->d);
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, sae->batch->xc,
                              sae->batch->counts, sae->batch->starts, MPI_FLOAT, sae->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
