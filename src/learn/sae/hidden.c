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

void hidden_forward(const Kernels *kernels, const Hidden *hidden, int64_t n, const float *xc,
                    float *norm, float *inverse, float *A)
{
  const int64_t d = hidden->W->d, width = hidden->W->rows;
  kernels->scores(n, xc, d, hidden->W, hidden->bias, A, width);
  kernels->layer_norm(n, width, A, hidden->gain, hidden->offset, norm, inverse, A);
}

Hidden hidden_of(SAE *sae)
{
  return (Hidden){&sae->hidden, tensor_named(sae, hidden_names[HIDDEN_BIAS])->p,
                  tensor_named(sae, hidden_names[HIDDEN_GAIN])->p,
                  tensor_named(sae, hidden_names[HIDDEN_OFFSET])->p};
}

/* Sum over atoms that the batch does not fire of lift E_j, taken off: what every token gets. */
static void lift_slope(const SAE *sae, float lift, float *to)
{
  const int64_t width = sae->inputs;
  for (int64_t j = 0; j < sae->m && lift > 0; j++)
    if (sae->silent[j] > 0) sae->kernels->add_scaled(width, -lift, sae->E + j * width, to);
}

/* What the loss changes by with the hidden layer's outputs of this rank's tokens, up to h: to, from
   what every token gets; before [tokens x width] scratch. */
static void output_slopes(const SAE *sae, float aux, const float *common, float *before, float *to)
{
  const SAEBatch *batch = sae->batch;
  const int64_t width = sae->inputs, size = batch->count * width;
  const Codes *dead = &batch->part[PART_AUX].codes;
  for (int64_t t = 0; t < batch->count; t++) {
    float *row = before + t * width;
    memcpy(row, common, (size_t)width * sizeof(*row));
    if (aux == 0) continue;
    const int64_t at = dead->start[t];
    sae->kernels->decode(dead->start[t + 1] - at, dead->atom + at, batch->part[PART_AUX].g + at,
                         width, batch->dead_E, width, batch->hidden_row);
    sae->kernels->add_scaled(width, aux, batch->hidden_row, row);
  }
  for (int p = PART_MAIN; p < PART_MAIN + sae_levels(sae); p++) {
    const SAEPart *part = &batch->part[p];
    if (p > PART_MAIN) memcpy(before, to, (size_t)size * sizeof(*to));
    sae->kernels->residuals(batch->count, part->codes.start, part->codes.atom, part->g, sae->m,
                            width, sae->E, 1, before, to, NULL, batch->square, NULL, batch->work);
  }
}

/* Slopes by the linear part, of some numbers and the tokens of a leaf. */
static void turn_slopes(void *context, int64_t j, int64_t count, int64_t leaf, float *A)
{
  const SAE *sae = context;
  const int64_t width = sae->inputs, first = leaf * LEAF_TOKENS,
                tokens = min_i64(LEAF_TOKENS, sae->batch->b - first);
  const float *slope = sae->batch->hidden[2] + first * width + j;
  enum { TURN = 16 };
  for (int64_t i = 0; i < count; i += TURN)
    for (int64_t t = 0; t < tokens; t += TURN)
      for (int64_t a = i; a < min_i64(i + TURN, count); a++)
        for (int64_t r = t; r < min_i64(t + TURN, tokens); r++)
          A[a * LEAF_TOKENS + r] = slope[r * width + a];
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
  PetscCall(DenseProducts(sae, &(DenseLeaves){turn_slopes, sae, batch->b, width}, NULL, d,
                          batch->xc, t[HIDDEN_W]->g));
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
  const int64_t row = batch->first * width;
  output_slopes(sae, aux, common, batch->hidden[1] + row, batch->hidden[0] + row);
  sae->kernels->layer_back(batch->count, width, batch->in + row, batch->norm_in, batch->inverse,
                           gain, batch->hidden[0] + row, batch->hidden[1] + row,
                           batch->hidden[2] + row);
  PetscCall(Finish(sae, h));
  PetscCall(ArrayDestroy(&common));
  PetscFunctionReturn(PETSC_SUCCESS);
}
