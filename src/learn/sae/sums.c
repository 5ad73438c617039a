/* The batch's sums for the atoms of this rank: leaves of 1,024 tokens in token order, joined by a
 * fixed tree (docs/numerics.md section 1). */
#include "batch.h"
#include <string.h>

/* Joins count rows of d numbers pairwise into the first. */
static void tree(int64_t count, int64_t d, float *rows)
{
  while (count > 1) {
    for (int64_t l = 0; l < count / 2; l++)
      for (int64_t i = 0; i < d; i++)
        rows[l * d + i] = rows[2 * l * d + i] + rows[(2 * l + 1) * d + i];
    if (count & 1) memmove(rows + count / 2 * d, rows + (count - 1) * d, (size_t)d * sizeof(*rows));
    count = (count + 1) / 2;
  }
}

static PetscErrorCode Room(SAEBatch *batch, int64_t total)
{
  PetscFunctionBegin;
  if (total <= batch->bucket_space) PetscFunctionReturn(PETSC_SUCCESS);
  batch->bucket_space = total + total / 2;
  PetscCall(ArrayDestroy(&batch->token));
  PetscCall(ArrayDestroy(&batch->z));
  PetscCall(ArrayDestroy(&batch->slope));
  PetscCall(ArrayCreate(batch->bucket_space, &batch->token));
  PetscCall(ArrayCreate(batch->bucket_space, &batch->z));
  PetscCall(ArrayCreate(batch->bucket_space, &batch->slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Counting sort: the nonzeros of the atoms here, by atom, in token order inside an atom. */
static PetscErrorCode Sort(SAE *sae, const SAETerm *term)
{
  SAEBatch *batch = sae->batch;
  const Codes *codes = term->codes;
  int64_t *bucket = batch->bucket;
  const uint64_t rows = (uint64_t)sae->rows; /* an atom below the first here is huge without sign */

  PetscFunctionBegin;
  memset(bucket, 0, (size_t)(rows + 1) * sizeof(*bucket));
  for (int64_t q = 0; q < codes->start[codes->rows]; q++) {
    const uint64_t j = (uint64_t)(codes->atom[q] - sae->first);
    if (j < rows) bucket[j + 1]++;
  }
  for (uint64_t j = 0; j < rows; j++) bucket[j + 1] += bucket[j];
  PetscCall(Room(batch, bucket[rows]));
  for (int64_t t = 0; t < codes->rows; t++)
    for (int64_t q = codes->start[t]; q < codes->start[t + 1]; q++) {
      const uint64_t j = (uint64_t)(codes->atom[q] - sae->first);
      if (j >= rows) continue;
      const int64_t at = bucket[j]++;
      batch->token[at] = (int32_t)t, batch->z[at] = codes->value[q], batch->slope[at] = term->g[q];
    }
  memmove(bucket + 1, bucket, (size_t)rows * sizeof(*bucket));
  bucket[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static float scalar_sum(SAE *sae, int64_t from, int64_t to, const float *value)
{
  SAEBatch *batch = sae->batch;
  const int64_t leaves = (batch->b + LEAF_TOKENS - 1) / LEAF_TOKENS;
  memset(batch->leaf, 0, (size_t)leaves * sizeof(float));
  for (int64_t q = from; q < to; q++) batch->leaf[batch->token[q] / LEAF_TOKENS] += value[q];
  tree(leaves, 1, batch->leaf);
  return batch->leaf[0];
}

PetscErrorCode BatchSums(SAE *sae, const SAETerm *term, float *GD, float *GE, float *gb, float *zs)
{
  SAEBatch *batch = sae->batch;
  const int64_t *bucket = batch->bucket;

  PetscFunctionBegin;
  PetscCall(Sort(sae, term));
  sae->kernels->leaf_sums(batch->b, sae->d, sae->rows, bucket, batch->token, batch->z, batch->slope,
                          term->e, batch->xc, GD, GE, batch->work);
  for (int64_t j = 0; j < sae->rows; j++) {
    gb[j] = scalar_sum(sae, bucket[j], bucket[j + 1], batch->slope);
    if (zs) zs[j] = scalar_sum(sae, bucket[j], bucket[j + 1], batch->z);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void batch_column_sums(SAE *sae, const float *e, int64_t first, int64_t cols, float *ge)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d, leaves = (batch->b + LEAF_TOKENS - 1) / LEAF_TOKENS;
  memset(batch->leaf, 0, (size_t)(leaves * cols) * sizeof(float));
  for (int64_t t = 0; t < batch->b; t++) {
    float *restrict leaf = batch->leaf + t / LEAF_TOKENS * cols;
    const float *restrict row = e + t * d + first;
    for (int64_t i = 0; i < cols; i++) leaf[i] += row[i];
  }
  tree(leaves, cols, batch->leaf);
  if (cols) memcpy(ge + first, batch->leaf, (size_t)cols * sizeof(float));
}
