/* The hidden layer of encoder mlp. */
#include "learn/hidden.h"
#include "base/random.h"
#include "batch.h"
#include <string.h>

const char *const hidden_names[HIDDEN_TENSORS] = {"encoder/hidden", "encoder/hidden_bias",
                                                  "encoder/gain", "encoder/offset"};

void encoder_draw(const SAE *sae, int64_t index, int64_t count, double bound, float *x)
{
  for (int64_t i = 0; i < count; i++)
    x[i] = (float)(bound * (2 * random_uniform((uint64_t)sae->task->seed_init, RANDOM_ENCODER,
                                               (uint64_t)(index + i)) -
                            1));
}

/* u [d] becomes its layer norm; gives what it was multiplied by. */
static double normalise(int64_t d, float *u)
{
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < d; i++) mean += (double)u[i];
  mean /= (double)d;
  for (int64_t i = 0; i < d; i++) {
    const double off = (double)u[i] - mean;
    variance += off * off;
  }
  const double inverse = 1 / __builtin_sqrt(variance / (double)d + 1e-5);
  for (int64_t i = 0; i < d; i++) u[i] = (float)(((double)u[i] - mean) * inverse);
  return inverse;
}

void hidden_forward(const Kernels *kernels, const Hidden *hidden, int64_t n, int64_t d,
                    const float *xc, float *norm, float *inverse, float *A)
{
  kernels->scores(n, xc, d, hidden->W, hidden->bias, A, d);
  for (int64_t t = 0; t < n; t++) {
    float *a = A + t * d;
    const float by = (float)normalise(d, a);
    if (norm) memcpy(norm + t * d, a, (size_t)d * sizeof(*a)), inverse[t] = by;
    for (int64_t i = 0; i < d; i++) {
      const float x = __builtin_fmaf(hidden->gain[i], a[i], hidden->offset[i]);
      a[i] = x > 0 ? x : 0;
    }
  }
}

Hidden hidden_of(SAE *sae)
{
  return (Hidden){&sae->hidden, tensor_named(sae, hidden_names[HIDDEN_BIAS])->p,
                  tensor_named(sae, hidden_names[HIDDEN_GAIN])->p,
                  tensor_named(sae, hidden_names[HIDDEN_OFFSET])->p};
}

/* What the loss changes by with the hidden layer's output of this rank's token t, up to h: to [d];
   y [d] scratch. */
static void output_slope(const SAE *sae, int64_t t, float aux, float *y, float *to)
{
  const SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;
  for (int p = PART_AUX; p < PART_MAIN + sae_levels(sae); p++) {
    const SAEPart *part = &batch->part[p];
    if (p == PART_AUX && aux == 0) continue;
    const int64_t at = part->codes.start[t];
    sae->kernels->decode(part->codes.start[t + 1] - at, part->codes.atom + at, part->g + at, d,
                         p == PART_AUX ? batch->dead_E : sae->E, d, y);
    for (int64_t i = 0; i < d; i++) to[i] = __builtin_fmaf(p == PART_AUX ? aux : 1.0f, y[i], to[i]);
  }
}

/* Back through the positive part and the layer norm: offset [d] and gain [d] what their gradients
   get from this token, slope [d] that by the linear part. */
static void layer_slope(const SAEBatch *batch, int64_t t, int64_t d, const float *gain,
                        float *offset_slope, float *gain_slope, float *slope)
{
  const float *A = batch->in + (batch->first + t) * d, *norm = batch->norm_in + t * d;
  double mean = 0, along = 0;
  for (int64_t i = 0; i < d; i++) {
    if (!(A[i] > 0)) offset_slope[i] = 0;
    gain_slope[i] = offset_slope[i] * norm[i];
    slope[i] = offset_slope[i] * gain[i];
    mean += (double)slope[i], along += (double)slope[i] * (double)norm[i];
  }
  mean /= (double)d, along /= (double)d;
  for (int64_t i = 0; i < d; i++)
    slope[i] =
        (float)((double)batch->inverse[t] * ((double)slope[i] - mean - (double)norm[i] * along));
}

/* Sum over atoms that the batch does not fire of lift E_j, taken off: what every token gets. */
static void lift_slope(const SAE *sae, float lift, float *to)
{
  for (int64_t j = 0; j < sae->m && lift > 0; j++)
    for (int64_t i = 0; i < sae->d && sae->silent[j] > 0; i++)
      to[i] = __builtin_fmaf(-lift, sae->E[j * sae->d + i], to[i]);
}

/* W's gradient: slopes times centred tokens, leaf by leaf, joined by the tree. */
static PetscErrorCode WeightSums(const SAE *sae, const float *slope, const float *xc, float *g)
{
  const int64_t d = sae->d, b = sae->batch->b, leaves = route_leaves(b);
  float *sums, *turned;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(leaves * d * d, &sums));
  PetscCall(ArrayCreate(LEAF_TOKENS * d, &turned));
  for (int64_t l = 0; l < leaves; l++) {
    const int64_t first = l * LEAF_TOKENS, n = min_i64(LEAF_TOKENS, b - first);
    for (int64_t t = 0; t < n; t++)
      for (int64_t i = 0; i < d; i++) turned[i * n + t] = slope[(first + t) * d + i];
    sae->kernels->combine(d, n, d, turned, n, xc + first * d, d, sums + l * d * d, d);
  }
  batch_join_leaves(leaves, d * d, sums);
  memcpy(g, sums, (size_t)(d * d) * sizeof(*g));
  PetscCall(ArrayDestroy(&sums));
  PetscCall(ArrayDestroy(&turned));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void scaled(int64_t n, float h, const float *x, float *to)
{
  for (int64_t i = 0; i < n; i++) to[i] = h * x[i];
}

/* Gradients from the slopes of all tokens. */
static PetscErrorCode Finish(SAE *sae, float h)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;
  Tensor *t[HIDDEN_TENSORS], *bias = tensor_named(sae, "bias");
  const float *columns;

  PetscFunctionBegin;
  for (int i = 0; i < HIDDEN_TENSORS; i++) t[i] = tensor_named(sae, hidden_names[i]);
  PetscCall(BatchColumns(sae, batch->hidden[0], &columns));
  scaled(d, h, columns, t[HIDDEN_OFFSET]->g);
  PetscCall(BatchColumns(sae, batch->hidden[1], &columns));
  scaled(d, h, columns, t[HIDDEN_GAIN]->g);
  PetscCall(BatchColumns(sae, batch->xc, &columns)); /* so that all ranks have them */
  PetscCall(BatchColumns(sae, batch->hidden[2], &columns));
  scaled(d, h, columns, t[HIDDEN_BIAS]->g);
  sae->kernels->combine(1, d, d, t[HIDDEN_BIAS]->g, d, t[HIDDEN_W]->p, d, batch->hidden_row, d);
  for (int64_t i = 0; i < d; i++) bias->g[i] -= batch->hidden_row[i];
  PetscCall(WeightSums(sae, batch->hidden[2], batch->xc, t[HIDDEN_W]->g));
  scaled(d * d, h, t[HIDDEN_W]->g, t[HIDDEN_W]->g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HiddenBack(SAE *sae, float h, float aux, float lift)
{
  SAEBatch *batch = sae->batch;
  const int64_t d = sae->d;
  const float *gain = tensor_named(sae, hidden_names[HIDDEN_GAIN])->p;
  float *common;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(d, &common));
  lift_slope(sae, lift, common);
  for (int64_t t = 0; t < batch->count; t++) {
    const int64_t at = (batch->first + t) * d;
    float *to = batch->hidden[0] + at;
    memcpy(to, common, (size_t)d * sizeof(*to));
    output_slope(sae, t, aux, batch->hidden_row, to);
    layer_slope(batch, t, d, gain, to, batch->hidden[1] + at, batch->hidden[2] + at);
  }
  PetscCall(Finish(sae, h));
  PetscCall(ArrayDestroy(&common));
  PetscFunctionReturn(PETSC_SUCCESS);
}
