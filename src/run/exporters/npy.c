/* A folder with one .npy file (format 1.0) for each array. */
#include "base/file.h"
#include "run/exporter.h"
#include <stdlib.h>
#include <string.h>

static PetscErrorCode WriteArray(const ExportArray *array, const char *folder)
{
  const char *const descr[] = {
      [H5_F32] = "<f4", [H5_F64] = "<f8", [H5_I32] = "<i4", [H5_I64] = "<i8"};
  Text text = {0}, name = {0};

  PetscFunctionBegin;
  Text head = {0};
  text_add(&head, "{'descr': '%s', 'fortran_order': False, 'shape': (%lld,", descr[array->kind],
           (long long)array->dims[0]);
  if (array->rank == 2) text_add(&head, " %lld", (long long)array->dims[1]);
  text_add(&head, "), }");
  while ((10 + head.length + 1) % 64) text_add(&head, " ");
  text_add(&head, "\n");
  const char start[10] = {
      '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(head.length & 255), (char)(head.length >> 8)};
  text_append(&text, start, sizeof(start));
  text_append(&text, head.s, head.length);
  text_append(&text, array->data,
              h5_size(array->kind) *
                  (size_t)(array->dims[0] * (array->rank == 2 ? array->dims[1] : 1)));
  text_add(&name, "%s.npy", array->name);
  for (char *c = name.s; *c; c++)
    if (*c == '/') *c = '_';
  char *path = path_join(folder, name.s);
  PetscCall(FileWrite(path, text.s, text.length));
  free(path);
  text_clear(&name);
  text_clear(&head);
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(const ExportModel *model, const char *to)
{
  PetscFunctionBegin;
  PetscCall(FileMakeFolder(to));
  for (int64_t i = 0; i < model->count; i++) PetscCall(WriteArray(&model->array[i], to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Exporter exporter_npy = {
    .entry = {"npy", "a folder with one .npy file for each array",
              "NumPy format specification, version 1.0", NULL, 0},
    .target = "a folder",
    .write = Write,
};
