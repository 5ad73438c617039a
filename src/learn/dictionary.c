/* model.h5, initial.h5 and anchors files: written from a learner, read as a dictionary. */
#include "learn/dictionary.h"
#include "base/digest.h"
#include <stdlib.h>
#include <string.h>

/* This run's settings as lines "path: value". */
static char *settings_text(const Settings *settings)
{
  Text text = {0};
  text_append(&text, "", 0);
  for (int64_t i = 0; i < settings->count; i++)
    if (!settings->items[i].quiet)
      text_add(&text, "%s: %s\n", settings->items[i].path, settings->items[i].value);
  return text.s;
}

static void settings_parse(const char *text, Settings *settings)
{
  while (*text) {
    const size_t line = strcspn(text, "\n");
    const char *colon = memchr(text, ':', line);
    if (colon && colon + 2 <= text + line) {
      Text path = {0}, value = {0};
      text_append(&path, text, (size_t)(colon - text));
      text_append(&value, colon + 2, (size_t)(text + line - colon - 2));
      settings_set(settings, path.s, value.s);
      text_clear(&path);
      text_clear(&value);
    }
    text += line + (text[line] == '\n');
  }
}

static PetscErrorCode WriteAttributes(const Task *task, const Method *method, void *learner,
                                      H5Writer *writer, const char *reason)
{
  char *settings = settings_text(task->settings);

  PetscFunctionBegin;
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterText(writer, NULL, "kind", "model"));
  PetscCall(H5WriterText(writer, NULL, "method", method->entry.name));
  PetscCall(H5WriterText(writer, NULL, "settings", settings));
  PetscCall(H5WriterInteger(writer, NULL, "seed_init", task->seed_init));
  PetscCall(H5WriterInteger(writer, NULL, "seed_data", task->seed_data));
  PetscCall(H5WriterInteger(writer, NULL, "seed_anchors", task->seed_anchors));
  if (settings_real(task->settings, "subsample") < 1)
    PetscCall(H5WriterInteger(writer, NULL, "seed_subsample", task->seed_subsample));
  PetscCall(H5WriterText(writer, NULL, "tokens", tokens_digest(task->view.tokens)));
  PetscCall(H5WriterText(writer, NULL, "anchors", task->anchors ? task->anchors->digest : ""));
  PetscCall(H5WriterText(writer, NULL, "stop", reason));
  if (method->attributes) PetscCall(method->attributes(learner, writer));
  free(settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModelWrite(const Task *task, const Method *method, void *learner, const char *path,
                          const char *reason, Mistakes *mistakes)
{
  State state = {0};
  H5Writer *writer;
  int numbers[STATE_MAX];
  const Normaliser *normaliser = task->view.normaliser;

  PetscFunctionBegin;
  PetscCall(method->model(learner, &state));
  state_shared(&state, "normalise/mean", H5_F64, 1, normaliser->d, 1, normaliser->mean);
  state_shared(&state, "normalise/scale", H5_F64, 1, normaliser->d, 1, normaliser->scale);
  PetscCall(H5WriterCreate(task->comm, path, &writer));
  PetscCall(StateDeclare(writer, &state, numbers));
  PetscCall(WriteAttributes(task, method, learner, writer, reason));
  PetscCall(H5WriterLayout(writer, mistakes));
  if (mistakes_count(mistakes)) {
    PetscCall(H5WriterAbandon(&writer));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(StateWrite(task->comm, writer, &state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A float array of the file: fresh memory, or NULL where there is none. A wrong shape is a mistake.
 */
static PetscErrorCode ReadFloats(H5Reader *reader, const char *path, const char *name, int64_t rows,
                                 int64_t cols, float **data, Mistakes *mistakes)
{
  H5Info info;
  bool found;

  PetscFunctionBegin;
  *data = NULL;
  PetscCall(H5ReaderInfo(reader, name, &info, &found));
  if (!found) PetscFunctionReturn(PETSC_SUCCESS);
  if (info.dims[0] != rows || (info.rank > 1 ? info.dims[1] : 1) != cols) {
    mistake(mistakes, path, 0, 0, "/%s is not [%lld x %lld], as the file's atoms ask for", name,
            (long long)rows, (long long)cols);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ArrayCreate(rows * cols, data));
  PetscCall(H5ReaderRows(reader, name, 0, rows, H5_F32, *data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadText(H5Reader *reader, const char *path, const char *name, char **value,
                               Mistakes *mistakes)
{
  bool found;

  PetscFunctionBegin;
  PetscCall(H5ReaderText(reader, NULL, name, value, &found));
  if (!found) {
    *value = text_copy("");
    mistake(mistakes, path, 0, 0, "has no attribute %s: not a model of Ardis", name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadNormalisation(H5Reader *reader, const char *path, Dictionary *dictionary,
                                        Mistakes *mistakes)
{
  H5Info info;
  const char *names[] = {"normalise/mean", "normalise/scale"};
  double **data[] = {&dictionary->mean, &dictionary->scale};

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) {
    bool found;
    PetscCall(H5ReaderInfo(reader, names[i], &info, &found));
    PetscCall(ArrayCreate(dictionary->d, data[i]));
    if (!found || info.rank != 1 || info.dims[0] != dictionary->d)
      mistake(mistakes, path, 0, 0, "has no /%s of %lld numbers: not a model of Ardis", names[i],
              (long long)dictionary->d);
    else
      PetscCall(H5ReaderRows(reader, names[i], 0, dictionary->d, H5_F64, *data[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Arrays under /code and /encoder that every model need not have. */
static PetscErrorCode ReadArrays(H5Reader *reader, Dictionary *dictionary)
{
  int64_t count;
  char **names;

  PetscFunctionBegin;
  PetscCall(H5ReaderNames(reader, &count, &names));
  for (int64_t i = 0; i < count && dictionary->arrays < DICTIONARY_ARRAYS; i++) {
    const char *name = names[i];
    H5Info info;
    bool found;
    if ((strncmp(name, "code/", 5) && strncmp(name, "encoder/", 8)) ||
        !strcmp(name, "encoder/weight") || !strcmp(name, "encoder/bias"))
      continue;
    PetscCall(H5ReaderInfo(reader, name, &info, &found));
    const int64_t size = info.dims[0] * (info.rank > 1 ? info.dims[1] : 1);
    const int at = dictionary->arrays++;
    dictionary->array[at].name = text_copy(name), dictionary->array[at].count = size;
    PetscCall(ArrayCreate(size, &dictionary->array[at].x));
    PetscCall(H5ReaderRows(reader, name, 0, info.dims[0], H5_F64, dictionary->array[at].x));
  }
  PetscCall(H5NamesFree(count, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *dictionary_array(const Dictionary *dictionary, const char *name, int64_t count)
{
  for (int i = 0; i < dictionary->arrays; i++)
    if (!strcmp(dictionary->array[i].name, name) && dictionary->array[i].count == count)
      return dictionary->array[i].x;
  return NULL;
}

static PetscErrorCode ReadAll(H5Reader *reader, const char *path, Dictionary *dictionary,
                              Mistakes *mistakes)
{
  H5Info info;
  bool found;
  char *settings = NULL, *method = NULL;

  PetscFunctionBegin;
  PetscCall(H5ReaderInfo(reader, "atoms", &info, &found));
  if (!found || info.rank != 2 || info.dims[0] < 1 || info.dims[1] < 1) {
    mistake(mistakes, path, 0, 0, "has no array /atoms [m x d]: not a model or a set of anchors");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const int64_t m = dictionary->m = info.dims[0], d = dictionary->d = info.dims[1];
  PetscCall(ReadFloats(reader, path, "atoms", m, d, &dictionary->atoms, mistakes));
  PetscCall(ReadFloats(reader, path, "encoder/weight", m, d, &dictionary->encoder, mistakes));
  PetscCall(ReadFloats(reader, path, "encoder/bias", m, 1, &dictionary->encoder_bias, mistakes));
  PetscCall(ReadFloats(reader, path, "bias", d, 1, &dictionary->bias, mistakes));
  PetscCall(ReadArrays(reader, dictionary));
  PetscCall(ReadNormalisation(reader, path, dictionary, mistakes));
  PetscCall(ReadText(reader, path, "settings", &settings, mistakes));
  PetscCall(ReadText(reader, path, "method", &method, mistakes));
  PetscCall(ReadText(reader, path, "tokens", &dictionary->tokens_digest, mistakes));
  PetscCall(ReadText(reader, path, "anchors", &dictionary->anchors_digest, mistakes));
  settings_parse(settings, &dictionary->settings);
  dictionary->method = (const Method *)family_find(&methods, method);
  if (*method && !dictionary->method)
    mistake(mistakes, path, 0, 0, "was made by a method that this version does not have: %s",
            method);
  free(settings);
  free(method);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DictionaryRead(const char *path, const Kernels *kernels, Mistakes *mistakes,
                              Dictionary **dictionary)
{
  H5Reader *reader;
  const int before = mistakes_count(mistakes);

  PetscFunctionBegin;
  *dictionary = NULL;
  PetscCall(H5ReaderOpen(path, mistakes, &reader));
  if (!reader) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(1, dictionary));
  (*dictionary)->kernels = kernels;
  PetscCall(ReadAll(reader, path, *dictionary, mistakes));
  PetscCall(H5ReaderClose(&reader));
  if (mistakes_count(mistakes) > before) PetscCall(DictionaryDestroy(dictionary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DictionaryDestroy(Dictionary **dictionary)
{
  PetscFunctionBegin;
  if (!*dictionary) PetscFunctionReturn(PETSC_SUCCESS);
  Dictionary *old = *dictionary;
  if (old->forget) PetscCall(old->forget(old));
  PetscCall(ArrayDestroy(&old->atoms));
  PetscCall(ArrayDestroy(&old->encoder));
  PetscCall(ArrayDestroy(&old->encoder_bias));
  PetscCall(ArrayDestroy(&old->bias));
  PetscCall(ArrayDestroy(&old->mean));
  PetscCall(ArrayDestroy(&old->scale));
  for (int i = 0; i < old->arrays; i++) {
    free(old->array[i].name);
    PetscCall(ArrayDestroy(&old->array[i].x));
  }
  free(old->anchors_digest);
  free(old->tokens_digest);
  settings_clear(&old->settings);
  PetscCall(ArrayDestroy(dictionary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DictionaryEncode(const Dictionary *dictionary, int64_t n, const float *X,
                                Codes *codes)
{
  PetscFunctionBegin;
  PetscCall(dictionary->method->encode(dictionary, n, X, codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DictionaryDecode(const Dictionary *dictionary, const Codes *codes, float *Y)
{
  const int64_t d = dictionary->d;

  PetscFunctionBegin;
  for (int64_t t = 0; t < codes->rows; t++) {
    const int64_t at = codes->start[t];
    float *y = Y + t * d;
    dictionary->kernels->decode(codes->start[t + 1] - at, codes->atom + at, codes->value + at, d,
                                dictionary->atoms, d, y);
    if (dictionary->bias)
      for (int64_t i = 0; i < d; i++) y[i] += dictionary->bias[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
