/* Finds the format of a model that another program learned, and writes what its importer read. */
#include "run/model_importer.h"
#include "base/array.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "data/tokens.h"
#include "learn/sae.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A model on its way. */
typedef struct {
  const ModelOptions *options;
  Mistakes *mistakes;
  char *path, *inner; /* the file with the arrays; FILE:ARRAY's array, or NULL */
  ModelSource source;
  const ModelImporter *importer;
  ForeignModel model;
} Import;

static const ModelImporter *importer_named(const char *name, Mistakes *mistakes)
{
  const Entry *entry = family_find(&model_importers, name);
  Text list = {0};
  for (const Entry *const *e = model_importers.entries; *e; e++)
    text_add(&list, "%s%s", e == model_importers.entries ? "" : ", ", (*e)->name);
  if (!entry)
    mistake(mistakes, NULL, 0, 0, "--from %s: no such format; there are %s", name, list.s);
  text_clear(&list);
  return (const ModelImporter *)entry;
}

/* The file with the arrays: that of a folder, by name, or FILE of FILE:ARRAY. */
static void find_file(Import *import, const char *path)
{
  Text wanted = {0};
  for (const Entry *const *e = model_importers.entries; *e && !import->path; e++) {
    const ModelImporter *importer = (const ModelImporter *)*e;
    if (!importer->weights || (import->importer && import->importer != importer)) continue;
    char *inside = path_join(path, importer->weights);
    if (file_exists(inside)) {
      import->path = inside, import->importer = importer;
      text_clear(&wanted);
      return;
    }
    text_add(&wanted, "%s%s", wanted.s ? " or " : "", importer->weights);
    free(inside);
  }
  import->path = text_copy(path);
  char *colon = file_exists(path) ? NULL : strrchr(import->path, ':');
  if (colon) *colon = 0, import->inner = text_copy(colon + 1);
  char *below = path_join(import->path, ".");
  if (file_exists(below))
    mistake(import->mistakes, path, 0, 0, "is a folder without %s",
            wanted.s ? wanted.s : "a model");
  else if (access(import->path, R_OK))
    mistake(import->mistakes, import->path, 0, 0, "cannot be read, or is not there");
  free(below);
  text_clear(&wanted);
}

/* Whether the file is a container of several arrays: a zip archive or safetensors. */
static bool contains_arrays(const char *path)
{
  unsigned char begin[10] = {0};
  FILE *file = fopen(path, "rb");
  const size_t got = file ? fread(begin, 1, sizeof(begin), file) : 0;
  const size_t length = strlen(path);
  if (file) fclose(file);
  return (got > 4 && !memcmp(begin, "PK", 2)) || (got == 10 && begin[8] == '{' && !begin[7]) ||
         (length > 12 && !strcmp(path + length - 12, ".safetensors")) ||
         (length > 3 && !strcmp(path + length - 3, ".pt"));
}

/* The JSON file beside the arrays; one that is not there has no rows. */
static PetscErrorCode ReadConfig(Import *import, const char *name)
{
  char *folder = text_copy(import->path), *slash = strrchr(folder, '/');
  Text text = {0};
  bool found, valid;

  PetscFunctionBegin;
  if (slash) slash[1] = 0;
  char *path = path_join(slash ? folder : ".", name);
  PetscCall(FileRead(path, &text, &found));
  if (found) {
    PetscCall(JsonFlatten(text.s ? text.s : "", text.length, import->source.config, &valid));
    if (!valid) mistake(import->mistakes, path, 0, 0, "is not JSON");
  }
  text_clear(&text);
  free(path);
  free(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenSource(Import *import)
{
  ModelSource *source = &import->source;

  PetscFunctionBegin;
  source->path = import->path, source->inner = import->inner;
  if (contains_arrays(import->path))
    PetscCall(FileArraysOpen(import->path, import->mistakes, &source->arrays));
  for (const Entry *const *e = model_importers.entries;
       *e && !import->importer && !mistakes_count(import->mistakes); e++)
    if (((const ModelImporter *)*e)->probe(source)) import->importer = (const ModelImporter *)*e;
  if (mistakes_count(import->mistakes)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!import->importer)
    mistake(import->mistakes, import->path, 0, 0,
            "is of no format that its arrays would tell; --from names one");
  else if (import->importer->weights && !source->arrays)
    mistake(import->mistakes, import->path, 0, 0, "is no file of %s", import->importer->entry.name);
  else if (import->importer->config)
    PetscCall(ReadConfig(import, import->importer->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Settings as a model of Ardis has them: what the file says, the rest at its default. */
static void complete_settings(ForeignModel *model)
{
  static const Param parts[] = {
      {"code", PARAM_CHOICE, .initial = "topk", .family = &sae_codes},
      {"encoder", PARAM_CHOICE, .initial = "linear", .family = &sae_encoders},
      {"goal", PARAM_CHOICE, .initial = "plain", .family = &sae_goals},
      {0},
  };
  Text width = {0};
  text_add(&width, "%" PRId64, model->m);
  settings_set(&model->settings, "width", width.s);
  if (!strcmp(settings_get(&model->settings, "code.name"), "batchtopk") &&
      !settings_get(&model->settings, "code.k")) {
    settings_set(&model->settings, "code.k", width.s);
    text_add(&model->note, "the k of its training is not known and written as its width. ");
  }
  settings_fill(&model->settings, "", parts);
  text_clear(&width);
}

/* The settings of the code against its own bounds, and those of the whole. */
static PetscErrorCode CheckSettings(const Import *import)
{
  const Settings *settings = &import->model.settings;
  const Entry *code = family_find(&sae_codes, settings_get(settings, "code.name"));
  Choice choice;
  const char *path = "";
  bool good = true;

  PetscFunctionBegin;
  for (const Param *param = code->params; param && param->name; param++) {
    Text name = {0};
    char *canonical = NULL, *complaint = NULL;
    text_add(&name, "code.%s", param->name);
    const char *value = settings_get(settings, name.s);
    if (param->type != PARAM_CHOICE && value && *value)
      PetscCall(ParamScalar(param, value, &canonical, &complaint));
    if (complaint)
      mistake(import->mistakes, import->path, 0, 0, "%s %s: %s", name.s, value, complaint);
    good &= !complaint;
    free(canonical);
    free(complaint);
    text_clear(&name);
  }
  if (!good || !code->check) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ChoiceRead(settings, "code", &sae_codes, &choice));
  char *reason = code->check(choice.params, settings, &path);
  if (reason) mistake(import->mistakes, import->path, 0, 0, "%s", reason);
  free(reason);
  PetscCall(ChoiceRelease(&choice));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(Import *import)
{
  ForeignModel *model = &import->model;
  const char *code = settings_get(&model->settings, "code.name");

  PetscFunctionBegin;
  if (!model->encoder) {
    text_add(&model->note, "it has no encoder: it can be compared, but it has no codes. ");
  } else if (!code || !family_find(&sae_codes, code)) {
    mistake(import->mistakes, import->path, 0, 0,
            "its code is %s, which this version of Ardis does not have", code ? code : "not known");
  } else {
    complete_settings(model);
    PetscCall(CheckSettings(import));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The digest of the tokens that the model belongs to, "" where none are named: fresh memory. */
static PetscErrorCode TokensDigest(const Import *import, char **digest)
{
  const char *path = import->options->tokens;
  Tokens *tokens;

  PetscFunctionBegin;
  *digest = text_copy("");
  if (!path) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      TokensOpen(PETSC_COMM_SELF, import->source.kernels, 1, &path, import->mistakes, &tokens));
  if (!tokens) PetscFunctionReturn(PETSC_SUCCESS);
  free(*digest);
  *digest = text_copy(tokens_digest(tokens));
  if (tokens_width(tokens) != import->model.d)
    mistake(import->mistakes, path, 0, 0,
            "tokens of width %" PRId64 ", but the model's are %" PRId64 " wide",
            tokens_width(tokens), import->model.d);
  PetscCall(TokensClose(&tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAttributes(const Import *import, const char *tokens, H5Writer *writer)
{
  static const char *const seeds[] = {"seed_init", "seed_data", "seed_anchors"};
  const ForeignModel *model = &import->model;
  const char *slash = strrchr(import->path, '/');
  char hex[DIGEST_LENGTH];
  Text settings = {0};
  bool found;

  PetscFunctionBegin;
  text_append(&settings, "", 0);
  for (int64_t i = 0; i < model->settings.count; i++)
    text_add(&settings, "%s: %s\n", model->settings.items[i].path, model->settings.items[i].value);
  PetscCall(DigestFile(import->path, hex, &found));
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterText(writer, NULL, "kind", "model"));
  PetscCall(H5WriterText(writer, NULL, "method", model->encoder ? "sae" : ""));
  PetscCall(H5WriterText(writer, NULL, "settings", settings.s));
  for (int i = 0; i < 3; i++) PetscCall(H5WriterInteger(writer, NULL, seeds[i], 0));
  PetscCall(H5WriterText(writer, NULL, "tokens", tokens));
  PetscCall(H5WriterText(writer, NULL, "anchors", ""));
  PetscCall(H5WriterText(writer, NULL, "stop", "imported"));
  PetscCall(H5WriterText(writer, NULL, "imported_from", import->importer->entry.name));
  PetscCall(H5WriterText(writer, NULL, "source", slash ? slash + 1 : import->path));
  PetscCall(H5WriterText(writer, NULL, "source_digest", found ? hex : ""));
  text_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Arrays of the file, numbered as they are declared. */
typedef struct {
  const char *name;
  H5Kind kind;
  int rank;
  int64_t dims[2];
  const void *data;
} Part;

static PetscErrorCode WriteParts(const Import *import, int count, const Part *part,
                                 const char *tokens)
{
  H5Writer *writer;
  int number[16];

  PetscFunctionBegin;
  PetscCall(H5WriterCreate(PETSC_COMM_SELF, import->options->to, &writer));
  for (int i = 0; i < count; i++)
    PetscCall(
        H5WriterArray(writer, part[i].name, part[i].kind, part[i].rank, part[i].dims, &number[i]));
  PetscCall(WriteAttributes(import, tokens, writer));
  PetscCall(H5WriterLayout(writer, import->mistakes));
  if (mistakes_count(import->mistakes)) {
    PetscCall(H5WriterAbandon(&writer));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int i = 0; i < count; i++)
    PetscCall(H5WriterRows(writer, number[i], 0, part[i].dims[0], part[i].data));
  PetscCall(H5WriterCommit(&writer, import->mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(Import *import, const char *tokens)
{
  ForeignModel *model = &import->model;
  const int64_t m = model->m, d = model->d;
  double *mean, *scale;
  float *each[MODEL_EXTRAS] = {NULL};
  Part part[16] = {{"atoms", H5_F32, 2, {m, d}, model->atoms},
                   {"normalise/mean", H5_F64, 1, {d}, NULL},
                   {"normalise/scale", H5_F64, 1, {d}, NULL},
                   {"encoder/weight", H5_F32, 2, {m, d}, model->encoder},
                   {"encoder/bias", H5_F32, 1, {m}, model->encoder_bias},
                   {"bias", H5_F32, 1, {d}, model->bias}};
  int count = model->encoder ? 6 : 3;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(d, &mean));
  PetscCall(ArrayCreate(d, &scale));
  for (int64_t i = 0; i < d; i++) scale[i] = 1;
  part[1].data = mean, part[2].data = scale;
  for (int i = 0; i < model->extras; i++) {
    const bool vector = model->extra[i].each;
    if (vector) PetscCall(ArrayCreate(m, &each[i]));
    for (int64_t j = 0; vector && j < m; j++) each[i][j] = (float)model->extra[i].x[j];
    part[count++] = (Part){model->extra[i].name,
                           vector ? H5_F32 : H5_F64,
                           1,
                           {vector ? m : 1},
                           vector ? (void *)each[i] : model->extra[i].x};
  }
  PetscCall(WriteParts(import, count, part, tokens));
  for (int i = 0; i < model->extras; i++) PetscCall(ArrayDestroy(&each[i]));
  PetscCall(ArrayDestroy(&mean));
  PetscCall(ArrayDestroy(&scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forget(Import *import)
{
  ForeignModel *model = &import->model;

  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&model->atoms));
  PetscCall(ArrayDestroy(&model->encoder));
  PetscCall(ArrayDestroy(&model->encoder_bias));
  PetscCall(ArrayDestroy(&model->bias));
  for (int i = 0; i < model->extras; i++) PetscCall(ArrayDestroy(&model->extra[i].x));
  settings_clear(&model->settings);
  text_clear(&model->note);
  PetscCall(TableDestroy(&import->source.config));
  PetscCall(FileArraysClose(&import->source.arrays));
  free(import->path);
  free(import->inner);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModelImport(const char *path, const ModelOptions *options, const Kernels *kernels,
                           Mistakes *mistakes)
{
  Import import = {.options = options, .mistakes = mistakes};
  char *tokens = NULL;

  PetscFunctionBegin;
  import.source.options = options, import.source.kernels = kernels;
  PetscCall(TableCreate("path,value", &import.source.config));
  if (options->from) import.importer = importer_named(options->from, mistakes);
  if (!mistakes_count(mistakes)) find_file(&import, path);
  if (import.path && file_same(options->to, import.path))
    mistake(mistakes, NULL, 0, 0, "--out %s: is the model to import itself", options->to);
  if (!mistakes_count(mistakes)) PetscCall(OpenSource(&import));
  if (!mistakes_count(mistakes))
    PetscCall(import.importer->read(&import.source, &import.model, mistakes));
  if (!mistakes_count(mistakes)) PetscCall(Check(&import));
  if (!mistakes_count(mistakes)) PetscCall(TokensDigest(&import, &tokens));
  if (!mistakes_count(mistakes)) PetscCall(Write(&import, tokens));
  if (!mistakes_count(mistakes)) {
    const char *code = settings_get(&import.model.settings, "code.name");
    printf("%s: %" PRId64 " atoms x %" PRId64 ", %s, from %s\n", options->to, import.model.m,
           import.model.d, code ? code : "atoms only", import.importer->entry.name);
    if (import.model.note.s) fprintf(stderr, "%s: %s\n", import.path, import.model.note.s);
  }
  free(tokens);
  PetscCall(Forget(&import));
  PetscFunctionReturn(PETSC_SUCCESS);
}
