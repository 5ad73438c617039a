/* A tensor of a safetensors file: file.safetensors:tensor. */
#include "data/arrays.h"
#include "data/import.h"
#include <stdlib.h>
#include <string.h>

static bool probe(const Source *source, const unsigned char begin[16], const ImportOptions *options)
{
  const size_t length = strlen(source->path);
  const bool named = length > 12 && !strcmp(source->path + length - 12, ".safetensors");
  return !options->is_raw && (named || (begin[8] == '{' && begin[9] == '"' && !begin[7]));
}

/* Puts the tensor's place and shape into the source, or says what is wrong. */
static void accept_array(Source *source, const FileArray *array, Mistakes *mistakes)
{
  if (!array->numeric || array->kind > H5_F64) {
    mistake(mistakes, source->path, 0, 0, "%s is of type %s; activations are F16, BF16, F32 or F64",
            source->inner, array->type);
    return;
  }
  source->kind = array->kind;
  source->rank = array->rank;
  for (int i = 0; i < array->rank && i < 4; i++) source->dims[i] = array->dims[i];
  source->offset = array->offset;
}

static PetscErrorCode OpenSafetensors(Source *source, const ImportOptions *options,
                                      Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  (void)options;
  FileArrays *arrays;
  Text list = {0};
  PetscCall(FileArraysOpen(source->path, mistakes, &arrays));
  if (!arrays) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < arrays->count && i < 20; i++)
    text_add(&list, "%s%s", i ? ", " : "", arrays->array[i].name);
  const FileArray *found = source->inner        ? file_array_named(arrays, source->inner)
                           : arrays->count == 1 ? arrays->array
                                                : NULL;
  if (!found) {
    mistake(mistakes, source->path, 0, 0,
            source->inner ? "has no tensor %s; it has %s" : "name a tensor as FILE:TENSOR%s: %s",
            source->inner ? source->inner : "", list.s ? list.s : "none");
  } else {
    if (!source->inner) source->inner = text_copy(list.s);
    accept_array(source, found, mistakes);
  }
  text_clear(&list);
  PetscCall(FileArraysClose(&arrays));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Importer importer_safetensors = {
    .entry = {.name = "safetensors", .summary = "a tensor of a safetensors file (FILE:TENSOR)"},
    .probe = probe,
    .open = OpenSafetensors,
    .read = SourceReadPlain,
};
