/* Sums over tokens for some atoms: leaves of 1,024 tokens in token order, joined by a fixed tree
 * (docs/numerics.md section 1). */
#include "batch.h"
#include <string.h>

enum {
  FEW = 3,       /* codes a token, up to which rows of tokens are not packed */
  SORTED = 128,  /* atoms whose codes are sorted together, */
  SORT_LEAST = 5 /* where a token has so many of them */
};

bool all_finite(int64_t n, const float *x)
{
  uint32_t bad = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof(bits));
    bad |= (bits & 0x7f800000u) == 0x7f800000u;
  }
  return !bad;
}

static void add(int64_t n, const float *restrict x, float *restrict y)
{
  for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

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
  PetscCall(ArrayDestroy(&batch->slope_own));
  PetscCall(ArrayCreate(batch->bucket_space, &batch->slope_own));
  PetscCall(ArrayCreate(batch->bucket_space, &batch->token));
  PetscCall(ArrayCreate(batch->bucket_space, &batch->z));
  PetscCall(ArrayCreate(batch->bucket_space, &batch->slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many codes each of the atoms first .. first + rows - 1 has, in bucket[1 ...]; whether the
   atoms of each token ascend. */
static bool count_codes(const Codes *codes, int64_t first, uint64_t rows, int64_t *bucket)
{
  bool ascend = true;
  memset(bucket, 0, (size_t)(rows + 1) * sizeof(*bucket));
  for (int64_t t = 0; t < codes->rows; t++)
    for (int64_t q = codes->start[t]; q < codes->start[t + 1]; q++) {
      const uint64_t j = (uint64_t)(codes->atom[q] - first); /* one below the first is huge */
      if (j < rows) bucket[j + 1]++;
      ascend = ascend && (q == codes->start[t] || codes->atom[q - 1] < codes->atom[q]);
    }
  return ascend;
}

/* Counting sort: the nonzeros of atoms first .. first + atoms - 1, by atom, in token order inside
 * an atom. Where there are many, those of a few atoms at a time, whose ends stay in the first
 * cache. */
static PetscErrorCode Sort(SAE *sae, const SAETerm *term, int64_t first, int64_t atoms)
{
  SAEBatch *batch = sae->batch;
  const Codes *codes = term->codes;
  int64_t *bucket = batch->bucket, *next;
  const uint64_t rows = (uint64_t)atoms;
  const bool ascend = count_codes(codes, first, rows, bucket);

  PetscFunctionBegin;
  for (uint64_t j = 0; j < rows; j++) bucket[j + 1] += bucket[j];
  PetscCall(Room(batch, bucket[rows]));
  const bool many = ascend && bucket[rows] * SORTED >= SORT_LEAST * codes->rows * atoms;
  const int64_t step = many ? SORTED : INT32_MAX;
  PetscCall(ArrayScratch(codes->rows, &next));
  int32_t *restrict token = batch->token;
  float *restrict z = batch->z, *restrict slope = batch->slope;
  const float *value = codes->value, *g = term->g, *own = term->own;
  for (int64_t t = 0; t < codes->rows; t++) next[t] = codes->start[t];
  for (int64_t end = step; end < atoms + step; end += step)
    for (int64_t t = 0; t < codes->rows; t++) {
      int64_t q = next[t];
      for (; q < codes->start[t + 1] && codes->atom[q] - first < end; q++) {
        const uint64_t j = (uint64_t)(codes->atom[q] - first);
        if (j >= rows) continue;
        const int64_t at = bucket[j]++; /* what it reaches soon is brought near */
        __builtin_prefetch(token + at + 16, 1);
        __builtin_prefetch(z + at + 16, 1);
        __builtin_prefetch(slope + at + 16, 1);
        token[at] = (int32_t)t, z[at] = value[q], slope[at] = g[q];
        if (own) batch->slope_own[at] = own[q];
      }
      next[t] = q;
    }
  PetscCall(ArrayDestroy(&next));
  memmove(bucket + 1, bucket, (size_t)rows * sizeof(*bucket));
  bucket[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static float scalar_sum(SAEBatch *batch, int64_t leaves, int64_t from, int64_t to,
                        const float *value)
{
  memset(batch->leaf, 0, (size_t)leaves * sizeof(float));
  for (int64_t q = from; q < to;) {
    const int64_t leaf = batch->token[q] / LEAF_TOKENS;
    float sum = 0;
    for (; q < to && batch->token[q] / LEAF_TOKENS == leaf; q++) sum += value[q];
    batch->leaf[leaf] = sum;
  }
  tree(leaves, 1, batch->leaf);
  return batch->leaf[0];
}

/* Moves the buckets of atoms that have tokens together; batch->atoms is which atoms they are of.
 * Gives how many. The others' rows of GD and GE become 0, unless few. */
static int64_t gather_active(const SAE *sae, int64_t atoms, bool few, float *GD, float *GE)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d, inputs = sae->inputs;
  int64_t *bucket = batch->bucket, active = 0;
  for (int64_t j = 0; j < atoms; j++) {
    if (bucket[j + 1] > bucket[j]) {
      bucket[active] = bucket[j], batch->atoms[active++] = (int32_t)j;
    } else if (!few) {
      if (GD) memset(GD + j * d, 0, (size_t)d * sizeof(*GD));
      if (GE) memset(GE + j * inputs, 0, (size_t)inputs * sizeof(*GE));
    }
  }
  bucket[active] = bucket[atoms];
  return active;
}

/* The two sums of atoms that have tokens, or one of them (the other NULL). Rows of two widths are
   summed one after the other. */
static void sparse_sums(const SAE *sae, const SAETerm *term, int64_t active, float *GD, float *GE)
{
  const SAEBatch *batch = sae->batch;
  const int64_t n = term->codes->rows, d = sae->d, inputs = sae->inputs;
  const float *z = batch->z, *slope = batch->slope, *e = term->e, *in = term->in;
  if (GD && GE && d == inputs) {
    sae->kernels->leaf_sums(n, d, active, batch->bucket, batch->atoms, batch->token, z, slope, e,
                            in, GD, GE, batch->work);
    return;
  }
  if (GD)
    sae->kernels->leaf_sums(n, d, active, batch->bucket, batch->atoms, batch->token, z, NULL, e,
                            NULL, GD, NULL, batch->work);
  if (GE)
    sae->kernels->leaf_sums(n, inputs, active, batch->bucket, batch->atoms, batch->token, slope,
                            NULL, in, NULL, GE, NULL, batch->work);
}

/* One of them, of an atom whose bucket is the a-th, a row of tokens [n x d] after the other as they
   are: where there are few codes, rows are not worth packing. */
static void row_sums(const SAE *sae, int64_t a, int64_t d, const float *value, const float *X,
                     float *to)
{
  const SAEBatch *batch = sae->batch;
  const int64_t end = batch->bucket[a + 1];
  int64_t leaves = 0;
  float *sums = batch->work;
  for (int64_t q = batch->bucket[a], next; q < end; q = next) {
    const int64_t leaf = batch->token[q] / LEAF_TOKENS;
    for (next = q + 1; next < end && batch->token[next] / LEAF_TOKENS == leaf;) next++;
    const bool alone = !leaves && next == end; /* the other leaves are + 0 */
    if (!alone) memset(sums + leaves * d, 0, (size_t)((leaf - leaves) * d) * sizeof(*sums));
    sae->kernels->decode(next - q, batch->token + q, value + q, d, X, d,
                         alone ? to : sums + leaf * d);
    if (alone) return;
    leaves = leaf + 1;
  }
  tree(leaves, d, sums);
  memcpy(to, sums, (size_t)d * sizeof(*to));
}

/* The same where there are few codes; false: there are not. */
static bool few_sums(const SAE *sae, const SAETerm *term, int64_t active, float *GD, float *GE)
{
  const SAEBatch *batch = sae->batch;
  const int64_t n = term->codes->rows, d = sae->d, inputs = sae->inputs;
  if (batch->use == DENSE_ALWAYS || batch->bucket[active] > FEW * n ||
      route_leaves(n) * max_i64(d, inputs) > leaf_sums_work(n))
    return false;
  for (int64_t a = 0; a < active; a++) {
    const int64_t row = batch->atoms[a];
    if (GD) row_sums(sae, a, d, batch->z, term->e, GD + row * d);
    if (GE) row_sums(sae, a, inputs, batch->slope, term->in, GE + row * inputs);
  }
  return true;
}

PetscErrorCode BatchSums(SAE *sae, const SAETerm *term, int64_t first, int64_t atoms,
                         const SAESums *sums)
{
  SAEBatch *batch = sae->batch;
  const int64_t *bucket = batch->bucket, leaves = route_leaves(term->codes->rows);
  float *const *to = sums->to, *GD = to[SUM_GD], *GE = sums_want(sums, SUM_GE) ? to[SUM_GE] : NULL;
  bool done;

  PetscFunctionBegin;
  if (term->picks) {
    batch_unrolled(sae, term, first, atoms, sums);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Sort(sae, term, first, atoms));
  for (int64_t j = 0; j < atoms; j++) {
    to[SUM_GB][j] = scalar_sum(batch, leaves, bucket[j], bucket[j + 1], batch->slope);
    if (sums_want(sums, SUM_ZS))
      to[SUM_ZS][j] = scalar_sum(batch, leaves, bucket[j], bucket[j + 1], batch->z);
    if (sums_want(sums, SUM_OWN))
      to[SUM_OWN][j] = scalar_sum(batch, leaves, bucket[j], bucket[j + 1], batch->slope_own);
  }
  const int64_t active = gather_active(sae, atoms, sums->few, GD, GE);
  batch->found = sums->few ? active : -1;
  if (few_sums(sae, term, active, GD, GE)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DenseSums(sae, term, active, GD, GE, &done));
  if (!done) sparse_sums(sae, term, active, GD, GE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchGatherMore(SAE *sae, int part, const SAESums *sums)
{
  const SAEBatch *batch = sae->batch;
  const int64_t rows = sae->rows;
  /* an atom of one level has + 0 of the others: its row is written where it belongs */
  const bool apart = sae->levels.by_atom && part != batch->unchosen &&
                     !(sae->size > 1 && sae->route == ROUTE_ALLREDUCE);
  SAESums own = {.wanted = sums->wanted, .few = true};
  float *at = batch->level_sums;

  PetscFunctionBegin;
  for (int k = 0; k < SUMS; k++) {
    const bool wide = k == SUM_GD || k == SUM_GE;
    own.to[k] = apart && wide ? sums->to[k] : at;
    at += rows * (k == SUM_GD ? sae->d : k == SUM_GE ? sae->inputs : 1);
  }
  PetscCall(BatchGather(sae, part, &own));
  for (int k = 0; k < SUMS; k++) {
    const int64_t cols = k == SUM_GD ? sae->d : k == SUM_GE ? sae->inputs : 1;
    const bool wide = k == SUM_GD || k == SUM_GE;
    if (!sums_want(sums, k) || !sums->to[k] || own.to[k] == sums->to[k]) continue;
    if (!wide || batch->found < 0) add(rows * cols, own.to[k], sums->to[k]);
    for (int64_t a = 0; wide && a < batch->found; a++) /* the others' are + 0 */
      add(cols, own.to[k] + batch->atoms[a] * cols, sums->to[k] + batch->atoms[a] * cols);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void batch_leaves(const Kernels *kernels, int64_t d, int64_t first, int64_t cols, int64_t tokens,
                  const float *e, float *leaf)
{
  memset(leaf, 0, (size_t)(route_leaves(tokens) * cols) * sizeof(float));
  for (int64_t t = 0; t < tokens; t++)
    kernels->add_scaled(cols, 1, e + t * d + first, leaf + t / LEAF_TOKENS * cols);
}

void batch_join_leaves(int64_t leaves, int64_t cols, float *leaf)
{
  tree(leaves, cols, leaf);
}
