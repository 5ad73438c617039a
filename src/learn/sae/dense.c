/* Sums over tokens by dense products, for batches with many active atoms: the codes of a leaf as
   rows of an atom each, zeros included, times the tokens of the leaf.

   The same bits as the sparse sums. Both are a chain of fmaf(u, v, a) over the tokens of a leaf in
   their order, from + 0, and end with + 0.0f; the dense one has more terms, with u = 0. Where v is
   finite such a term is a zero, so it leaves a as it is, but that a zero may change its sign. A
   later term fmaf(u, v, a) of a zero a is u v rounded, whatever the sign of a, unless u v is a zero
   too; then it is a zero again. So the chains differ in the sign of a zero at most, which + 0.0f
   takes away. Where some v is not finite, 0 v is NaN: then the sums are made sparsely. */
#include "base/array.h"
#include "batch.h"
#include <stdlib.h>
#include <string.h>

enum { ATOMS = 1024 }; /* whose sums are made together */

/* Dense products pay above this share of codes that are not 0: they go at nearly the peak, sparse
   sums at less than half of it. */
#define SHARE 0.4

DenseUse dense_use(void)
{
  const char *word = getenv("ARDIS_DENSE");
  if (word && !strcmp(word, "always")) return DENSE_ALWAYS;
  if (word && !strcmp(word, "never")) return DENSE_NEVER;
  return DENSE_AUTO;
}

static bool suits(const SAE *sae, const SAETerm *term, int64_t atoms)
{
  const SAEBatch *batch = sae->batch;
  const int64_t n = term->codes->rows;
  if (batch->use == DENSE_NEVER || !atoms) return false;
  if (batch->use == DENSE_AUTO && (double)batch->bucket[atoms] < SHARE * (double)n * (double)atoms)
    return false;
  return all_finite(n * sae->d, term->e) && (!sae->GE || all_finite(n * sae->inputs, term->in));
}

static void add(int64_t count, const float *restrict x, float *restrict y)
{
  for (int64_t i = 0; i < count; i++) y[i] += x[i];
}

/* Of atoms j .. j + count - 1 what they have in leaf l, as rows of A; at[] goes on to the next
   leaf. */
static void unpack(const SAEBatch *batch, int64_t j, int64_t count, int64_t l, const float *value,
                   int64_t *at, float *A)
{
  const int64_t first = l * LEAF_TOKENS;
  memset(A, 0, (size_t)(count * LEAF_TOKENS) * sizeof(*A));
  for (int64_t a = 0; a < count; a++) {
    const int64_t end = batch->bucket[j + a + 1];
    int64_t q = at[a];
    for (; q < end && batch->token[q] < first + LEAF_TOKENS; q++)
      A[a * LEAF_TOKENS + batch->token[q] - first] = value[q];
    at[a] = q;
  }
}

/* Sums of value times rows of X [n x d], for atoms j .. j + count - 1, leaf after leaf: leaf l is
   joined with those before it as often as l ends in ones, which is the tree over leaves, and what
   is left at the end from the last to the first. */
static void sums(const SAE *sae, int64_t n, int64_t d, int64_t j, int64_t count, const float *value,
                 const float *X, float *G)
{
  const SAEBatch *batch = sae->batch;
  const int64_t size = count * d;
  float *A = batch->dense, *part = A + ATOMS * LEAF_TOKENS;
  int64_t at[ATOMS], parts = 0;
  memcpy(at, batch->bucket + j, (size_t)count * sizeof(*at));
  for (int64_t l = 0; l < route_leaves(n); l++) {
    const int64_t tokens = min_i64(LEAF_TOKENS, n - l * LEAF_TOKENS);
    unpack(batch, j, count, l, value, at, A);
    sae->kernels->combine(count, tokens, d, A, LEAF_TOKENS, X + l * LEAF_TOKENS * d, d,
                          part + parts++ * size, d);
    for (int64_t ones = l; ones & 1; ones >>= 1, parts--)
      add(size, part + (parts - 1) * size, part + (parts - 2) * size);
  }
  for (; parts > 1; parts--) add(size, part + (parts - 1) * size, part + (parts - 2) * size);
  for (int64_t a = 0; a < count; a++)
    memcpy(G + batch->atoms[j + a] * d, part + a * d, (size_t)d * sizeof(*G));
}

/* Leaves of n tokens that wait to be joined, at most, and the one that comes. */
static int64_t levels(int64_t n)
{
  int64_t count = 1;
  for (int64_t l = route_leaves(n); l > 0; l >>= 1) count++;
  return count;
}

PetscErrorCode DenseSums(SAE *sae, const SAETerm *term, int64_t atoms, float *GD, float *GE,
                         bool *done)
{
  SAEBatch *batch = sae->batch;
  const int64_t n = term->codes->rows, wide = max_i64(sae->d, sae->inputs),
                space = ATOMS * LEAF_TOKENS + levels(n) * min_i64(ATOMS, atoms) * wide;

  PetscFunctionBegin;
  *done = suits(sae, term, atoms);
  if (!*done) PetscFunctionReturn(PETSC_SUCCESS);
  if (space > batch->dense_space) {
    PetscCall(ArrayDestroy(&batch->dense));
    PetscCall(ArrayCreate(space, &batch->dense));
    batch->dense_space = space;
  }
  for (int64_t j = 0; j < atoms; j += ATOMS) {
    const int64_t count = min_i64(ATOMS, atoms - j);
    if (GD) sums(sae, n, sae->d, j, count, batch->z, term->e, GD);
    if (GE) sums(sae, n, sae->inputs, j, count, batch->slope, term->in, GE);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
