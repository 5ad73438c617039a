/* overcomplete: a state dict in a .pt file. It has no bias of the decoder; which code it is, k,
   BatchTopK's threshold, RA-SAE's delta and how atoms are normalised are not in it. */
#include "run/model_importer.h"
#include "base/array.h"
#include "base/math.h"
#include <stdlib.h>
#include <string.h>

static bool has(const ModelSource *source, const char *name)
{
  return file_array_named(source->arrays, name) != NULL;
}

static bool probe(const ModelSource *source)
{
  return source->arrays && (has(source, "dictionary._weights") || has(source, "dictionary.W"));
}

/* exp of dictionary.multiplier, or 1. */
static PetscErrorCode TakeFactor(const ModelSource *source, double *factor, Mistakes *mistakes)
{
  int64_t one = 1;
  float *x = NULL;

  PetscFunctionBegin;
  if (has(source, "dictionary.multiplier"))
    PetscCall(ModelTake(source, "dictionary.multiplier", false, &one, &one, &x, mistakes));
  *factor = x ? math_exp((double)*x) : 1;
  PetscCall(ArrayDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double row_norm(const float *row, int64_t d, bool absolute)
{
  double sum = 0;
  for (int64_t i = 0; i < d; i++)
    sum += absolute ? __builtin_fabs((double)row[i]) : (double)row[i] * (double)row[i];
  return absolute ? sum : __builtin_sqrt(sum);
}

/* The library's five ways to normalise the rows of a free dictionary; l2 is its default. */
static void normalise(const char *way, double factor, ForeignModel *model)
{
  const bool absolute = strstr(way, "l1"), largest = !strncmp(way, "max_", 4),
             none = !strcmp(way, "identity");
  const int64_t d = model->d;
  double most = 0;
  for (int64_t j = 0; largest && j < model->m; j++) {
    const double norm = row_norm(model->atoms + j * d, d, absolute);
    if (norm > most) most = norm;
  }
  for (int64_t j = 0; j < model->m; j++) {
    float *atom = model->atoms + j * d;
    const double by = none ? 1 : largest ? most : row_norm(atom, d, absolute) + 1e-8;
    for (int64_t i = 0; i < d; i++) atom[i] = (float)((double)atom[i] / by * factor);
  }
}

static PetscErrorCode TakeFree(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  static const char *const ways[] = {"l2", "max_l2", "l1", "max_l1", "identity", NULL};
  const char *way = source->options->norm ? source->options->norm : "l2";
  bool known = false;
  double factor;

  PetscFunctionBegin;
  for (const char *const *w = ways; *w; w++) known |= !strcmp(way, *w);
  if (!known)
    mistake(mistakes, NULL, 0, 0, "--norm %s: must be l2, max_l2, l1, max_l1 or identity", way);
  PetscCall(ModelTake(source, "dictionary._weights", false, &model->m, &model->d, &model->atoms,
                      mistakes));
  PetscCall(TakeFactor(source, &factor, mistakes));
  if (model->atoms && known) normalise(way, factor, model);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Row j of exp(multiplier) (W C + Relax): W's row at 0 or above and of sum 1, Relax no longer than
   delta where that is known. */
static void mix_row(const float *w, const float *C, const float *relax, int64_t p, int64_t d,
                    double delta, double factor, float *atom)
{
  const double norm = row_norm(relax, d, false),
               keep = delta >= 0 && norm > delta ? delta / norm : 1;
  double sum = 0;
  for (int64_t q = 0; q < p; q++) sum += w[q] > 0 ? (double)w[q] : 0;
  for (int64_t i = 0; i < d; i++) {
    double x = 0;
    for (int64_t q = 0; q < p; q++)
      if (w[q] > 0) x += (double)w[q] / (sum + 1e-8) * (double)C[q * d + i];
    atom[i] = (float)(factor * (x + keep * (double)relax[i]));
  }
}

static PetscErrorCode TakeRelaxed(const ModelSource *source, ForeignModel *model,
                                  Mistakes *mistakes)
{
  const char *given = source->options->delta;
  int64_t p = 0;
  float *C, *W, *relax;
  double factor;

  PetscFunctionBegin;
  PetscCall(ModelTake(source, "dictionary.C", false, &p, &model->d, &C, mistakes));
  PetscCall(ModelTake(source, "dictionary.W", false, &model->m, &p, &W, mistakes));
  PetscCall(ModelTake(source, "dictionary.Relax", false, &model->m, &model->d, &relax, mistakes));
  PetscCall(TakeFactor(source, &factor, mistakes));
  if (!given)
    text_add(&model->note, "delta is not known (--delta), so its relaxation is taken as it is. ");
  if (C && W && relax) {
    const double delta = given ? strtod(given, NULL) : -1;
    PetscCall(ArrayCreate(model->m * model->d, &model->atoms));
    for (int64_t j = 0; j < model->m; j++)
      mix_row(W + j * p, C, relax + j * model->d, p, model->d, delta, factor,
              model->atoms + j * model->d);
  }
  PetscCall(ArrayDestroy(&C));
  PetscCall(ArrayDestroy(&W));
  PetscCall(ArrayDestroy(&relax));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Why an encoder with that array cannot be imported; NULL: it can. */
static const char *why_not(const ModelSource *source, const char *name)
{
  static const char *const linear[] = {"encoder.final_block.0.weight", "encoder.final_block.0.bias",
                                       "encoder.weight", "encoder.bias"};
  const bool batch_norm = has(source, "encoder.final_block.1.running_mean");
  for (size_t i = 0; i < sizeof(linear) / sizeof(*linear); i++)
    if (!strcmp(name, linear[i])) return NULL;
  if (!strncmp(name, "encoder.tied_to.", 16)) return NULL;
  if (!strncmp(name, "encoder.final_block.1.", 22))
    return batch_norm ? NULL
                      : "a layer norm of each token's scores over all atoms, which no code of "
                        "Ardis has";
  if (!strncmp(name, "encoder.mlp_blocks.", 19))
    return "hidden layers, and the library normalises them and the scores after them by batch, or "
           "the scores over all atoms; encoder mlp of Ardis has one hidden layer with a layer norm "
           "and none after it";
  return "more than linear layers and their batch norms";
}

static void check_encoder(const ModelSource *source, Mistakes *mistakes)
{
  for (int64_t i = 0; i < source->arrays->count; i++) {
    const char *name = source->arrays->array[i].name,
               *why = strncmp(name, "encoder.", 8) ? NULL : why_not(source, name);
    if (why) {
      mistake(mistakes, source->path, 0, 0, "its encoder has %s, that is, %s", name, why);
      return;
    }
  }
}

/* What batch norm does after training is a factor and an addend for each score: they become part of
   the encoder. Its epsilon, which is not in the file, is taken to be torch's 1e-5. */
static PetscErrorCode FoldBatchNorm(const ModelSource *source, ForeignModel *model,
                                    Mistakes *mistakes)
{
  static const char *const names[] = {"encoder.final_block.1.weight", "encoder.final_block.1.bias",
                                      "encoder.final_block.1.running_mean",
                                      "encoder.final_block.1.running_var"};
  int64_t one = 1;
  float *x[4];

  PetscFunctionBegin;
  for (int i = 0; i < 4; i++)
    PetscCall(ModelTake(source, names[i], false, &model->m, &one, &x[i], mistakes));
  const bool there = x[0] && x[1] && x[2] && x[3] && model->encoder && model->encoder_bias;
  for (int64_t j = 0; there && j < model->m; j++) {
    const double by = (double)x[0][j] / __builtin_sqrt((double)x[3][j] + 1e-5);
    float *row = model->encoder + j * model->d;
    for (int64_t i = 0; i < model->d; i++) row[i] = (float)((double)row[i] * by);
    model->encoder_bias[j] =
        (float)(((double)model->encoder_bias[j] - (double)x[2][j]) * by + (double)x[1][j]);
  }
  for (int i = 0; i < 4; i++) PetscCall(ArrayDestroy(&x[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The encoder: a linear layer, its rows alone, the atoms themselves (tied, matching pursuit), or
   none. */
static PetscErrorCode TakeEncoder(const ModelSource *source, ForeignModel *model,
                                  Mistakes *mistakes)
{
  const char *code = source->options->code;
  const bool block = has(source, "encoder.final_block.0.weight"),
             rows = has(source, "encoder.weight"), pursuit = code && !strcmp(code, "mp"),
             tied = has(source, "encoder.tied_to._weights") || pursuit;
  const char *bias = block ? "encoder.final_block.0.bias" : "encoder.bias";
  int64_t one = 1;

  PetscFunctionBegin;
  if (pursuit && (block || rows))
    mistake(mistakes, NULL, 0, 0, "--code mp: is for models without an encoder, and this has one");
  if (block || rows)
    PetscCall(ModelTake(source, block ? "encoder.final_block.0.weight" : "encoder.weight", false,
                        &model->m, &model->d, &model->encoder, mistakes));
  if (tied && !block && !rows && model->atoms) {
    settings_set(&model->settings, "encoder.name", "tied");
    PetscCall(ArrayCreate(model->m * model->d, &model->encoder));
    memcpy(model->encoder, model->atoms, (size_t)(model->m * model->d) * sizeof(float));
  }
  if (!model->encoder) PetscFunctionReturn(PETSC_SUCCESS);
  if (block || has(source, bias))
    PetscCall(ModelTake(source, bias, false, &model->m, &one, &model->encoder_bias, mistakes));
  else
    PetscCall(ArrayCreate(model->m, &model->encoder_bias));
  if (has(source, "encoder.final_block.1.running_mean"))
    PetscCall(FoldBatchNorm(source, model, mistakes));
  PetscCall(ArrayCreate(model->d, &model->bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The code: by its thresholds, else as the command line says. */
static PetscErrorCode TakeCode(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  const ModelOptions *options = source->options;
  const char *code = options->code;

  PetscFunctionBegin;
  if (!code && has(source, "thresholds")) code = "jumprelu";
  if (!code && options->threshold) code = "batchtopk";
  if (!code && options->k) code = "topk";
  if (has(source, "Q")) {
    mistake(mistakes, source->path, 0, 0,
            "is quantised (Q) to levels that were learned, by default as means of them weighted by "
            "a softmax: code quantised of Ardis rounds to even levels");
  } else if (!code) {
    mistake(mistakes, source->path, 0, 0,
            "does not say what its code is: --k K (TopK), --threshold T (BatchTopK, the running "
            "threshold) or --code relu");
  } else if (!strcmp(code, "jumprelu")) {
    settings_set(&model->settings, "code.convention", "overcomplete");
    PetscCall(ModelTakeExtra(source, "thresholds", "code/log_threshold", NULL, model, mistakes));
  } else if (!strcmp(code, "topk") || !strcmp(code, "mp")) {
    if (options->k)
      settings_set(&model->settings, "code.k", options->k);
    else
      mistake(mistakes, NULL, 0, 0, "--code %s needs --k K, the %s for each token", code,
              *code == 't' ? "codes kept" : "picks");
  } else if (!strcmp(code, "batchtopk")) {
    if (options->k) settings_set(&model->settings, "code.k", options->k);
    if (!options->threshold)
      mistake(mistakes, NULL, 0, 0, "--code batchtopk needs --threshold T, its running threshold");
    else
      PetscCall(ModelNumber(model, "code/threshold", strtod(options->threshold, NULL)));
  } else if (strcmp(code, "relu") != 0) {
    mistake(mistakes, NULL, 0, 0, "--code %s: must be relu, topk, batchtopk, jumprelu or mp", code);
  }
  if (code) settings_set(&model->settings, "code.name", code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  PetscFunctionBegin;
  check_encoder(source, mistakes);
  if (has(source, "dictionary.W"))
    PetscCall(TakeRelaxed(source, model, mistakes));
  else
    PetscCall(TakeFree(source, model, mistakes));
  PetscCall(TakeEncoder(source, model, mistakes));
  if (model->encoder) PetscCall(TakeCode(source, model, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const ModelImporter model_importer_overcomplete = {
    .entry =
        {"overcomplete",
         "a state dict in a .pt file: SAE, TopK, BatchTopK, JumpReLU, RA-SAE, MP; linear encoders, "
         "with batch norm or tied too",
         "overcomplete 0.3.0, overcomplete/sae", NULL, 0},
    .probe = probe,
    .read = Read,
};
