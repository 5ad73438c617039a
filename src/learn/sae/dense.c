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
  const double least = sae->kernels->dense_share * (double)n * (double)atoms;
  if (batch->use == DENSE_AUTO && (double)batch->bucket[atoms] < least) return false;
  return all_finite(n * sae->d, term->e) && (!sae->GE || all_finite(n * sae->inputs, term->in));
}

static void add(int64_t count, const float *restrict x, float *restrict y)
{
  for (int64_t i = 0; i < count; i++) y[i] += x[i];
}

/* What atoms have of the codes, by leaf. */
typedef struct {
  const SAEBatch *batch;
  const float *value;
  int64_t at[ATOMS]; /* the first of each that is still to come */
} Unpack;

/* Of atoms j .. j + count - 1 what they have in a leaf, as rows of A; the leaves come in order. */
static void unpack(void *context, int64_t j, int64_t count, int64_t leaf, float *A)
{
  Unpack *from = context;
  const SAEBatch *batch = from->batch;
  const int64_t first = leaf * LEAF_TOKENS;
  if (!leaf) memcpy(from->at, batch->bucket + j, (size_t)count * sizeof(*from->at));
  memset(A, 0, (size_t)(count * LEAF_TOKENS) * sizeof(*A));
  for (int64_t a = 0; a < count; a++) {
    const int64_t end = batch->bucket[j + a + 1];
    int64_t q = from->at[a];
    for (; q < end && batch->token[q] < first + LEAF_TOKENS; q++)
      A[a * LEAF_TOKENS + batch->token[q] - first] = from->value[q];
    from->at[a] = q;
  }
}

/* Leaf after leaf: leaf l is joined with those before it as often as l ends in ones, which is the
   tree over leaves, and what is left at the end from the last to the first. */
static void sums(const SAE *sae, const DenseLeaves *leaves, int64_t j, int64_t count, int64_t d,
                 const float *X, float *part)
{
  const int64_t size = count * d, n = leaves->tokens;
  float *A = sae->batch->dense;
  int64_t parts = 0;
  for (int64_t l = 0; l < route_leaves(n); l++) {
    const int64_t tokens = min_i64(LEAF_TOKENS, n - l * LEAF_TOKENS);
    leaves->fill(leaves->context, j, count, l, A);
    sae->kernels->combine(count, tokens, d, A, LEAF_TOKENS, X + l * LEAF_TOKENS * d, d,
                          part + parts++ * size, d);
    for (int64_t ones = l; ones & 1; ones >>= 1, parts--)
      add(size, part + (parts - 1) * size, part + (parts - 2) * size);
  }
  for (; parts > 1; parts--) add(size, part + (parts - 1) * size, part + (parts - 2) * size);
}

/* Leaves of n tokens that wait to be joined, at most, and the one that comes. */
static int64_t levels(int64_t n)
{
  int64_t count = 1;
  for (int64_t l = route_leaves(n); l > 0; l >>= 1) count++;
  return count;
}

PetscErrorCode DenseProducts(SAE *sae, const DenseLeaves *leaves, const int32_t *row, int64_t d,
                             const float *X, float *G)
{
  SAEBatch *batch = sae->batch;
  const int64_t most = min_i64(ATOMS, leaves->rows),
                space = most * (LEAF_TOKENS + levels(leaves->tokens) * d);

  PetscFunctionBegin;
  if (space > batch->dense_space) {
    PetscCall(ArrayDestroy(&batch->dense));
    PetscCall(ArrayCreate(space, &batch->dense));
    batch->dense_space = space;
  }
  for (int64_t j = 0; j < leaves->rows; j += most) {
    const int64_t count = min_i64(most, leaves->rows - j);
    float *part = batch->dense + most * LEAF_TOKENS;
    sums(sae, leaves, j, count, d, X, part);
    for (int64_t a = 0; a < count; a++)
      memcpy(G + (row ? row[j + a] : j + a) * d, part + a * d, (size_t)d * sizeof(*G));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DenseSums(SAE *sae, const SAETerm *term, int64_t atoms, float *GD, float *GE,
                         bool *done)
{
  const SAEBatch *batch = sae->batch;
  Unpack from = {.batch = batch, .value = batch->z};
  const DenseLeaves leaves = {unpack, &from, term->codes->rows, atoms};

  PetscFunctionBegin;
  *done = suits(sae, term, atoms);
  if (!*done) PetscFunctionReturn(PETSC_SUCCESS);
  if (GD) PetscCall(DenseProducts(sae, &leaves, batch->atoms, sae->d, term->e, GD));
  from.value = batch->slope;
  if (GE) PetscCall(DenseProducts(sae, &leaves, batch->atoms, sae->inputs, term->in, GE));
  PetscFunctionReturn(PETSC_SUCCESS);
}
