/* SAELens (6 and later): a folder with sae_weights.safetensors and cfg.json. W_enc is [d x m],
   W_dec [m x d]; thresholds are linear and scores equal to one are not kept. */
#include "run/model_importer.h"
#include "base/array.h"
#include <string.h>

static bool is(const char *value, const char *word)
{
  return !strcmp(value, word);
}

static bool probe(const ModelSource *source)
{
  return source->arrays && file_array_named(source->arrays, "W_enc") &&
         *model_fact(source, "d_sae");
}

/* The word for what the model is; older files have none and name an activation. */
static const char *architecture(const ModelSource *source)
{
  const char *word = model_fact(source, "architecture"),
             *activation = model_fact(source, "activation_fn_str");
  if (!*activation) activation = model_fact(source, "activation_fn");
  if ((!*word || is(word, "standard")) && is(activation, "topk")) return "topk";
  return *word ? word : "standard";
}

static void check(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  const char *scaling = model_fact(source, "normalize_activations"),
             *fine = model_fact(source, "finetuning_scaling_factor");
  if (is(scaling, "expected_average_only_in"))
    text_add(&model->note, "its tokens must come scaled to a mean norm of sqrt(d), which the "
                           "library's forward pass does not do either. ");
  else if (*scaling && !is(scaling, "none"))
    mistake(mistakes, source->path, 0, 0,
            "normalize_activations is %s: every token is scaled by a factor of its own, which "
            "models of Ardis do not do",
            scaling);
  if (is(fine, "true"))
    mistake(mistakes, source->path, 0, 0,
            "finetuning_scaling_factor is set: fold it into the decoder first");
}

/* k of topk; false, a mistake: there is none. */
static bool take_k(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  const char *k = model_fact(source, "k");
  if (!*k) k = model_fact(source, "activation_fn_kwargs.k");
  if (!*k) k = source->options->k ? source->options->k : "";
  if (*k)
    settings_set(&model->settings, "code.k", k);
  else
    mistake(mistakes, source->path, 0, 0, "cfg.json has no k for topk; --k K gives it");
  return *k;
}

static PetscErrorCode TakeGate(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  PetscFunctionBegin;
  PetscCall(ModelTakeExtra(source, "r_mag", "code/log_scale", NULL, model, mistakes));
  PetscCall(ModelTakeExtra(source, "b_mag", "code/bias", NULL, model, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  static const char *const known[] = {"standard", "relu",     "topk",  "topk",
                                      "jumprelu", "jumprelu", "gated", "gated"};
  const char *word = architecture(source), *code = NULL;
  int64_t one = 1;

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(known) / sizeof(*known); i += 2)
    if (is(word, known[i])) code = known[i + 1];
  if (!code) {
    mistake(mistakes, source->path, 0, 0,
            "is of architecture %s; standard, topk, jumprelu and gated can be imported (BatchTopK "
            "and Matryoshka models as SAELens saves them for inference: jumprelu)",
            word);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  settings_set(&model->settings, "code.name", code);
  check(source, model, mistakes);
  PetscCall(ModelTake(source, "W_dec", false, &model->m, &model->d, &model->atoms, mistakes));
  PetscCall(ModelTake(source, "W_enc", true, &model->m, &model->d, &model->encoder, mistakes));
  PetscCall(ModelTake(source, "b_dec", false, &model->d, &one, &model->bias, mistakes));
  PetscCall(ModelTake(source, is(code, "gated") ? "b_gate" : "b_enc", false, &model->m, &one,
                      &model->encoder_bias, mistakes));
  if (is(code, "topk")) take_k(source, model, mistakes);
  if (is(code, "jumprelu"))
    PetscCall(ModelTakeExtra(source, "threshold", "code/log_threshold", model_log_threshold, model,
                             mistakes));
  if (is(code, "gated")) PetscCall(TakeGate(source, model, mistakes));
  if (mistakes_count(mistakes)) PetscFunctionReturn(PETSC_SUCCESS);
  if (is(code, "topk") && is(model_fact(source, "rescale_acts_by_decoder_norm"), "true"))
    model_unit_atoms(model);
  if (is(model_fact(source, "apply_b_dec_to_input"), "false")) model_fold_bias(model);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const ModelImporter model_importer_saelens = {
    .entry = {"saelens",
              "a folder of SAELens: standard, topk, jumprelu (so BatchTopK and Matryoshka), gated",
              "SAELens 6.54, sae_lens/saes", NULL, 0},
    .weights = "sae_weights.safetensors",
    .config = "cfg.json",
    .probe = probe,
    .read = Read,
};
