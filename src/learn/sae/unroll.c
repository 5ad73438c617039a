/* The way back through the picks of matching pursuit, from the last to the first: docs/numerics.md
   section 3. Each pick is a part of its own, of one code a token. */
#include "batch.h"
#include "learn/pursue.h"
#include <string.h>

PetscErrorCode UnrollStart(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  SAEPart *part = &batch->part[batch->picks];
  const int64_t n = batch->count, size = n * sae->d, row = batch->first * sae->d;
  const float *e = batch->part[PART_MAIN].e + row;

  PetscFunctionBegin;
  PetscCall(CodesReserve(&part->codes, n, n));
  if (n > part->g_space) {
    PetscCall(ArrayDestroy(&part->g));
    PetscCall(ArrayCreate(n, &part->g));
    part->g_space = n;
  }
  part->codes.rows = n;
  for (int64_t t = 0; t <= n; t++) part->codes.start[t] = t;
  for (int64_t i = 0; i < size; i++) part->e[row + i] = e[i], batch->rest[row + i] = -e[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The i-th pick of this rank's tokens: its slope by what e is now, and what was left before it. dot
   [tokens]: the products of slopes, without their factor; 0 before the first call, so that picks of
   0, after which no other follows, have none. */
static void go_back(SAE *sae, int64_t i, float *dot)
{
  SAEBatch *batch = sae->batch;
  SAEPart *part = &batch->part[batch->picks];
  const struct SAETrace *trace = batch->trace;
  const int64_t d = sae->d;
  const float c = (float)(2.0 / (double)d);
  for (int64_t t = 0; t < batch->count; t++) {
    const int32_t j = trace->pick[t * trace->k + i];
    const float z = trace->coefficient[t * trace->k + i];
    float *left = batch->rest + (batch->first + t) * d;
    part->codes.atom[t] = j, part->codes.value[t] = z;
    if (z != 0)
      sae->kernels->blockdots(1, &j, d, sae->D, d, part->e + (batch->first + t) * d, &dot[t]);
    part->g[t] = c * dot[t];
    if (z != 0) sae->kernels->add_scaled(d, z, sae->D + j * d, left);
  }
}

/* What remains of e for the picks before. */
static void pass_on(SAE *sae, const float *dot)
{
  SAEBatch *batch = sae->batch;
  const SAEPart *part = &batch->part[batch->picks];
  const int64_t d = sae->d;
  for (int64_t t = 0; t < batch->count; t++) {
    float *e = part->e + (batch->first + t) * d;
    const float *row = sae->D + part->codes.atom[t] * d;
    if (dot[t] != 0) sae->kernels->add_scaled(d, -dot[t], row, e);
  }
}

PetscErrorCode UnrollSums(SAE *sae)
{
  SAEBatch *batch = sae->batch;
  SAEPart *part = &batch->part[batch->picks];
  const int64_t d = sae->d, rows = sae->rows, size = rows * d;
  const SAESums sums = {SUMS_ALWAYS, {sae->G, sae->GE}};
  float *dot;
  int64_t *tokens, count;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(batch->count, &dot));
  PetscCall(ArrayCreate(sae->size + 1, &tokens));
  tokens[sae->size] = batch->b;
  memset(sae->G, 0, (size_t)size * sizeof(float));
  memset(sae->GE, 0, (size_t)size * sizeof(float));
  memset(batch->gb, 0, (size_t)rows * sizeof(float));
  for (int r = 0; r < sae->size; r++) {
    batch_part(sae, batch->b, r, &tokens[r], &count);
    batch->nonzeros[batch->picks * sae->size + r] = count;
  }
  for (int64_t i = batch->trace->k - 1; i >= 0; i--) {
    PetscCall(NodesBarrier(sae->nodes)); /* what the pick after needed has been read */
    if (i + 1 < batch->trace->k) pass_on(sae, dot);
    go_back(sae, i, dot);
    PetscCall(BatchGatherMore(sae, batch->picks, &sums));
  }
  PetscCall(NodesBarrier(sae->nodes));
  pass_on(sae, dot);
  PetscCall(
      SharedExchange(sae->nodes, 1, (SharedRows[]){{part->e, d * (int64_t)sizeof(float), tokens}}));
  PetscCall(ArrayDestroy(&dot));
  PetscCall(ArrayDestroy(&tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}
