/* The atoms of a run that count, read from its files. */
#include "base/file.h"
#include "base/h5.h"
#include "compare/group.h"
#include <stdlib.h>
#include <sys/stat.h>

const char *const stage_names[STAGES] = {"initial", "end"};
const char *const stage_files[STAGES] = {"initial.h5", "model.h5"};

char *stage_path(const char *folder, Stage stage)
{
  struct stat status;
  const bool file = !stat(folder, &status) && !S_ISDIR(status.st_mode);
  return file ? text_copy(folder) : path_join(folder, stage_files[stage]);
}

/* Opens a model file and gives the shape of its atoms; *reader NULL after a mistake. */
static PetscErrorCode OpenAtoms(const char *path, Mistakes *mistakes, H5Reader **reader, int64_t *m,
                                int64_t *d)
{
  H5Info info;
  bool found;
  PetscFunctionBeginUser;
  *m = *d = 0;
  PetscCall(H5ReaderOpen(path, mistakes, reader));
  if (!*reader) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5ReaderInfo(*reader, "atoms", &info, &found));
  if (found && info.rank == 2) {
    *m = info.dims[0];
    *d = info.dims[1];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  mistake(mistakes, path, 0, 0, "holds no atoms [m x d], so it is not a model of ardis");
  PetscCall(H5ReaderClose(reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFired(const char *path, Mistakes *mistakes, Living *living)
{
  Table *atoms;
  PetscFunctionBeginUser;
  PetscCall(TableRead(path, mistakes, &atoms));
  if (!atoms) PetscFunctionReturn(PETSC_SUCCESS);
  if (atoms->rows != living->m || table_column(atoms, "fired_train") < 0)
    mistake(mistakes, path, 0, 0,
            "has %lld rows where the model has %lld atoms, or no column fired_train; measure the "
            "run again",
            (long long)atoms->rows, (long long)living->m);
  else
    for (int64_t j = 0; j < living->m; j++)
      if (table_real(atoms, j, "fired_train") > 0) living->atom[living->alive++] = j;
  PetscCall(TableDestroy(&atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LivingRead(const char *folder, Mistakes *mistakes, Living *living)
{
  char *model = path_join(folder, "model.h5"), *fired = path_join(folder, "atoms.csv");
  H5Reader *reader;
  PetscFunctionBeginUser;
  *living = (Living){0};
  PetscCall(OpenAtoms(model, mistakes, &reader, &living->m, &living->d));
  if (reader) {
    PetscCall(H5ReaderClose(&reader));
    PetscCall(ArrayCreate(living->m, &living->atom));
    PetscCall(ReadFired(fired, mistakes, living));
  }
  free(model);
  free(fired);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An array [m x d] of a stage's file; *D NULL where it is not there. */
static PetscErrorCode ReadStage(const char *folder, Stage stage, const char *array,
                                const Living *living, Mistakes *mistakes, float **D)
{
  char *path = stage_path(folder, stage);
  int64_t m, d;
  H5Reader *reader;
  H5Info info;
  bool found;
  PetscFunctionBeginUser;
  *D = NULL;
  PetscCall(OpenAtoms(path, mistakes, &reader, &m, &d));
  if (reader) {
    PetscCall(H5ReaderInfo(reader, array, &info, &found));
    if (m != living->m || d != living->d ||
        (found && (info.rank != 2 || info.dims[0] != m || info.dims[1] != d))) {
      mistake(mistakes, path, 0, 0, "holds %lld x %lld atoms, the run's model %lld x %lld",
              (long long)m, (long long)d, (long long)living->m, (long long)living->d);
    } else if (found) {
      PetscCall(ArrayCreate(m * d, D));
      PetscCall(H5ReaderRows(reader, array, 0, m, H5_F32, *D));
    }
    PetscCall(H5ReaderClose(&reader));
  }
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AtomsRead(const char *folder, Stage stage, const Living *living, Mistakes *mistakes,
                         float **D)
{
  return ReadStage(folder, stage, "atoms", living, mistakes, D);
}

PetscErrorCode EncoderRead(const char *folder, Stage stage, const Living *living,
                           Mistakes *mistakes, float **E)
{
  return ReadStage(folder, stage, "encoder/weight", living, mistakes, E);
}

void keep_living(const Living *living, float *D)
{
  const int64_t d = living->d;
  for (int64_t j = 0; j < living->alive; j++)
    for (int64_t i = 0; i < d; i++) D[j * d + i] = D[living->atom[j] * d + i];
}
