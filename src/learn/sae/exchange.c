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
  PetscCall(SharedCreate(nodes, m, &batch->fired_all));
  PetscCall(SharedCreate(nodes, route_leaves(b) * d, &batch->leaf_all));
  PetscCall(ArrayCreate(m, &batch->dead));
  PetscCall(ArrayCreate(m, &batch->q));
  PetscCall(ArrayCreate(m, &batch->norm));
  PetscCall(ArrayCreate(rows, &batch->gb));
  PetscCall(ArrayCreate(rows, &batch->zs));
  PetscCall(ArrayCreate(m, &batch->dead_atom));
  PetscCall(ArrayCreate(sae->size + 1, &batch->dead_starts));
  PetscCall(ArrayCreate(rows, &batch->ab));
  PetscCall(ArrayCreate(route_leaves(b) * d, &batch->leaf));
  PetscCall(ArrayCreate(max_i64(residuals_work(b, m), leaf_sums_work(b)), &batch->work));
  batch->use = dense_use();
  PetscCall(ArrayCreate(b, &batch->square));
  int64_t most = APPLY_COUNT;
  for (int i = 0; i < sae->tensors; i++) most = max_i64(most, sae->tensor[i].cols);
  PetscCall(ArrayCreate(most, &batch->previous));
  PetscCall(ArrayCreate(m + 1, &batch->bucket));
  PetscCall(ArrayCreate(rows, &batch->fired));
  PetscCall(ArrayCreate(m, &batch->active));
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
  void **arrays[] = {
      (void **)&batch->S,         (void **)&batch->g,           (void **)&batch->ga,
      (void **)&batch->dead,      (void **)&batch->q,           (void **)&batch->norm,
      (void **)&batch->gb,        (void **)&batch->zs,          (void **)&batch->aG,
      (void **)&batch->aE,        (void **)&batch->ab,          (void **)&batch->leaf,
      (void **)&batch->bucket,    (void **)&batch->token,       (void **)&batch->z,
      (void **)&batch->slope,     (void **)&batch->starts,      (void **)&batch->nonzeros,
      (void **)&batch->words,     (void **)&batch->work,        (void **)&batch->square,
      (void **)&batch->fired,     (void **)&batch->previous,    (void **)&batch->active,
      (void **)&batch->dead_atom, (void **)&batch->dead_starts, (void **)&batch->dead_D,
      (void **)&batch->dead_E,    (void **)&batch->dense};
  void **shared[] = {(void **)&batch->xc,        (void **)&batch->e,       (void **)&batch->ea,
                     (void **)&batch->ge,        (void **)&batch->gb_all,  (void **)&batch->chain,
                     (void **)&batch->fired_all, (void **)&batch->leaf_all};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
    PetscCall(SharedDestroyBytes(sae->nodes, shared[i]));
  PetscCall(ReduceDestroy(sae));
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

void batch_part(const SAE *sae, int64_t b, int rank, int64_t *first, int64_t *count)
{
  part_of(b, sae->route == ROUTE_ALLREDUCE ? LEAF_TOKENS : 1, rank, sae->size, first, count);
}

/* Route owner: codes, slopes and residuals of the whole batch, and, unless aux, its centred tokens:
 * they are known already then. */
static PetscErrorCode ExchangeCodes(SAE *sae, bool aux, SAETerm *term)
{
  SAEBatch *batch = sae->batch;
  SharedCodes *all = &batch->all[aux];
  const Codes *own = term->codes;
  const int64_t row = sae->d * (int64_t)sizeof(float);
  int64_t *tokens = batch->starts, *nonzeros = batch->starts + sae->size + 1;

  PetscFunctionBegin;
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

PetscErrorCode BatchGather(SAE *sae, bool aux, float *GD, float *GE, float *gb, float *zs)
{
  SAEBatch *batch = sae->batch;
  SAETerm term = {aux ? &batch->aux : &batch->own, aux ? batch->ga : batch->g,
                  aux ? batch->ea : batch->e, batch->xc};
  const AtomSet atoms = batch_atoms(sae, aux);

  PetscFunctionBegin;
  if (sae->size > 1 && sae->route == ROUTE_ALLREDUCE) {
    term.e += batch->first * sae->d, term.xc += batch->first * sae->d;
    PetscCall(BatchReduce(sae, &term, &atoms, GD, GE, gb, zs, aux ? NULL : batch->fired));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (sae->size > 1) PetscCall(ExchangeCodes(sae, aux, &term));
  PetscCall(BatchSums(sae, &term, atoms.first, atoms.rows, GD, GE, gb, zs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Column sums of e and which atoms fired, where no rank has all of e and all codes: known to all
 * after the exchange of rows. */
static int leaf_rows(SAE *sae, SharedRows *rows)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d, leaf = batch->first / LEAF_TOKENS;
  int64_t *leaves = batch->starts, count;
  for (int r = 0; r < sae->size; r++)
    part_of(route_leaves(batch->b), 1, r, sae->size, &leaves[r], &count);
  leaves[sae->size] = route_leaves(batch->b);
  batch_leaves(d, 0, d, batch->count, batch->e + batch->first * d, batch->leaf_all + leaf * d);
  if (sae->rows)
    memcpy(batch->fired_all + sae->first, batch->fired, (size_t)sae->rows * sizeof(float));
  rows[0] = (SharedRows){batch->leaf_all, d * (int64_t)sizeof(float), leaves};
  rows[1] = (SharedRows){batch->fired_all, sizeof(float), sae->starts};
  return 2;
}

PetscErrorCode BatchChain(SAE *sae, bool aux, const float *gb)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d, leaves = route_leaves(batch->b);
  const bool apart = sae->size > 1 && sae->route == ROUTE_ALLREDUCE;
  const AtomSet atoms = batch_atoms(sae, aux);
  const float *E = aux ? batch->dead_E : sae->E;
  SharedRows rows[3] = {{batch->gb_all, sizeof(float), atoms.starts}};
  int64_t first, cols;
  int count = 1;

  PetscFunctionBegin;
  part_of(d, 16, nodes_rank(sae->nodes), nodes_size(sae->nodes), &first, &cols);
  if (atoms.rows) memcpy(batch->gb_all + atoms.first, gb, (size_t)atoms.rows * sizeof(*gb));
  if (!aux && apart) count += leaf_rows(sae, rows + 1);
  if (!aux && !apart) batch_leaves(d, first, cols, batch->b, batch->e, batch->leaf);
  PetscCall(SharedExchange(sae->nodes, count, rows));
  for (int64_t l = 0; l < leaves && !aux && apart; l++)
    memcpy(batch->leaf + l * cols, batch->leaf_all + l * d + first, (size_t)cols * sizeof(float));
  if (!aux) batch_join_leaves(leaves, cols, batch->leaf);
  if (!aux && cols) memcpy(batch->ge + first, batch->leaf, (size_t)cols * sizeof(float));
  sae->kernels->combine(1, atoms.count, cols, batch->gb_all, atoms.count, E + first, d,
                        batch->chain + first, d);
  PetscCall(NodesBarrier(sae->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchRehearse(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  SAETerm term = {&batch->own, batch->g, batch->e, batch->xc};
  const AtomSet atoms = batch_atoms(sae, false);

  PetscFunctionBegin;
  if (sae->route == ROUTE_ALLREDUCE)
    PetscCall(BatchReduce(sae, NULL, &atoms, sae->G, tensor_named(sae, "encoder/weight")->g,
                          batch->gb, NULL, batch->fired));
  else
    PetscCall(ExchangeCodes(sae, false, &term));
  PetscCall(
      SharedExchange(sae->nodes, 1, (SharedRows[]){{batch->gb_all, sizeof(float), sae->starts}}));
  PetscCall(NodesBarrier(sae->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t batch_silence(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  const Codes *codes = sae->size > 1 ? &batch->all[0].codes : &batch->own;
  int64_t total = 0;
  for (int64_t j = 0; j < sae->m; j++) sae->silent[j] += batch->b;
  if (sae->size == 1 || sae->route == ROUTE_OWNER) {
    total = codes->start[codes->rows];
    for (int64_t q = 0; q < total; q++) sae->silent[codes->atom[q]] = 0;
    return total;
  }
  for (int64_t j = 0; j < sae->m; j++)
    if (batch->fired_all[j] > 0) sae->silent[j] = 0;
  for (int r = 0; r < sae->size; r++) total += batch->nonzeros[r];
  return total;
}
