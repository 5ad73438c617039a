/* dictionary_learning: a folder with ae.pt, a state dict, and config.json. The decoder of a linear
   layer is stored as [d x m]; the running threshold of BatchTopK keeps scores above it. */
#include "run/model_importer.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

typedef enum { RELU, TOPK, BATCHTOPK, JUMPRELU, GATED } Kind;

/* A class: its arrays, and how they are stored. */
typedef struct {
  const char *name;
  Kind kind;
  const char *encoder, *encoder_bias, *decoder, *bias;
  bool matrices; /* W_enc [d x m] and W_dec [m x d]; else layers, the other way round */
  bool centres;  /* the bias is taken from tokens */
} Class;
static const Class classes[] = {
    {"AutoEncoder", RELU, "encoder.weight", "encoder.bias", "decoder.weight", "bias", false, true},
    {"AutoEncoderNew", RELU, "encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias",
     false, false},
    {"GatedAutoEncoder", GATED, "encoder.weight", "gate_bias", "decoder.weight", "decoder_bias",
     false, true},
    {"JumpReluAutoEncoder", JUMPRELU, "W_enc", "b_enc", "W_dec", "b_dec", true, false},
    {"AutoEncoderTopK", TOPK, "encoder.weight", "encoder.bias", "decoder.weight", "b_dec", false,
     true},
    {"BatchTopKSAE", BATCHTOPK, "encoder.weight", "encoder.bias", "decoder.weight", "b_dec", false,
     true},
    {"MatryoshkaBatchTopKSAE", BATCHTOPK, "W_enc", "b_enc", "W_dec", "b_dec", true, true},
};
enum { CLASSES = sizeof(classes) / sizeof(*classes) };
static const char *const codes[] = {"relu", "topk", "batchtopk", "jumprelu", "gated"};

static bool has(const ModelSource *source, const char *name)
{
  return file_array_named(source->arrays, name) != NULL;
}

/* The class that config.json names, else the only one with such arrays; NULL: none, or several. */
static const Class *find_class(const ModelSource *source, const char **named)
{
  const Class *found = NULL;
  int fitting = 0;
  *named = model_fact(source, "trainer.dict_class");
  for (int i = 0; i < CLASSES; i++) {
    const Class *c = &classes[i];
    if (!strcmp(*named, c->name)) return c;
    const bool groups = has(source, "group_sizes") == !strcmp(c->name, "MatryoshkaBatchTopKSAE"),
               fits = has(source, c->encoder) && has(source, c->encoder_bias) &&
                      has(source, c->decoder) && has(source, c->bias);
    if (fits && groups) found = c, fitting++;
  }
  return **named || fitting != 1 ? NULL : found;
}

static bool probe(const ModelSource *source)
{
  const char *named;
  return source->arrays && find_class(source, &named);
}

/* The number of a name without shape, or NaN where there is none. */
static PetscErrorCode TakeNumber(const ModelSource *source, const char *name, double *value,
                                 Mistakes *mistakes)
{
  int64_t one = 1;
  float *x = NULL;

  PetscFunctionBegin;
  *value = (double)NAN;
  if (has(source, name)) PetscCall(ModelTake(source, name, false, &one, &one, &x, mistakes));
  if (x) *value = (double)*x;
  PetscCall(ArrayDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* k from the state dict, else from config.json, else from the command line. */
static PetscErrorCode TakeK(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  double k;
  Text text = {0};

  PetscFunctionBegin;
  PetscCall(TakeNumber(source, "k", &k, mistakes));
  const char *said = model_fact(source, "trainer.k");
  if (isnan(k) && *said)
    text_add(&text, "%s", said);
  else if (isnan(k))
    text_add(&text, "%s", source->options->k ? source->options->k : "");
  else
    text_number(&text, k);
  if (text.s && *text.s)
    settings_set(&model->settings, "code.k", text.s);
  else
    mistake(mistakes, source->path, 0, 0, "neither it nor config.json says k; --k K gives it");
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Scores must be above the library's threshold, and reach ours: the next float. */
static PetscErrorCode TakeThreshold(const ModelSource *source, ForeignModel *model,
                                    Mistakes *mistakes)
{
  double threshold;

  PetscFunctionBegin;
  PetscCall(TakeNumber(source, "threshold", &threshold, mistakes));
  if (!(threshold >= 0))
    text_add(&model->note, "its threshold was never set (it is below 0), so all codes above 0 are "
                           "kept, as the library does. ");
  PetscCall(ModelNumber(model, "code/threshold",
                        threshold >= 0 ? (double)nextafterf((float)threshold, INFINITY) : 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeCode(const ModelSource *source, Kind kind, ForeignModel *model,
                               Mistakes *mistakes)
{
  PetscFunctionBegin;
  settings_set(&model->settings, "code.name", codes[kind]);
  if (kind == TOPK || kind == BATCHTOPK) PetscCall(TakeK(source, model, mistakes));
  if (kind == BATCHTOPK) PetscCall(TakeThreshold(source, model, mistakes));
  if (kind == JUMPRELU)
    PetscCall(ModelTakeExtra(source, "threshold", "code/log_threshold", model_log_threshold, model,
                             mistakes));
  if (kind == GATED) {
    PetscCall(ModelTakeExtra(source, "r_mag", "code/log_scale", NULL, model, mistakes));
    PetscCall(ModelTakeExtra(source, "mag_bias", "code/bias", NULL, model, mistakes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether all atoms are of unit norm, within what the library calls close. */
static bool unit_atoms(const ForeignModel *model)
{
  for (int64_t j = 0; j < model->m; j++) {
    double square = 0;
    for (int64_t i = 0; i < model->d; i++) {
      const double x = (double)model->atoms[j * model->d + i];
      square += x * x;
    }
    if (!(__builtin_fabs(__builtin_sqrt(square) - 1) <= 1e-5)) return false;
  }
  return true;
}

static PetscErrorCode Read(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  const char *named;
  const Class *c = find_class(source, &named);
  int64_t one = 1;

  PetscFunctionBegin;
  if (!c) {
    mistake(mistakes, source->path, 0, 0,
            *named
                ? "is of class %s, which cannot be imported; ardis list model importers has those "
                  "that can"
                : "is of no class of dictionary_learning that its arrays would tell; config.json "
                  "beside it names trainer.dict_class",
            named);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(
      ModelTake(source, c->decoder, !c->matrices, &model->m, &model->d, &model->atoms, mistakes));
  PetscCall(
      ModelTake(source, c->encoder, c->matrices, &model->m, &model->d, &model->encoder, mistakes));
  PetscCall(
      ModelTake(source, c->encoder_bias, false, &model->m, &one, &model->encoder_bias, mistakes));
  PetscCall(ModelTake(source, c->bias, false, &model->d, &one, &model->bias, mistakes));
  PetscCall(TakeCode(source, c->kind, model, mistakes));
  if (mistakes_count(mistakes)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!strcmp(c->name, "AutoEncoder") && !unit_atoms(model)) model_unit_atoms(model);
  if (!c->centres) model_fold_bias(model);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const ModelImporter model_importer_dictionary_learning = {
    .entry = {"dictionary_learning",
              "a folder with ae.pt: AutoEncoder, AutoEncoderNew, Gated, JumpRelu, TopK, BatchTopK, "
              "Matryoshka",
              "dictionary_learning 0.1.0, dictionary.py and trainers", NULL, 0},
    .weights = "ae.pt",
    .config = "config.json",
    .probe = probe,
    .read = Read,
};
