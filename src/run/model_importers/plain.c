/* An array of atoms [m x d]: .npy, a dataset of HDF5, a tensor of safetensors. It has no encoder.
 */
#include "run/model_importer.h"
#include "base/array.h"
#include "data/import.h"
#include <inttypes.h>
#include <math.h>

static bool probe(const ModelSource *source)
{
  return !source->arrays || file_array_named(source->arrays, "dictionary") ||
         file_array_named(source->arrays, "atoms") || source->inner;
}

static PetscErrorCode ReadAtoms(const ModelSource *source, Source *array, ForeignModel *model,
                                Mistakes *mistakes)
{
  const void *stored;

  PetscFunctionBegin;
  if (array->rank != 2 || array->n < 1 || array->d < 1) {
    mistake(mistakes, source->path, 0, 0, "its array has %d dimensions; atoms are [m x d]",
            array->rank);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  model->m = array->n, model->d = array->d;
  PetscCall(ArrayCreate(model->m * model->d, &model->atoms));
  PetscCall(SourceRead(array, source->kernels, 0, model->m, model->atoms, &stored));
  for (int64_t i = 0; i < model->m * model->d; i++)
    if (!isfinite(model->atoms[i])) {
      mistake(mistakes, source->path, 0, 0, "atom %" PRId64 " has a number that is not finite",
              i / model->d);
      break;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(const ModelSource *source, ForeignModel *model, Mistakes *mistakes)
{
  static const char *const usual[] = {"dictionary", "atoms"};
  const ImportOptions options = {.dim = 0};
  const char *inner = source->inner;
  Text name = {0};
  Source *array;

  PetscFunctionBegin;
  for (int i = 0; !inner && source->arrays && i < 2; i++)
    if (file_array_named(source->arrays, usual[i])) inner = usual[i];
  text_add(&name, inner ? "%s:%s" : "%s", source->path, inner);
  PetscCall(SourceOpen(name.s, &options, mistakes, &array));
  if (array) PetscCall(ReadAtoms(source, array, model, mistakes));
  PetscCall(SourceClose(&array));
  text_clear(&name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const ModelImporter model_importer_plain = {
    .entry = {"plain", "atoms without an encoder: .npy, HDF5 or safetensors, as FILE or FILE:ARRAY",
              NULL, NULL, 0},
    .probe = probe,
    .read = Read,
};
