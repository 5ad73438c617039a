/* Takes models to other formats. */
#include "run/exporter.h"
#include "base/array.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X(name) extern const Exporter exporter_##name;
#include "exporter.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &exporter_##name.entry,
#include "exporter.def"
#undef X
    NULL,
};

const Family exporters = {"exporter", "exporters", entries};

static PetscErrorCode ReadArray(H5Reader *reader, const char *name, ExportArray *array)
{
  H5Info info;
  bool found;
  void *data;

  PetscFunctionBegin;
  PetscCall(H5ReaderInfo(reader, name, &info, &found));
  const int64_t cols = info.rank > 1 ? info.dims[1] : 1;
  PetscCall(ArrayCreateBytes(info.dims[0] * cols, h5_size(info.kind), &data));
  PetscCall(H5ReaderRows(reader, name, 0, info.dims[0], info.kind, data));
  *array = (ExportArray){name, info.kind, info.rank > 1 ? 2 : 1, {info.dims[0], cols}, data};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadText(H5Reader *reader, const char *path, const char *name, char **text,
                               Mistakes *mistakes)
{
  bool found;

  PetscFunctionBegin;
  PetscCall(H5ReaderText(reader, NULL, name, text, &found));
  if (!found) {
    *text = text_copy("");
    mistake(mistakes, path, 0, 0, "has no attribute %s: not a model of Ardis", name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everything in the file to the exporter. */
static PetscErrorCode Export(H5Reader *reader, const char *path, const Exporter *exporter,
                             const char *to, Mistakes *mistakes)
{
  ExportModel model = {.source = path};
  ExportArray *array;
  char **names, *method, *settings, *tokens;
  bool found;

  PetscFunctionBegin;
  PetscCall(ReadText(reader, path, "method", &method, mistakes));
  PetscCall(ReadText(reader, path, "settings", &settings, mistakes));
  PetscCall(ReadText(reader, path, "tokens", &tokens, mistakes));
  PetscCall(H5ReaderReals(reader, NULL, "log_multiplier", 1, &model.log_multiplier, &found));
  if (!found) model.log_multiplier = 0;
  model.method = method, model.settings = settings, model.tokens = tokens;
  PetscCall(H5ReaderNames(reader, &model.count, &names));
  PetscCall(ArrayCreate(model.count, &array));
  model.array = array;
  for (int64_t i = 0; i < model.count; i++) PetscCall(ReadArray(reader, names[i], &array[i]));
  if (!mistakes_count(mistakes)) {
    PetscCall(exporter->write(&model, to));
    printf("%s\n", to);
  }
  for (int64_t i = 0; i < model.count; i++) {
    PetscCall(ArrayDestroyBytes((void **)&array[i].data));
    free(names[i]);
  }
  free(names);
  free(method);
  free(settings);
  free(tokens);
  PetscCall(ArrayDestroy(&array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ExportRun(const char *path, const Exporter *exporter, const char *to,
                         Mistakes *mistakes)
{
  char *inside = path_join(path, "model.h5"),
       *file = text_copy(file_exists(inside) ? inside : path);
  Text target = {0};
  H5Reader *reader;

  PetscFunctionBegin;
  const size_t length = strlen(file),
               stem = length > 3 && !strcmp(file + length - 3, ".h5") ? length - 3 : length;
  if (to)
    text_add(&target, "%s", to);
  else
    text_add(&target, "%.*s.%s", (int)stem, file, exporter->entry.name);
  if (file_same(target.s, file))
    mistake(mistakes, target.s, 0, 0, "is the model itself; -o names another place");
  PetscCall(H5ReaderOpen(file, mistakes, &reader));
  if (reader) {
    PetscCall(Export(reader, file, exporter, target.s, mistakes));
    PetscCall(H5ReaderClose(&reader));
  }
  text_clear(&target);
  free(inside);
  free(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}
