/* Dead atoms begin anew from badly reconstructed tokens of the batch. */
#include "learn/resample.h"
#include "base/math.h"
#include "base/random.h"
#include "batch.h"
#include "learn/average.h"
#include <stdlib.h>
#include <string.h>

/* A token and how long it waits to be drawn. */
typedef struct {
  double wait;
  int64_t token;
} Draw;

static int earlier(const void *a, const void *b)
{
  const Draw *x = a, *y = b;
  if (x->wait != y->wait) return x->wait < y->wait ? -1 : 1;
  return x->token < y->token ? -1 : x->token > y->token;
}

/* Waiting times with rates loss^2: the first to come is a token with that probability, and so is
   each next one among those left (Efraimidis and Spirakis 2006). */
PetscErrorCode ResampleDraw(uint64_t seed, int64_t step, int64_t n, const double *loss,
                            int64_t count, int64_t *token, int64_t *found)
{
  Draw *draw;
  int64_t able = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(n, &draw));
  for (int64_t t = 0; t < n; t++) {
    const double rate = loss[t] * loss[t],
                 u = 1 - random_uniform(seed, RANDOM_RESAMPLE, (uint64_t)step << 32 | (uint64_t)t);
    if (rate > 0) draw[able++] = (Draw){-math_log(u) / rate, t};
  }
  qsort(draw, (size_t)able, sizeof(*draw), earlier);
  *found = min_i64(able, count);
  for (int64_t i = 0; i < *found; i++) token[i] = draw[i].token;
  PetscCall(ArrayDestroy(&draw));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Squared errors of all tokens of the batch, by all their codes: known to all ranks. */
static PetscErrorCode Losses(SAE *sae, double *loss)
{
  const SAEBatch *batch = sae->batch;
  int64_t *bits;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(batch->b, &bits));
  for (int64_t t = batch->first; t < batch->first + batch->count; t++) {
    const double square = sae->kernels->square64(sae->d, batch->rest + t * sae->d);
    memcpy(&bits[t], &square, sizeof(square));
  }
  PetscCall(NodesSum(sae->nodes, batch->b, bits)); /* each is above 0 on one rank at most */
  memcpy(loss, bits, (size_t)batch->b * sizeof(*loss));
  PetscCall(ArrayDestroy(&bits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean norm of the encoder's rows that the step scored with, of atoms that live; of all, where none
   does. */
static double alive_norm(const SAE *sae, const uint8_t *dead, int64_t deads)
{
  double sum = 0;
  for (int64_t j = 0; j < sae->m; j++)
    if (!dead[j] || deads == sae->m)
      sum += __builtin_sqrt(sae->kernels->square64(sae->d, sae->E + j * sae->d));
  return sum / (double)(deads == sae->m ? sae->m : sae->m - deads);
}

/* What the code learned of atom j here is as at the start. */
static PetscErrorCode ForgetCode(SAE *sae, int64_t j)
{
  double numbers[SAE_NUMBERS];
  float *kept[SAE_LEARNED], first[SAE_LEARNED];
  const size_t size = (size_t)sae->rows * sizeof(float);

  PetscFunctionBegin;
  memcpy(numbers, sae->now.numbers, sizeof(numbers));
  for (int i = 0; i < sae->learned; i++) {
    const Tensor *t = &sae->tensor[sae->learned_tensor[i]];
    PetscCall(ArrayCreate(sae->rows, &kept[i]));
    memcpy(kept[i], t->p, size);
    memset(t->p, 0, size);
  }
  if (sae->learned && sae->now.code->start) sae->now.code->start(sae);
  for (int i = 0; i < sae->learned; i++) {
    const Tensor *t = &sae->tensor[sae->learned_tensor[i]];
    first[i] = t->p[j];
    memcpy(t->p, kept[i], size);
    t->p[j] = first[i];
    PetscCall(ArrayDestroy(&kept[i]));
  }
  memcpy(sae->now.numbers, numbers, sizeof(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The moments and averages of row j of every tensor that has rows. */
static void settle_row(SAE *sae, int64_t j)
{
  for (int i = 0; i < sae->tensors; i++) {
    const Tensor *t = &sae->tensor[i];
    const int64_t at = j * t->cols;
    const size_t size = (size_t)t->cols * sizeof(float);
    if (t->shared) continue;
    memset(t->m + at, 0, size);
    memset(t->v + at, 0, size);
    average_restart(sae, t->p + at, t->cols);
  }
}

/* Atom j here begins from a token x [d]; norm: of its encoder row. */
static PetscErrorCode Restart(SAE *sae, int64_t j, const float *x, double norm)
{
  const int64_t d = sae->d;
  Tensor *E = tensor_named(sae, "encoder/weight"), *b = tensor_named(sae, "encoder/bias");
  float *xc;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(d, &xc));
  for (int64_t i = 0; i < d; i++) xc[i] = x[i] - sae->bias[i];
  const double length = __builtin_sqrt(sae->kernels->square64(d, xc));
  if (length > 0) {
    ((const SAEAtoms *)sae->params.atoms.entry)->replace(sae, j, x, xc);
    for (int64_t i = 0; i < d; i++) E->p[j * d + i] = (float)((double)xc[i] * (norm / length));
    b->p[j] = 0;
    PetscCall(ForgetCode(sae, j));
    settle_row(sae, j);
  }
  PetscCall(ArrayDestroy(&xc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dead atoms after the step; gives how many. */
static int64_t find_dead(const SAE *sae, const SAEResample *how, uint8_t *dead)
{
  const SAEAux silence = {.dead_after = how->dead_after, .count = how->count};
  const int64_t after = dead_after(sae, &silence, sae->step, sae->step - 1);
  int64_t deads = 0;
  for (int64_t j = 0; j < sae->m; j++) deads += dead[j] = sae->silent[j] >= after;
  return deads;
}

/* Row of the file that holds a token of the batch of the step before. */
static int64_t row_of(const SAE *sae, int64_t token)
{
  const int64_t step = sae->step - 1;
  const Order order = {(uint64_t)sae->task->seed_data, sae->n_train};
  return split_row(
      sae->task->view.split, false,
      order_at(&order, step / sae->per_epoch, step % sae->per_epoch * sae->params.batch + token));
}

PetscErrorCode Resample(SAE *sae, int64_t *count)
{
  const Choice *revive = &sae->params.revive;
  const SAERevive *entry = (const SAERevive *)revive->entry;
  uint8_t *dead;
  double *loss;
  int64_t *token, found, at = 0;
  float *x;

  PetscFunctionBegin;
  if (!entry->resample) PetscFunctionReturn(PETSC_SUCCESS);
  const SAEResample how = entry->resample(revive->params);
  if (sae->step % how.every || sae->step / how.every > how.times || sae->step >= sae->steps)
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(sae->m, &dead));
  PetscCall(ArrayCreate(sae->m, &token));
  PetscCall(ArrayCreate(sae->batch->b, &loss));
  PetscCall(ArrayCreate(sae->d, &x));
  const int64_t deads = find_dead(sae, &how, dead);
  const double norm = how.scale * alive_norm(sae, dead, deads);
  PetscCall(Losses(sae, loss));
  PetscCall(ResampleDraw((uint64_t)sae->task->seed_data, sae->step, sae->batch->b, loss, deads,
                         token, &found));
  for (int64_t j = 0; j < sae->m && at < found; j++) {
    if (!dead[j]) continue;
    const int64_t row = row_of(sae, token[at++]);
    sae->silent[j] = 0;
    if (j < sae->first || j >= sae->first + sae->rows) continue;
    PetscCall(ViewRead(&sae->task->view, 1, &row, x));
    PetscCall(Restart(sae, j - sae->first, x, norm));
  }
  *count += found;
  PetscCall(ArrayDestroy(&dead));
  PetscCall(ArrayDestroy(&token));
  PetscCall(ArrayDestroy(&loss));
  PetscCall(ArrayDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
