/* What the ranks of a group give each other in a step, and the scratch for it. */
#include "base/array.h"
#include "batch.h"
#include "learn/pursue.h"
#include <string.h>

static PetscErrorCode DropCodes(SAE *sae, SharedCodes *all)
{
  PetscFunctionBegin;
  PetscCall(SharedDestroy(sae->nodes, &all->codes.start));
  PetscCall(SharedDestroy(sae->nodes, &all->codes.atom));
  PetscCall(SharedDestroy(sae->nodes, &all->codes.value));
  PetscCall(SharedDestroy(sae->nodes, &all->g));
  PetscCall(SharedDestroy(sae->nodes, &all->own));
  all->codes.space = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateHidden(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  const int64_t b = sae->params.batch, inputs = sae->inputs;

  PetscFunctionBegin;
  PetscCall(SharedCreate(sae->nodes, b * inputs, &batch->in));
  for (int i = 0; i < 3; i++) PetscCall(SharedCreate(sae->nodes, b * inputs, &batch->hidden[i]));
  PetscCall(ArrayCreate(b * inputs, &batch->norm_in));
  PetscCall(ArrayCreate(b, &batch->inverse));
  PetscCall(ArrayCreate(2 * max_i64(inputs, sae->d), &batch->hidden_row));
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
  batch->parts = PART_MAIN + sae->levels.count;
  if (sae->unchosen.weight > 0) batch->unchosen = batch->parts++;
  if (sae->now.code->gate) batch->gate = batch->parts++;
  if (sae->now.code->unrolled) {
    const int64_t k = sae->now.code->most(&sae->now, INT64_MAX);
    batch->picks = batch->parts++;
    PetscCall(ArrayCreate(1, &batch->trace));
    batch->trace->k = k;
    PetscCall(ArrayCreate(b * k, &batch->trace->pick));
    PetscCall(ArrayCreate(b * k, &batch->trace->coefficient));
  }
  PetscCall(ArrayCreate(TILE * m, &batch->S));
  PetscCall(SharedCreate(nodes, b * d, &batch->xc));
  batch->in = batch->xc;
  if (encoder_rows(sae) == ROWS_HIDDEN) PetscCall(CreateHidden(sae));
  batch->whole.has_more = batch->part[PART_MAIN].codes.has_more = sae->now.code->more;
  for (int p = 0; p < batch->parts; p++) {
    PetscCall(SharedCreate(nodes, b * d, &batch->part[p].e));
    PetscCall(CodesReserve(&batch->part[p].codes, b, 0));
  }
  batch->rest = batch->part[PART_MAIN].e;
  if (sae_apart(sae)) PetscCall(SharedCreate(nodes, b * d, &batch->rest));
  if (sae_levels(sae) > 1 || batch->gate)
    PetscCall(ArrayCreate(rows * (d + sae->inputs + 4), &batch->level_sums));
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
  PetscCall(ArrayCreate(rows, &batch->own));
  PetscCall(ArrayCreate(rows, &batch->gate_gb));
  PetscCall(ArrayCreate(rows, &batch->main_gb));
  PetscCall(ArrayCreate(rows, &batch->unused));
  PetscCall(ArrayCreate(m, &batch->dead_atom));
  PetscCall(ArrayCreate(sae->size + 1, &batch->dead_starts));
  PetscCall(ArrayCreate(rows, &batch->ab));
  PetscCall(ArrayCreate(route_leaves(b) * max_i64(d, sae->inputs), &batch->leaf));
  PetscCall(ArrayCreate(step_work(b, m, batch->picks), &batch->work));
  batch->use = dense_use();
  PetscCall(ArrayCreate(b, &batch->square));
  int64_t most = APPLY_COUNT;
  for (int i = 0; i < sae->tensors; i++) most = max_i64(most, sae->tensor[i].cols);
  PetscCall(ArrayCreate(most, &batch->previous));
  PetscCall(ArrayCreate(m + 1, &batch->bucket));
  PetscCall(ArrayCreate(rows, &batch->fired));
  PetscCall(ArrayCreate(m, &batch->atoms));
  PetscCall(ArrayCreate(batch->parts * sae->size, &batch->nonzeros));
  PetscCall(ArrayCreate(2 * (sae->size + 1), &batch->starts));
  PetscCall(
      ArrayCreate(3 * (int64_t)(sizeof(Exact) / 8) + batch->parts * sae->size + 1, &batch->words));
  PetscCall(CodesReserve(&batch->whole, b, 0));
  PetscCall(BorderCreate(sae));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchDestroy(SAE *sae)
{
  SAEBatch *batch = sae->batch;

  PetscFunctionBegin;
  if (!batch) PetscFunctionReturn(PETSC_SUCCESS);
  void **arrays[] = {
      (void **)&batch->S,         (void **)&batch->dead,        (void **)&batch->q,
      (void **)&batch->norm,      (void **)&batch->gb,          (void **)&batch->zs,
      (void **)&batch->own,       (void **)&batch->aG,          (void **)&batch->aE,
      (void **)&batch->ab,        (void **)&batch->leaf,        (void **)&batch->bucket,
      (void **)&batch->token,     (void **)&batch->z,           (void **)&batch->slope,
      (void **)&batch->slope_own, (void **)&batch->starts,      (void **)&batch->nonzeros,
      (void **)&batch->words,     (void **)&batch->work,        (void **)&batch->square,
      (void **)&batch->fired,     (void **)&batch->previous,    (void **)&batch->atoms,
      (void **)&batch->dead_atom, (void **)&batch->dead_starts, (void **)&batch->dead_D,
      (void **)&batch->dead_E,    (void **)&batch->dense,       (void **)&batch->level_sums,
      (void **)&batch->gate_gb,   (void **)&batch->main_gb,     (void **)&batch->unused};
  if (batch->in != batch->xc) PetscCall(SharedDestroy(sae->nodes, &batch->in));
  for (int i = 0; i < 3; i++) PetscCall(SharedDestroy(sae->nodes, &batch->hidden[i]));
  PetscCall(ArrayDestroy(&batch->norm_in));
  PetscCall(ArrayDestroy(&batch->inverse));
  PetscCall(ArrayDestroy(&batch->hidden_row));
  if (batch->rest != batch->part[PART_MAIN].e) PetscCall(SharedDestroy(sae->nodes, &batch->rest));
  void **shared[] = {(void **)&batch->xc,    (void **)&batch->ge,        (void **)&batch->gb_all,
                     (void **)&batch->chain, (void **)&batch->fired_all, (void **)&batch->leaf_all};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
    PetscCall(SharedDestroyBytes(sae->nodes, shared[i]));
  PetscCall(ReduceDestroy(sae));
  PetscCall(BorderDestroy(sae));
  for (int p = 0; p < batch->parts; p++) {
    SAEPart *part = &batch->part[p];
    PetscCall(SharedDestroy(sae->nodes, &part->e));
    PetscCall(DropCodes(sae, &part->all));
    PetscCall(ArrayDestroy(&part->g));
    PetscCall(ArrayDestroy(&part->own));
    codes_clear(&part->codes);
  }
  codes_clear(&batch->whole);
  if (batch->trace) {
    PetscCall(ArrayDestroy(&batch->trace->pick));
    PetscCall(ArrayDestroy(&batch->trace->coefficient));
    PetscCall(ArrayDestroy(&batch->trace));
  }
  PetscCall(ArrayDestroy(&sae->batch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SAESum(SAE *sae, int n, Exact *sums)
{
  enum { WORDS = sizeof(Exact) / sizeof(int64_t), MOST = 3 };
  SAEBatch *batch = sae->batch;
  const int64_t words = n * WORDS;
  int64_t *all = batch->words;

  PetscFunctionBegin;
  batch->active = batch->active_here;
  if (sae->size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(n <= MOST, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%d sums at a time", n);
  for (int i = 0; i < n; i++) { /* joining leaves the words short enough to be added */
    Exact whole = {0};
    exact_join(&whole, &sums[i]);
    memcpy(all + i * WORDS, &whole, sizeof(whole));
  }
  const int64_t counts = (int64_t)batch->parts * sae->size;
  memset(all + words, 0, (size_t)(counts + 1) * sizeof(*all));
  for (int p = 0; p < batch->parts; p++) {
    const Codes *codes = &batch->part[p].codes;
    all[words + p * sae->size + sae->rank] = codes->start[codes->rows];
  }
  all[words + counts] = batch->active_here;
  PetscCall(NodesSum(sae->nodes, words + counts + 1, all));
  memcpy(sums, all, (size_t)n * sizeof(*sums));
  memcpy(batch->nonzeros, all + words, (size_t)counts * sizeof(*all));
  batch->active = all[words + counts];
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
  if (sae->now.code->slopes) PetscCall(SharedCreate(sae->nodes, all->codes.space, &all->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where each rank's nonzeros start in those of the batch. */
static void nonzero_starts(const SAE *sae, int part, int64_t *start)
{
  start[0] = 0;
  for (int r = 0; r < sae->size; r++)
    start[r + 1] = start[r] + sae->batch->nonzeros[part * sae->size + r];
}

void batch_part(const SAE *sae, int64_t b, int rank, int64_t *first, int64_t *count)
{
  part_of(b, sae->route == ROUTE_ALLREDUCE ? LEAF_TOKENS : 1, rank, sae->size, first, count);
}

/* Route owner: codes, slopes and residuals of the whole batch, and, with the first level, its
 * centred tokens. */
static PetscErrorCode ExchangeCodes(SAE *sae, int part, SAETerm *term)
{
  SAEBatch *batch = sae->batch;
  SharedCodes *all = &batch->part[part].all;
  const Codes *own = term->codes;
  const int64_t row = sae->d * (int64_t)sizeof(float), taken = sae->inputs * (int64_t)sizeof(float);
  int64_t *tokens = batch->starts, *nonzeros = batch->starts + sae->size + 1;
  SharedRows rows[8];
  int count = 0;

  PetscFunctionBegin;
  parts_of(batch->b, sae->size, tokens);
  nonzero_starts(sae, part, nonzeros);
  const int64_t before = nonzeros[sae->rank], total = nonzeros[sae->size];
  const size_t mine = (size_t)(nonzeros[sae->rank + 1] - before);
  PetscCall(Room(sae, all, total));
  for (int64_t t = 0; t < batch->count; t++)
    all->codes.start[batch->first + t] = before + own->start[t];
  if (mine) {
    memcpy(all->codes.atom + before, own->atom, mine * sizeof(*own->atom));
    memcpy(all->codes.value + before, own->value, mine * sizeof(*own->value));
    memcpy(all->g + before, term->g, mine * sizeof(*all->g));
    if (term->own) memcpy(all->own + before, term->own, mine * sizeof(*all->own));
  }
  rows[count++] = (SharedRows){batch->part[part].e, row, tokens};
  rows[count++] = (SharedRows){all->codes.start, sizeof(int64_t), tokens};
  rows[count++] = (SharedRows){all->codes.atom, sizeof(int32_t), nonzeros};
  rows[count++] = (SharedRows){all->codes.value, sizeof(float), nonzeros};
  rows[count++] = (SharedRows){all->g, sizeof(float), nonzeros};
  if (term->own) rows[count++] = (SharedRows){all->own, sizeof(float), nonzeros};
  if (part == PART_MAIN && sae->GE) rows[count++] = (SharedRows){batch->in, taken, tokens};
  if (term->picks) rows[count++] = (SharedRows){batch->part[PART_MAIN].e, row, tokens};
  PetscCall(SharedExchange(sae->nodes, count, rows));
  all->codes.start[batch->b] = total; /* the same from every rank */
  all->codes.rows = batch->b;
  term->codes = &all->codes, term->g = all->g, term->own = term->own ? all->own : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static SAETerm term_of(const SAE *sae, int p)
{
  const SAEBatch *batch = sae->batch;
  const SAEPart *part = &batch->part[p];
  const bool own = sae->now.code->slopes && p >= PART_MAIN && p < PART_MAIN + sae->levels.count,
             picks = p && p == batch->picks;
  return (SAETerm){
      &part->codes, part->g, own ? part->own : NULL, batch->part[picks ? PART_MAIN : p].e,
      batch->in,    picks};
}

PetscErrorCode BatchGather(SAE *sae, int part, const SAESums *sums)
{
  SAEBatch *batch = sae->batch;
  SAETerm term = term_of(sae, part);
  const AtomSet atoms = batch_atoms(sae, part == PART_AUX);

  PetscFunctionBegin;
  batch->found = -1;
  if (sae->size > 1 && sae->route == ROUTE_ALLREDUCE) {
    term.e += batch->first * sae->d, term.in += batch->first * sae->inputs;
    PetscCall(BatchReduce(sae, &term, &atoms, sums));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (sae->size > 1) PetscCall(ExchangeCodes(sae, part, &term));
  PetscCall(BatchSums(sae, &term, atoms.first, atoms.rows, sums));
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
  batch_leaves(sae->kernels, d, 0, d, batch->count, batch->part[sae_main(sae)].e + batch->first * d,
               batch->leaf_all + leaf * d);
  if (sae->rows)
    memcpy(batch->fired_all + sae->first, batch->fired, (size_t)sae->rows * sizeof(float));
  rows[0] = (SharedRows){batch->leaf_all, d * (int64_t)sizeof(float), leaves};
  rows[1] = (SharedRows){batch->fired_all, sizeof(float), sae->starts};
  return 2;
}

/* The same where each node has all of e: its ranks share the leaves, whole ones as far as that
   goes, whose rows are read from end to end. */
static void share_leaves(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d, leaf = LEAF_TOKENS * d;
  int64_t first, count;
  part_of(route_leaves(batch->b) * d, 1, nodes_rank(sae->nodes), nodes_size(sae->nodes), &first,
          &count);
  for (int64_t l = 0; l < route_leaves(batch->b); l++) {
    const int64_t at = max_i64(first - l * d, 0), end = min_i64(first + count - l * d, d);
    if (end <= at) continue;
    batch_leaves(sae->kernels, d, at, end - at, min_i64(LEAF_TOKENS, batch->b - l * LEAF_TOKENS),
                 batch->part[sae_main(sae)].e + l * leaf, batch->leaf_all + l * d + at);
  }
}

/* Columns of the chain over the rows of the unit matrix, of finite gb: one product is not a zero.
 */
static void unit_chain(const float *gb, int64_t first, int64_t cols, float *chain)
{
  for (int64_t i = first; i < first + cols; i++) chain[i] = gb[i] + 0.0f;
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
  if (!aux && !apart && !batch->leaves_made) share_leaves(sae);
  PetscCall(SharedExchange(sae->nodes, count, rows));
  for (int64_t l = 0; l < leaves && !aux; l++)
    memcpy(batch->leaf + l * cols, batch->leaf_all + l * d + first, (size_t)cols * sizeof(float));
  if (!aux) batch_join_leaves(leaves, cols, batch->leaf);
  if (!aux && cols) memcpy(batch->ge + first, batch->leaf, (size_t)cols * sizeof(float));
  if (encoder_rows(sae) == ROWS_HIDDEN) /* the way back leads through the hidden layer */
    memset(batch->chain + first, 0, (size_t)cols * sizeof(float));
  else if (encoder_rows(sae) == ROWS_IDENTITY && !aux)
    unit_chain(batch->gb_all, first, cols, batch->chain);
  else
    sae->kernels->combine(1, atoms.count, cols, batch->gb_all, atoms.count, E + first, d,
                          batch->chain + first, d);
  PetscCall(NodesBarrier(sae->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchColumns(SAE *sae, int64_t d, float *x, const float **columns)
{
  SAEBatch *batch = sae->batch;
  int64_t *tokens = batch->starts, count;

  PetscFunctionBegin;
  for (int r = 0; r < sae->size; r++) batch_part(sae, batch->b, r, &tokens[r], &count);
  tokens[sae->size] = batch->b;
  PetscCall(SharedExchange(sae->nodes, 1, (SharedRows[]){{x, d * (int64_t)sizeof(float), tokens}}));
  batch_leaves(sae->kernels, d, 0, d, batch->b, x, batch->leaf);
  batch_join_leaves(route_leaves(batch->b), d, batch->leaf);
  *columns = batch->leaf;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchRest(SAE *sae, double *square, const float **columns)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;

  PetscFunctionBegin;
  PetscCall(BatchColumns(sae, d, batch->rest, columns));
  *square = 0;
  for (int64_t t = 0; t < batch->b; t++) *square += sae->kernels->square64(d, batch->rest + t * d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchRehearse(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  SAETerm term = term_of(sae, sae_main(sae));
  const AtomSet atoms = batch_atoms(sae, false);
  const SAESums sums = {
      sums_always(sae) | 1 << SUM_FIRED,
      {[SUM_GD] = sae->G, [SUM_GE] = sae->GE, [SUM_GB] = batch->gb, [SUM_FIRED] = batch->fired}};

  PetscFunctionBegin;
  if (sae->route == ROUTE_ALLREDUCE)
    PetscCall(BatchReduce(sae, NULL, &atoms, &sums));
  else
    PetscCall(ExchangeCodes(sae, sae_main(sae), &term));
  PetscCall(
      SharedExchange(sae->nodes, 1, (SharedRows[]){{batch->gb_all, sizeof(float), sae->starts}}));
  PetscCall(NodesBarrier(sae->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void batch_silence(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  for (int64_t j = 0; j < sae->m; j++) sae->silent[j] += batch->b;
  if (sae->size > 1 && sae->route == ROUTE_ALLREDUCE) {
    for (int64_t j = 0; j < sae->m; j++)
      if (batch->fired_all[j] > 0) sae->silent[j] = 0;
    return;
  }
  for (int p = sae_main(sae); p < sae_main(sae) + sae->levels.count; p++) {
    const Codes *codes = sae->size > 1 ? &batch->part[p].all.codes : &batch->part[p].codes;
    for (int64_t q = 0; q < codes->start[codes->rows]; q++)
      if (codes->value[q] != 0) sae->silent[codes->atom[q]] = 0;
  }
}
