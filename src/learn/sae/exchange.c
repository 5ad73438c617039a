/* What the ranks of a group give each other in a step, and the scratch for it. */
#include "base/array.h"
#include "batch.h"
#include <string.h>

static PetscErrorCode DropCodes(SAE *sae, SharedCodes *all)
{
  PetscFunctionBegin;
  PetscCall(SharedDestroy(sae->nodes, &all->codes.start));
  PetscCall(SharedDestroy(sae->nodes, &all->codes.atom));
  PetscCall(SharedDestroy(sae->nodes, &all->codes.value));
  PetscCall(SharedDestroy(sae->nodes, &all->g));
  all->codes.space = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchCreate(SAE *sae)
{
  SAEBatch *batch;
  Nodes *nodes = sae->nodes;
  const int64_t b = sae->params.batch, d = sae->d, m = sae->m, rows = sae->rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sae->batch));
  batch = sae->batch;
  PetscCall(ArrayCreate(TILE * m, &batch->S));
  PetscCall(SharedCreate(nodes, b * d, &batch->xc));
  PetscCall(SharedCreate(nodes, b * d, &batch->e));
  PetscCall(SharedCreate(nodes, b * d, &batch->ea));
  PetscCall(SharedCreate(nodes, d, &batch->ge));
  PetscCall(SharedCreate(nodes, m, &batch->gb_all));
  PetscCall(SharedCreate(nodes, d, &batch->chain));
  PetscCall(ArrayCreate(m, &batch->dead));
  PetscCall(ArrayCreate(m, &batch->q));
  PetscCall(ArrayCreate(m, &batch->norm));
  PetscCall(ArrayCreate(rows * d, &batch->GE));
  PetscCall(ArrayCreate(rows, &batch->gb));
  PetscCall(ArrayCreate(rows, &batch->zs));
  PetscCall(ArrayCreate(rows * d, &batch->aG));
  PetscCall(ArrayCreate(rows * d, &batch->aE));
  PetscCall(ArrayCreate(rows, &batch->ab));
  PetscCall(ArrayCreate((b + LEAF_TOKENS - 1) / LEAF_TOKENS * d, &batch->leaf));
  PetscCall(ArrayCreate(max_i64(residuals_work(b, m), leaf_sums_work(b)), &batch->work));
  PetscCall(ArrayCreate(b, &batch->square));
  int64_t most = APPLY_COUNT;
  for (int i = 0; i < sae->tensors; i++) most = max_i64(most, sae->tensor[i].cols);
  PetscCall(ArrayCreate(most, &batch->previous));
  PetscCall(ArrayCreate(rows + 1, &batch->bucket));
  PetscCall(ArrayCreate(2 * sae->size, &batch->nonzeros));
  PetscCall(ArrayCreate(2 * (sae->size + 1), &batch->starts));
  PetscCall(ArrayCreate(2 * (int64_t)(sizeof(Exact) / 8) + 2 * sae->size, &batch->words));
  PetscCall(CodesReserve(&batch->own, b, 0));
  PetscCall(CodesReserve(&batch->aux, b, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchDestroy(SAE *sae)
{
  SAEBatch *batch = sae->batch;

  PetscFunctionBegin;
  if (!batch) PetscFunctionReturn(PETSC_SUCCESS);
  void **arrays[] = {(void **)&batch->S,        (void **)&batch->g,       (void **)&batch->ga,
                     (void **)&batch->dead,     (void **)&batch->q,       (void **)&batch->norm,
                     (void **)&batch->GE,       (void **)&batch->gb,      (void **)&batch->zs,
                     (void **)&batch->aG,       (void **)&batch->aE,      (void **)&batch->ab,
                     (void **)&batch->leaf,     (void **)&batch->bucket,  (void **)&batch->token,
                     (void **)&batch->z,        (void **)&batch->slope,   (void **)&batch->starts,
                     (void **)&batch->nonzeros, (void **)&batch->words,   (void **)&batch->work,
                     (void **)&batch->square,   (void **)&batch->previous};
  void **shared[] = {(void **)&batch->xc, (void **)&batch->e,      (void **)&batch->ea,
                     (void **)&batch->ge, (void **)&batch->gb_all, (void **)&batch->chain};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
    PetscCall(SharedDestroyBytes(sae->nodes, shared[i]));
  for (int aux = 0; aux < 2; aux++) PetscCall(DropCodes(sae, &batch->all[aux]));
  codes_clear(&batch->own);
  codes_clear(&batch->aux);
  PetscCall(ArrayDestroy(&sae->batch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SAESum(SAE *sae, int n, Exact *sums)
{
  enum { WORDS = sizeof(Exact) / sizeof(int64_t), MOST = 2 };
  SAEBatch *batch = sae->batch;
  const int64_t words = n * WORDS;
  int64_t *all = batch->words;

  PetscFunctionBegin;
  if (sae->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(n <= MOST, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%d sums at a time", n);
  for (int i = 0; i < n; i++) { /* joining leaves the words short enough to be added */
    Exact whole = {0};
    exact_join(&whole, &sums[i]);
    memcpy(all + i * WORDS, &whole, sizeof(whole));
  }
  memset(all + words, 0, (size_t)(2 * sae->size) * sizeof(*all));
  all[words + sae->rank] = batch->own.start[batch->own.rows];
  all[words + sae->size + sae->rank] = batch->aux.start[batch->aux.rows];
  PetscCall(NodesSum(sae->nodes, words + 2 * sae->size, all));
  memcpy(sums, all, (size_t)n * sizeof(*sums));
  memcpy(batch->nonzeros, all + words, (size_t)(2 * sae->size) * sizeof(*all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Room for the codes of the whole batch. All ranks know how many those are. */
static PetscErrorCode Room(SAE *sae, SharedCodes *all, int64_t total)
{
  PetscFunctionBegin;
  if (all->codes.start && total <= all->codes.space) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DropCodes(sae, all));
  all->codes.space = total + total / 2 + 16;
  PetscCall(SharedCreate(sae->nodes, sae->params.batch + 1, &all->codes.start));
  PetscCall(SharedCreate(sae->nodes, all->codes.space, &all->codes.atom));
  PetscCall(SharedCreate(sae->nodes, all->codes.space, &all->codes.value));
  PetscCall(SharedCreate(sae->nodes, all->codes.space, &all->g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where each rank's nonzeros start in those of the batch. */
static void nonzero_starts(const SAE *sae, bool aux, int64_t *start)
{
  start[0] = 0;
  for (int r = 0; r < sae->size; r++)
    start[r + 1] = start[r] + sae->batch->nonzeros[aux * sae->size + r];
}

PetscErrorCode BatchExchange(SAE *sae, bool aux, SAETerm *term)
{
  SAEBatch *batch = sae->batch;
  SharedCodes *all = &batch->all[aux];
  const Codes *own = aux ? &batch->aux : &batch->own;
  const int64_t row = sae->d * (int64_t)sizeof(float);
  int64_t *tokens = batch->starts, *nonzeros = batch->starts + sae->size + 1;

  PetscFunctionBegin;
  *term = (SAETerm){own, aux ? batch->ga : batch->g, aux ? batch->ea : batch->e};
  if (sae->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  parts_of(batch->b, sae->size, tokens);
  nonzero_starts(sae, aux, nonzeros);
  const int64_t before = nonzeros[sae->rank], total = nonzeros[sae->size];
  const size_t mine = (size_t)(nonzeros[sae->rank + 1] - before);
  PetscCall(Room(sae, all, total));
  for (int64_t t = 0; t < batch->count; t++)
    all->codes.start[batch->first + t] = before + own->start[t];
  if (mine) {
    memcpy(all->codes.atom + before, own->atom, mine * sizeof(*own->atom));
    memcpy(all->codes.value + before, own->value, mine * sizeof(*own->value));
    memcpy(all->g + before, term->g, mine * sizeof(*all->g));
  }
  PetscCall(SharedExchange(sae->nodes, aux ? 5 : 6,
                           (SharedRows[]){{(void *)(aux ? batch->ea : batch->e), row, tokens},
                                          {all->codes.start, sizeof(int64_t), tokens},
                                          {all->codes.atom, sizeof(int32_t), nonzeros},
                                          {all->codes.value, sizeof(float), nonzeros},
                                          {all->g, sizeof(float), nonzeros},
                                          {batch->xc, row, tokens}}));
  all->codes.start[batch->b] = total; /* the same from every rank */
  all->codes.rows = batch->b;
  term->codes = &all->codes, term->g = all->g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchChain(SAE *sae, const float *gb, const float *e)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;
  int64_t first, cols;

  PetscFunctionBegin;
  part_of(d, 16, nodes_rank(sae->nodes), nodes_size(sae->nodes), &first, &cols);
  if (e) batch_column_sums(sae, e, first, cols, batch->ge);
  if (sae->rows) memcpy(batch->gb_all + sae->first, gb, (size_t)sae->rows * sizeof(*gb));
  PetscCall(
      SharedExchange(sae->nodes, 1, (SharedRows[]){{batch->gb_all, sizeof(float), sae->starts}}));
  sae->kernels->combine(1, sae->m, cols, batch->gb_all, sae->m, sae->E + first, d,
                        batch->chain + first, d);
  PetscCall(NodesBarrier(sae->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
