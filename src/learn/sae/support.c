/* Atoms that are made of their nearest anchors only: W has a column for each of these, and its
   products touch no others (docs/numerics.md section 4). */
#include "learn/simplex.h"
#include "learn/average.h"
#include <string.h>

enum { ROWS = 64 }; /* whose distances are computed together */

PetscErrorCode SupportCreate(SAE *sae, int64_t count, int64_t renew)
{
  const int64_t p = sae->task->anchors->p, d = sae->d, rows = sae->rows;
  Support *support;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sae->support));
  support = sae->support;
  support->count = count, support->renew = renew;
  PetscCall(ArrayCreate(rows * count, &support->anchor));
  PetscCall(ArrayCreate(p, &support->half));
  PetscCall(ArrayCreate(count, &support->part));
  PetscCall(ArrayCreate(rows * d, &support->row));
  PetscCall(ArrayCreate((d + DOT_BLOCK - 1) / DOT_BLOCK * DOT_BLOCK * p, &support->blocks));
  for (int64_t i = 0; i < d; i += DOT_BLOCK)
    for (int64_t q = 0; q < p; q++)
      memcpy(support->blocks + i * p + q * DOT_BLOCK, sae->task->anchors->points + q * d + i,
             (size_t)min_i64(DOT_BLOCK, d - i) * sizeof(float));
  for (int64_t q = 0; q < p; q++)
    support->half[q] =
        (float)(-0.5 * sae->kernels->square64(d, sae->task->anchors->points + q * d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SupportDestroy(SAE *sae)
{
  PetscFunctionBegin;
  if (!sae->support) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&sae->support->anchor));
  PetscCall(ArrayDestroy(&sae->support->half));
  PetscCall(ArrayDestroy(&sae->support->blocks));
  PetscCall(ArrayDestroy(&sae->support->part));
  PetscCall(ArrayDestroy(&sae->support->row));
  PetscCall(ArrayDestroy(&sae->support));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The anchors with the largest s [p], lowest first among equals, ascending. Differences from the
   least are what is compared, since select_top keeps only what is above 0. s is changed. */
static void nearest(const SAE *sae, float *s, int32_t *anchor, float *value)
{
  const int64_t p = sae->task->anchors->p, count = sae->support->count;
  float least = s[0];
  for (int64_t q = 1; q < p; q++) least = s[q] < least ? s[q] : least;
  for (int64_t q = 0; q < p; q++) s[q] -= least;
  int64_t found = sae->kernels->select_top(p, s, count, NULL, anchor, value);
  for (int64_t q = 0; found < count && q < p; q++) { /* those equal to the least */
    int64_t at = 0;
    while (at < found && anchor[at] < q) at++;
    if (at < found && anchor[at] == q) continue;
    memmove(anchor + at + 1, anchor + at, (size_t)(found - at) * sizeof(*anchor));
    memmove(value + at + 1, value + at, (size_t)(found - at) * sizeof(*value));
    anchor[at] = (int32_t)q, value[at] = 0, found++;
  }
}

/* Puts anchor q among them, for the farthest one but `kept`. */
static void put_in(int64_t count, int32_t *anchor, float *value, int64_t q, int64_t kept)
{
  int64_t out = -1;
  for (int64_t i = 0; i < count; i++) {
    if (anchor[i] == q) return;
    if (anchor[i] != kept && (out < 0 || value[i] <= value[out])) out = i;
  }
  for (; out + 1 < count && anchor[out + 1] < q; out++)
    anchor[out] = anchor[out + 1], value[out] = value[out + 1];
  for (; out > 0 && anchor[out - 1] > q; out--)
    anchor[out] = anchor[out - 1], value[out] = value[out - 1];
  anchor[out] = (int32_t)q;
}

/* Calls act for each atom here with its nearest anchors and what they are chosen by; points [rows x
   d] are what they are nearest to. */
static void each_atom(SAE *sae, const float *points, const void *context,
                      void (*act)(SAE *sae, const void *context, int64_t j, int32_t *anchor,
                                  float *value))
{
  const int64_t p = sae->task->anchors->p, d = sae->d, count = sae->support->count;
  float *s, *value;
  int32_t *anchor;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(ROWS * p, &s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(count, &anchor));
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(count, &value));
  for (int64_t j = 0; j < sae->rows; j += ROWS) {
    const int64_t rows = min_i64(ROWS, sae->rows - j);
    sae->kernels->scores(rows, points + j * d, d, &sae->anchors, sae->support->half, s, p);
    for (int64_t r = 0; r < rows; r++) {
      nearest(sae, s + r * p, anchor, value);
      act(sae, context, j + r, anchor, value);
    }
  }
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&anchor));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&value));
}

static void start_row(SAE *sae, const void *context, int64_t j, int32_t *anchor, float *value)
{
  const int64_t count = sae->support->count;
  const AnchorPick from = simplex_pick(sae, context, j);
  float *w = tensor_named(sae, "W")->p + j * count;
  put_in(count, anchor, value, from.q[0], -1);
  if (from.w[1] != 0) put_in(count, anchor, value, from.q[1], from.q[0]);
  memcpy(sae->support->anchor + j * count, anchor, (size_t)count * sizeof(*anchor));
  for (int64_t i = 0; i < count; i++)
    w[i] = anchor[i] == from.q[0]                     ? from.w[0]
           : from.w[1] != 0 && anchor[i] == from.q[1] ? from.w[1]
                                                      : 0;
}

void support_start(SAE *sae, const SimplexParams *params)
{
  const int64_t d = sae->d;
  for (int64_t j = 0; j < sae->rows; j++) {
    const AnchorPick from = simplex_pick(sae, params, j);
    sae->kernels->decode(from.w[1] != 0 ? 2 : 1,
                         (int32_t[]){(int32_t)from.q[0], (int32_t)from.q[1]}, from.w, d,
                         sae->task->anchors->points, d, sae->support->row + j * d);
  }
  each_atom(sae, sae->support->row, params, start_row);
}

void support_replace(SAE *sae, int64_t j, int64_t q)
{
  const int64_t p = sae->task->anchors->p, d = sae->d, count = sae->support->count;
  int32_t *anchor = sae->support->anchor + j * count;
  float *s, *value, *w = tensor_named(sae, "W")->p + j * count;
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(p, &s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(count, &value));
  sae->kernels->scores(1, sae->task->anchors->points + q * d, d, &sae->anchors, sae->support->half,
                       s, p);
  nearest(sae, s, anchor, value);
  put_in(count, anchor, value, q, -1);
  for (int64_t i = 0; i < count; i++) w[i] = anchor[i] == q;
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&s));
  PetscCallAbort(PETSC_COMM_SELF, ArrayDestroy(&value));
}

/* Brings a block into the third cache in the order of memory, which picking rows from it would do
   in theirs. */
static const float *block_of(const SAE *sae, int64_t i)
{
  const int64_t p = sae->task->anchors->p;
  const float *block = sae->support->blocks + i * p;
  for (int64_t q = 0; q < p * DOT_BLOCK; q += 16) __builtin_prefetch(block + q, 0, 1);
  return block;
}

/* Asks for the rows of an atom's anchors, into the second cache: the next atom's while one is
   computed, since what comes from the third cache waits for one another. */
static void ask_for(const Support *support, int64_t j, int64_t rows, const float *block)
{
  const int32_t *anchor = support->anchor + j * support->count;
  for (int64_t q = 0; j < rows && q < support->count; q++)
    for (int64_t c = 0; c < DOT_BLOCK; c += 16)
      __builtin_prefetch(block + (int64_t)anchor[q] * DOT_BLOCK + c, 0, 2);
}

/* Columns go by blocks of DOT_BLOCK, whose anchors stay in the third cache. */
void support_form(SAE *sae, float *D)
{
  const Support *support = sae->support;
  const int64_t d = sae->d, count = support->count;
  const float *W = tensor_named(sae, "W")->p;
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    const float *block = block_of(sae, i);
    for (int64_t j = 0; j < sae->rows; j++) {
      ask_for(support, j + 1, sae->rows, block);
      sae->kernels->decode(count, support->anchor + j * count, W + j * count,
                           min_i64(DOT_BLOCK, d - i), block, DOT_BLOCK, D + j * d + i);
    }
  }
}

void support_pull_back(SAE *sae, float *dW)
{
  const Support *support = sae->support;
  const int64_t d = sae->d, count = support->count;
  for (int64_t i = 0; i < d; i += DOT_BLOCK) {
    const float *block = block_of(sae, i);
    for (int64_t j = 0; j < sae->rows; j++) {
      float *g = dW + j * count, *part = i ? support->part : g;
      ask_for(support, j + 1, sae->rows, block);
      sae->kernels->blockdots(count, support->anchor + j * count, min_i64(DOT_BLOCK, d - i), block,
                              DOT_BLOCK, sae->G + j * d + i, part);
      for (int64_t q = 0; i && q < count; q++) g[q] += part[q];
    }
  }
}

/* to[c] = the number that stood at the same anchor, or 0. */
static void carry(int64_t count, const int32_t *from, const float *x, const int32_t *to, float *y)
{
  for (int64_t i = 0, c = 0; c < count; c++) {
    while (i < count && from[i] < to[c]) i++;
    y[c] = i < count && from[i] == to[c] ? x[i] : 0;
  }
}

static void renew_row(SAE *sae, const void *context, int64_t j, int32_t *anchor, float *value)
{
  const int64_t count = sae->support->count;
  const size_t size = (size_t)count * sizeof(float);
  const Tensor *W = tensor_named(sae, "W");
  int32_t *before = sae->support->anchor + j * count;
  float *w = W->p + j * count,
        *all[4] = {w, W->m + j * count, W->v + j * count, average_of(sae, w)};
  (void)context;
  if (!memcmp(before, anchor, (size_t)count * sizeof(*anchor))) return;
  carry(count, before, all[0], anchor, value);
  const double sum = sae->kernels->sum64(count, value);
  if (sum < 1e-6) return;
  for (int64_t i = 0; i < count; i++) all[0][i] = (float)((double)value[i] / (sum + 1e-8));
  for (int k = 1; k < 4 && all[k]; k++) {
    carry(count, before, all[k], anchor, value);
    memcpy(all[k], value, size);
  }
  memcpy(before, anchor, (size_t)count * sizeof(*anchor));
}

void support_renew(SAE *sae)
{
  if (sae->step % sae->support->renew || sae->support->count == sae->task->anchors->p) return;
  support_form(sae, sae->support->row);
  each_atom(sae, sae->support->row, NULL, renew_row);
}
