/* A finished run's folder for tests: model.h5, initial.h5 and atoms.csv. */
#pragma once
#include "base/file.h"
#include "base/h5.h"
#include "base/table.h"
#include <stdlib.h>
#include <unistd.h>

static inline PetscErrorCode AtomsWrite(const char *path, int64_t m, int64_t d, const float *atoms,
                                        Mistakes *mistakes)
{
  H5Writer *writer;
  int array;
  PetscFunctionBeginUser;
  PetscCall(H5WriterCreate(PETSC_COMM_SELF, path, &writer));
  PetscCall(H5WriterArray(writer, "atoms", H5_F32, 2, (int64_t[]){m, d}, &array));
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(H5WriterRows(writer, array, 0, m, atoms));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* start, end [m x d]; fired [m] tokens of the training sample. */
static inline PetscErrorCode RunFolderWrite(const char *folder, int64_t m, int64_t d,
                                            const float *start, const float *end,
                                            const int64_t *fired, Mistakes *mistakes)
{
  char *model = path_join(folder, "model.h5"), *initial = path_join(folder, "initial.h5");
  char *path = path_join(folder, "atoms.csv");
  Table *table;
  PetscFunctionBeginUser;
  PetscCall(FileMakeFolder(folder));
  PetscCall(AtomsWrite(model, m, d, end, mistakes));
  PetscCall(AtomsWrite(initial, m, d, start, mistakes));
  PetscCall(TableCreate("atom,fired_train,fired_held_out,norm", &table));
  for (int64_t j = 0; j < m; j++) {
    PetscCall(TableAddRow(table));
    table_integer(table, "atom", j);
    table_integer(table, "fired_train", fired[j]);
  }
  PetscCall(TableWrite(table, path));
  PetscCall(TableDestroy(&table));
  free(path);
  free(initial);
  free(model);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void run_folder_remove(const char *folder)
{
  static const char *const files[] = {"model.h5", "initial.h5", "atoms.csv", "partners.csv"};
  for (int i = 0; i < 4; i++) {
    char *path = path_join(folder, files[i]);
    unlink(path);
    free(path);
  }
  rmdir(folder);
}

static inline bool same_tables(const Table *a, const Table *b)
{
  bool same = a->rows == b->rows && a->columns == b->columns;
  for (int64_t i = 0; same && i < a->rows * a->columns; i++)
    same = !strcmp(a->cells[i], b->cells[i]);
  return same;
}
