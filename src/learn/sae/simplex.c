/* Archetypal weights. */
#include "learn/simplex.h"
#include "base/exact.h"
#include "base/math.h"
#include <math.h>
#include <string.h>

enum { BLOCK_ROWS = 192, BLOCK_COLS = 4 * PACKED_ROWS }; /* of a gradient */

const char *const simplex_starts[] = {"anchors", "random", NULL};
const char *const simplex_words[] = {"relu_divide", "euclidean", NULL};

char *simplex_check(const SimplexParams *params, const Settings *all, const char **path)
{
  const int64_t p = settings_int(all, "anchors.count"), q = params->support;
  Text why = {0};
  *path = "pick";
  char *wrong = pick_check(params->pick, all);
  if (wrong) return wrong;
  *path = "support";
  if (q == 1) text_add(&why, "an atom of one anchor has nothing to learn; take 2 or more, or 0");
  if (p && q > p)
    text_add(&why, "%lld are more than the %lld anchors there are; 0 takes them all", (long long)q,
             (long long)p);
  return why.s;
}

unsigned simplex_draws(const SimplexParams *params)
{
  if (params->start == SIMPLEX_START_RANDOM) return SEED_INIT;
  return params->pick == PICK_IDENTITY ? 0 : SEED_ANCHORS;
}

/* Random: as the atoms beyond the last anchor, all of which are mixtures. */
AnchorPick simplex_pick(const SAE *sae, const SimplexParams *params, int64_t j)
{
  const Task *task = sae->task;
  const int64_t p = task->anchors->p, atom = sae->first + j;
  return params->start == SIMPLEX_START_RANDOM
             ? anchor_pick(PICK_IDENTITY, (uint64_t)task->seed_init, sae->m, p, p + atom)
             : anchor_pick((Pick)params->pick, (uint64_t)task->seed_anchors, sae->m, p, atom);
}

void simplex_tensors(SAE *sae, const SimplexParams *params)
{
  if (params->support)
    PetscCallAbort(PETSC_COMM_SELF, SupportCreate(sae, params->support, params->renew));
  const int64_t cols = params->support ? params->support : sae->task->anchors->p;
  if (params->nearest) PetscCallAbort(PETSC_COMM_SELF, ArrayCreate(cols, &sae->weights));
  sae_add_tensor(sae, "W", false, cols);
}

void simplex_add_multiplier(SAE *sae)
{
  sae_add_tensor(sae, "log_multiplier", true, 1);
}

float simplex_multiplier(SAE *sae)
{
  const Tensor *s = tensor_named(sae, "log_multiplier");
  return s ? (float)math_exp((double)s->p[0]) : 1;
}

void simplex_start(SAE *sae, const SimplexParams *params)
{
  Tensor *W = tensor_named(sae, "W");
  const int64_t p = W->cols;
  if (sae->support) {
    support_start(sae, params);
    return;
  }
  for (int64_t j = 0; j < sae->rows; j++) {
    const AnchorPick picked = simplex_pick(sae, params, j);
    W->p[j * p + picked.q[0]] = picked.w[0];
    if (picked.w[1] != 0) W->p[j * p + picked.q[1]] = picked.w[1];
  }
}

void simplex_form(SAE *sae, float *D)
{
  const Tensor *W = tensor_named(sae, "W");
  if (sae->support)
    support_form(sae, D);
  else
    sae->kernels->combine(sae->rows, W->cols, sae->d, W->p, W->cols, sae->task->anchors->points,
                          sae->d, D, sae->d);
}

static void multiply(int64_t n, float scale, float *x)
{
  for (int64_t i = 0; i < n; i++) x[i] *= scale;
}

/* dW = scale G C^T, scaled block by block while it is in the second cache. */
static void pull_back_all(SAE *sae, float scale, float *dW)
{
  const int64_t p = sae->anchors.rows, d = sae->d;
  for (int64_t j = 0; j < sae->rows; j += BLOCK_ROWS) {
    const int64_t rows = min_i64(BLOCK_ROWS, sae->rows - j);
    for (int64_t q = 0; q < p; q += BLOCK_COLS) {
      const int64_t cols = min_i64(BLOCK_COLS, p - q);
      const Packed some = {.rows = cols, .d = d, .x = sae->anchors.x + q * d};
      float *g = dW + j * p + q;
      sae->kernels->scores(rows, sae->G + j * d, d, &some, NULL, g, p);
      for (int64_t r = 0; r < rows && scale != 1; r++) multiply(cols, scale, g + r * p);
    }
  }
}

PetscErrorCode SimplexPullBack(SAE *sae)
{
  Tensor *W = tensor_named(sae, "W"), *s = tensor_named(sae, "log_multiplier");
  const float scale = simplex_multiplier(sae);
  const int64_t d = sae->d;
  Exact sum = {0};

  PetscFunctionBegin;
  if (!sae->support)
    pull_back_all(sae, scale, W->g);
  else
    support_pull_back(sae, W->g);
  if (sae->support && scale != 1) multiply(sae->rows * W->cols, scale, W->g);
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t j = 0; j < sae->rows; j++)
    exact_add(&sum, sae->kernels->dot64(d, sae->G + j * d, sae->D + (sae->first + j) * d));
  PetscCall(SAESum(sae, 1, &sum));
  s->g[0] = (float)exact_value(&sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void simplex_nearest(int64_t p, double *w)
{
  double sum = 0, threshold;
  int64_t count = p, before;
  for (int64_t q = 0; q < p; q++) sum += w[q];
  threshold = (sum - 1) / (double)p;
  do { /* each round leaves out what lies below */
    before = count;
    sum = 0, count = 0;
    for (int64_t q = 0; q < p; q++)
      if (w[q] > threshold) sum += w[q], count++;
    if (count) threshold = (sum - 1) / (double)count;
  } while (count && count < before);
  for (int64_t q = 0; q < p; q++) w[q] = fmax(w[q] - threshold, 0);
}

static void to_nearest(int64_t p, float *w, double *scratch)
{
  for (int64_t q = 0; q < p; q++) scratch[q] = (double)w[q];
  simplex_nearest(p, scratch);
  for (int64_t q = 0; q < p; q++) w[q] = (float)scratch[q];
}

void simplex_project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous)
{
  const int64_t p = t->cols;
  if (t != tensor_named(sae, "W")) return;
  for (int64_t j = 0; j < rows; j++) {
    float *w = t->p + (row + j) * p;
    if (sae->weights) {
      to_nearest(p, w, sae->weights);
      continue;
    }
    for (int64_t q = 0; q < p; q++) w[q] = w[q] > 0 ? w[q] : 0;
    const double sum = sae->kernels->sum64(p, w);
    if (sum < 1e-6)
      memcpy(w, previous + j * p, (size_t)p * sizeof(*w));
    else
      for (int64_t q = 0; q < p; q++) w[q] = (float)((double)w[q] / (sum + 1e-8));
  }
}

void simplex_replace(SAE *sae, int64_t j, const float *x, const float *xc)
{
  const Anchors *anchors = sae->task->anchors;
  const Tensor *W = tensor_named(sae, "W");
  double least = (double)INFINITY;
  int64_t nearest = 0;
  (void)xc;
  for (int64_t q = 0; q < anchors->p; q++) {
    const double distance =
        sae->kernels->distance64(anchors->d, x, anchors->points + q * anchors->d);
    if (distance < least) least = distance, nearest = q;
  }
  if (sae->support) {
    support_replace(sae, j, nearest);
    return;
  }
  memset(W->p + j * W->cols, 0, (size_t)W->cols * sizeof(float));
  W->p[j * W->cols + nearest] = 1;
}

void simplex_renew(SAE *sae)
{
  if (sae->support) support_renew(sae);
}
