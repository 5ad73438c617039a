/* The part of a step that is per token: scores, codes, residuals, slopes. */
#include "batch.h"
#include <string.h>

static PetscErrorCode Room(float **array, int64_t *space, int64_t count)
{
  PetscFunctionBegin;
  if (count <= *space) PetscFunctionReturn(PETSC_SUCCESS);
  float *old = *array;
  const int64_t grown = count + count / 2 + 16;
  PetscCall(ArrayCreate(grown, array));
  if (old) memcpy(*array, old, (size_t)*space * sizeof(*old));
  *space = grown;
  PetscCall(ArrayDestroy(&old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dead atoms of this step, and the penalty's slopes. */
static void prepare(SAE *sae, double l1)
{
  SAEBatch *batch = sae->batch;
  const Choice *revive = &sae->params.revive;
  const SAEAux aux = ((const SAERevive *)revive->entry)->aux(revive->params, sae->d);
  batch->deads = 0;
  for (int64_t j = 0; j < sae->m; j++) {
    batch->dead[j] = aux.weight > 0 && sae->silent[j] >= aux.dead_after;
    batch->deads += batch->dead[j];
    if (l1 <= 0) continue;
    batch->norm[j] = __builtin_sqrt(sae->kernels->square64(sae->d, sae->D + j * sae->d));
    batch->q[j] = (float)(l1 * batch->norm[j]);
  }
}

/* This rank's tokens of the batch of a step. */
static Stretch batch_stretch(const SAE *sae, int64_t step)
{
  const int64_t start = step % sae->per_epoch * sae->params.batch,
                b = min_i64(sae->params.batch, sae->n_train - start);
  int64_t first, count;
  part_of(b, 1, sae->rank, sae->size, &first, &count);
  return (Stretch){true, sae->task->seed_data, step / sae->per_epoch, start + first, count};
}

/* Centred tokens and scores of the tile's n tokens; the tokens are this rank's at .. at + n - 1. */
static PetscErrorCode TileScores(SAE *sae, int64_t at, int64_t n)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;
  float *xc = batch->xc + (batch->first + at) * d;
  const float *X = NULL;

  PetscFunctionBegin;
  PetscCall(ReaderRows(sae->task->reader, at, n, &X));
  for (int64_t t = 0; t < n; t++)
    for (int64_t i = 0; i < d; i++) xc[t * d + i] = X[t * d + i] - sae->bias[i];
  sae->kernels->scores(n, xc, d, &sae->encoder, sae->b, batch->S, sae->m);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TileCodes(SAE *sae, int64_t n)
{
  SAEBatch *batch = sae->batch;
  const Choice *code = &sae->params.code, *revive = &sae->params.revive;
  const SAECode *kind = (const SAECode *)code->entry;

  PetscFunctionBegin;
  const int64_t own = batch->own.start[batch->own.rows], most = kind->most(code->params, sae->m);
  PetscCall(CodesReserve(&batch->own, batch->own.rows + n, own + n * most));
  kind->forward(code->params, sae->kernels, n, sae->m, batch->S, &batch->own);
  PetscCall(Room(&batch->g, &batch->g_space, batch->own.start[batch->own.rows]));
  if (batch->deads) {
    const SAEAux aux = ((const SAERevive *)revive->entry)->aux(revive->params, sae->d);
    Codes *codes = &batch->aux;
    const int64_t have = codes->start[codes->rows], k = min_i64(aux.k, batch->deads);
    PetscCall(CodesReserve(codes, codes->rows + n, have + n * k));
    for (int64_t t = 0; t < n; t++) {
      const int64_t at = codes->start[codes->rows];
      codes->start[++codes->rows] =
          at + sae->kernels->select_top(sae->m, batch->S + t * sae->m, k, batch->dead,
                                        codes->atom + at, codes->value + at);
    }
    PetscCall(Room(&batch->ga, &batch->ga_space, codes->start[codes->rows]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Residuals, slopes and losses of tokens from .. to - 1. */
static void token_losses(SAE *sae, double l1, int64_t from, int64_t to, Exact losses[2])
{
  SAEBatch *batch = sae->batch;
  const SAEGoal *goal = (const SAEGoal *)sae->params.goal.entry;
  const int64_t d = sae->d;
  const float c = (float)(2.0 / (double)d);
  for (int64_t t = from; t < to; t++) {
    const int64_t at = batch->own.start[t], count = batch->own.start[t + 1] - at,
                  row = (batch->first + t) * d;
    const int32_t *atom = batch->own.atom + at;
    float *g = batch->g + at;
    exact_add(&losses[0], goal->token(sae->kernels, count, atom, batch->own.value + at, d, sae->D,
                                      batch->xc + row, batch->e + row, g));
    for (int64_t q = 0; q < count; q++) g[q] = c * g[q] + (l1 > 0 ? batch->q[atom[q]] : 0);
    if (l1 > 0) {
      double sum = 0;
      for (int64_t q = 0; q < count; q++)
        sum += (double)batch->own.value[at + q] * batch->norm[atom[q]];
      exact_add(&losses[1], sum);
    }
  }
}

PetscErrorCode BatchForward(SAE *sae, Exact losses[2])
{
  SAEBatch *batch = sae->batch;
  const SAECode *code = (const SAECode *)sae->params.code.entry;
  const double l1 = code->l1 ? code->l1(sae->params.code.params) : 0;
  const int64_t start = sae->step % sae->per_epoch * sae->params.batch;
  const Stretch now = batch_stretch(sae, sae->step), next = batch_stretch(sae, sae->step + 1);

  PetscFunctionBegin;
  batch->b = min_i64(sae->params.batch, sae->n_train - start);
  part_of(batch->b, 1, sae->rank, sae->size, &batch->first, &batch->count);
  PetscCall(ReaderAsk(sae->task->reader, &now, sae->step + 1 < sae->steps ? &next : NULL));
  batch->own.rows = batch->aux.rows = 0;
  prepare(sae, l1);
  for (int64_t at = 0; at < batch->count; at += TILE) {
    const int64_t n = min_i64(TILE, batch->count - at);
    PetscCall(TileScores(sae, at, n));
    PetscCall(TileCodes(sae, n));
    token_losses(sae, l1, at, at + n, losses);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchAux(SAE *sae, Exact *loss)
{
  SAEBatch *batch = sae->batch;
  const Kernels *kernels = sae->kernels;
  const int64_t d = sae->d;

  PetscFunctionBegin;
  for (int64_t t = 0; t < batch->count; t++) {
    const int64_t at = batch->aux.start[t], count = batch->aux.start[t + 1] - at,
                  row = (batch->first + t) * d;
    float *ea = batch->ea + row;
    kernels->decode(count, batch->aux.atom + at, batch->aux.value + at, d, sae->D, d, ea);
    for (int64_t i = 0; i < d; i++) ea[i] += batch->e[row + i];
    kernels->blockdots(count, batch->aux.atom + at, d, sae->D, d, ea, batch->ga + at);
    exact_add(loss, kernels->square64(d, ea));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
