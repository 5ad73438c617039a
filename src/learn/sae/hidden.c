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

/* Sums over a row in order, those of several rows side by side: one alone would wait for itself at
   each number. */
enum { BESIDE = 8 };

/* n rows u [n x width], n at most BESIDE, become their layer norms; inverse [n]: what they were
   multiplied by. */
static void normalise(int64_t n, int64_t width, float *u, double *inverse)
{
  double mean[BESIDE] = {0}, variance[BESIDE] = {0};
  for (int64_t i = 0; i < width; i++)
    for (int64_t t = 0; t < n; t++) mean[t] += (double)u[t * width + i];
  for (int64_t t = 0; t < n; t++) mean[t] /= (double)width;
  for (int64_t i = 0; i < width; i++)
    for (int64_t t = 0; t < n; t++) {
      const double off = (double)u[t * width + i] - mean[t];
      variance[t] += off * off;
    }
  for (int64_t t = 0; t < n; t++) {
    inverse[t] = 1 / __builtin_sqrt(variance[t] / (double)width + 1e-5);
    for (int64_t i = 0; i < width; i++)
      u[t * width + i] = (float)(((double)u[t * width + i] - mean[t]) * inverse[t]);
  }
}

void hidden_forward(const Kernels *kernels, const Hidden *hidden, int64_t n, const float *xc,
                    float *norm, float *inverse, float *A)
{
  const int64_t d = hidden->W->d, width = hidden->W->rows;
  kernels->scores(n, xc, d, hidden->W, hidden->bias, A, width);
  double by[BESIDE];
  for (int64_t t = 0; t < n; t++) {
    float *a = A + t * width;
    if (t % BESIDE == 0) normalise(min_i64(BESIDE, n - t), width, a, by);
    if (norm)
      memcpy(norm + t * width, a, (size_t)width * sizeof(*a)), inverse[t] = (float)by[t % BESIDE];
    for (int64_t i = 0; i < width; i++) {
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

/* What the loss changes by with the hidden layer's output of this rank's token t, up to h: to
   [width]; y [width] scratch. */
static void output_slope(const SAE *sae, int64_t t, float aux, float *y, float *to)
{
  const SAEBatch *batch = sae->batch;
  const int64_t width = sae->inputs;
  for (int p = PART_AUX; p < PART_MAIN + sae_levels(sae); p++) {
    const SAEPart *part = &batch->part[p];
    if (p == PART_AUX && aux == 0) continue;
    const int64_t at = part->codes.start[t];
    sae->kernels->decode(part->codes.start[t + 1] - at, part->codes.atom + at, part->g + at, width,
                         p == PART_AUX ? batch->dead_E : sae->E, width, y);
    sae->kernels->add_scaled(width, p == PART_AUX ? aux : 1.0f, y, to);
  }
}

/* Back through the positive part and the layer norm, for n tokens from this rank's t on, n at most
   BESIDE: offset [n x width] and gain [n x width] what their gradients get from them, slope [n x
   width] that by the linear part. */
static void layer_slopes(const SAEBatch *batch, int64_t t, int64_t n, int64_t width,
                         const float *gain, float *offset_slope, float *gain_slope, float *slope)
{
  const float *A = batch->in + (batch->first + t) * width, *norm = batch->norm_in + t * width;
  double mean[BESIDE] = {0}, along[BESIDE] = {0};
  for (int64_t r = 0; r < n; r++)
    for (int64_t i = 0, q = r * width; i < width; i++, q++) {
      if (!(A[q] > 0)) offset_slope[q] = 0;
      gain_slope[q] = offset_slope[q] * norm[q];
      slope[q] = offset_slope[q] * gain[i];
    }
  for (int64_t i = 0; i < width; i++)
    for (int64_t r = 0, q = i; r < n; r++, q += width)
      mean[r] += (double)slope[q], along[r] += (double)slope[q] * (double)norm[q];
  for (int64_t r = 0; r < n; r++) {
    const double by = (double)batch->inverse[t + r], off = mean[r] / (double)width,
                 part = along[r] / (double)width;
    for (int64_t q = r * width; q < (r + 1) * width; q++)
      slope[q] = (float)(by * ((double)slope[q] - off - (double)norm[q] * part));
  }
}

/* Sum over atoms that the batch does not fire of lift E_j, taken off: what every token gets. */
static void lift_slope(const SAE *sae, float lift, float *to)
{
  const int64_t width = sae->inputs;
  for (int64_t j = 0; j < sae->m && lift > 0; j++)
    if (sae->silent[j] > 0) sae->kernels->add_scaled(width, -lift, sae->E + j * width, to);
}

/* W's gradient: slopes times centred tokens, leaf by leaf, joined by the tree. */
static PetscErrorCode WeightSums(const SAE *sae, const float *slope, const float *xc, float *g)
{
  const int64_t d = sae->d, width = sae->inputs, size = width * d, b = sae->batch->b,
                leaves = route_leaves(b);
  float *sums, *turned;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(leaves * size, &sums));
  PetscCall(ArrayCreate(LEAF_TOKENS * width, &turned));
  for (int64_t l = 0; l < leaves; l++) {
    const int64_t first = l * LEAF_TOKENS, n = min_i64(LEAF_TOKENS, b - first);
    for (int64_t t = 0; t < n; t++)
      for (int64_t i = 0; i < width; i++) turned[i * n + t] = slope[(first + t) * width + i];
    sae->kernels->combine(width, n, d, turned, n, xc + first * d, d, sums + l * size, d);
  }
  batch_join_leaves(leaves, size, sums);
  memcpy(g, sums, (size_t)size * sizeof(*g));
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
  const int64_t d = sae->d, width = sae->inputs;
  Tensor *t[HIDDEN_TENSORS], *bias = tensor_named(sae, "bias");
  const float *columns;

  PetscFunctionBegin;
  for (int i = 0; i < HIDDEN_TENSORS; i++) t[i] = tensor_named(sae, hidden_names[i]);
  PetscCall(BatchColumns(sae, width, batch->hidden[0], &columns));
  scaled(width, h, columns, t[HIDDEN_OFFSET]->g);
  PetscCall(BatchColumns(sae, width, batch->hidden[1], &columns));
  scaled(width, h, columns, t[HIDDEN_GAIN]->g);
  PetscCall(BatchColumns(sae, d, batch->xc, &columns)); /* so that all ranks have them */
  PetscCall(BatchColumns(sae, width, batch->hidden[2], &columns));
  scaled(width, h, columns, t[HIDDEN_BIAS]->g);
  sae->kernels->combine(1, width, d, t[HIDDEN_BIAS]->g, width, t[HIDDEN_W]->p, d, batch->hidden_row,
                        d);
  for (int64_t i = 0; i < d; i++) bias->g[i] -= batch->hidden_row[i];
  PetscCall(WeightSums(sae, batch->hidden[2], batch->xc, t[HIDDEN_W]->g));
  scaled(width * d, h, t[HIDDEN_W]->g, t[HIDDEN_W]->g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode HiddenBack(SAE *sae, float h, float aux, float lift)
{
  SAEBatch *batch = sae->batch;
  const int64_t width = sae->inputs;
  const float *gain = tensor_named(sae, hidden_names[HIDDEN_GAIN])->p;
  float *common;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(width, &common));
  lift_slope(sae, lift, common);
  for (int64_t t = 0; t < batch->count; t++) {
    const int64_t at = (batch->first + t) * width;
    float *to = batch->hidden[0] + at;
    memcpy(to, common, (size_t)width * sizeof(*to));
    output_slope(sae, t, aux, batch->hidden_row, to);
    if ((t + 1) % BESIDE && t + 1 < batch->count) continue;
    const int64_t first = t / BESIDE * BESIDE, row = (batch->first + first) * width;
    layer_slopes(batch, first, t + 1 - first, width, gain, batch->hidden[0] + row,
                 batch->hidden[1] + row, batch->hidden[2] + row);
  }
  PetscCall(Finish(sae, h));
  PetscCall(ArrayDestroy(&common));
  PetscFunctionReturn(PETSC_SUCCESS);
}
