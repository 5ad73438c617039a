/* Atoms at steps on the way: each in a file of its own until the run has ended, so that a stop
   loses none, then all in snapshots.h5. */
#include "base/array.h"
#include "base/file.h"
#include "base/math.h"
#include "run/train.h"
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 22, MOST = 1000 };

/* The count steps, evenly spaced by their logarithms; fewer where two round to one. */
static int64_t schedule(int64_t count, int64_t steps, int64_t *step)
{
  int64_t found = 0;
  for (int64_t i = 0; i < count; i++) {
    const double part = count > 1 ? (double)i / (double)(count - 1) : 1;
    const int64_t at = part < 1 ? (int64_t)floor(math_pow((double)steps, part) + 0.5) : steps;
    if (!found || at > step[found - 1]) step[found++] = at;
  }
  return found;
}

static char *part_path(const Training *training, int64_t step)
{
  Text path = {0};
  text_add(&path, "%s/snapshot_%lld.h5", training->folder, (long long)step);
  return path.s;
}

PetscErrorCode SnapshotTake(const Task *task, const Training *training, void *learner,
                            const StepReport *report, Mistakes *mistakes)
{
  State state = {0}, atoms = {0};
  int64_t step[MOST], count = schedule(training->snapshots, report->steps, step), i = 0;
  H5Writer *writer;
  int number;

  PetscFunctionBegin;
  while (i < count && step[i] != report->step) i++;
  if (i == count) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(training->method->model(learner, &state));
  for (int a = 0; a < state.count; a++)
    if (!strcmp(state.array[a].name, "atoms")) atoms.array[atoms.count++] = state.array[a];
  char *path = part_path(training, report->step);
  PetscCall(H5WriterCreate(task->comm, path, &writer));
  PetscCall(StateDeclare(writer, &atoms, &number));
  PetscCall(H5WriterText(writer, NULL, "run", training->id));
  PetscCall(H5WriterLayout(writer, mistakes));
  if (mistakes_count(mistakes)) {
    PetscCall(H5WriterAbandon(&writer));
  } else {
    PetscCall(StateWrite(task->comm, writer, &atoms, &number));
    PetscCall(H5WriterCommit(&writer, mistakes));
  }
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NULL: it is not there. */
static PetscErrorCode OpenPart(const Training *training, int64_t step, Mistakes *mistakes,
                               H5Reader **reader, H5Info *info)
{
  char *path = part_path(training, step);
  bool found;

  PetscFunctionBegin;
  *reader = NULL;
  if (file_exists(path)) PetscCall(H5ReaderOpen(path, mistakes, reader));
  if (*reader) PetscCall(H5ReaderInfo(*reader, "atoms", info, &found));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What all ranks have to know to lay the file out. */
typedef struct {
  int64_t count, m, d; /* count 0: a part is missing */
  int64_t step[MOST];
} Layout;

/* Rank 0 looks which parts there are. */
static PetscErrorCode FindParts(const Task *task, const Training *training,
                                const StepReport *report, Mistakes *mistakes, Layout *layout)
{
  int rank;

  PetscFunctionBegin;
  *layout = (Layout){0};
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  layout->count = schedule(training->snapshots, report->steps, layout->step);
  while (layout->count && layout->step[layout->count - 1] > report->step) layout->count--;
  for (int64_t i = 0; rank == 0 && i < layout->count; i++) {
    H5Reader *reader;
    H5Info info = {0};
    PetscCall(OpenPart(training, layout->step[i], mistakes, &reader, &info));
    if (!reader) layout->count = 0;
    layout->m = info.dims[0], layout->d = info.dims[1];
    PetscCall(H5ReaderClose(&reader));
  }
  PetscCallMPI(MPI_Bcast(layout, (int)sizeof(*layout), MPI_BYTE, 0, task->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rank 0 copies the parts, some rows at a time. */
static PetscErrorCode CopyParts(const Training *training, const Layout *layout, H5Writer *writer,
                                const int *number, Mistakes *mistakes)
{
  const int64_t most = max_i64(PIECE / max_i64(layout->d, 1), 1);
  float *rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(min_i64(most, layout->m) * layout->d, &rows));
  PetscCall(H5WriterRows(writer, number[0], 0, layout->count, layout->step));
  for (int64_t i = 0; i < layout->count; i++) {
    H5Reader *reader;
    H5Info info;
    PetscCall(OpenPart(training, layout->step[i], mistakes, &reader, &info));
    for (int64_t j = 0; reader && j < layout->m; j += most) {
      const int64_t here = min_i64(most, layout->m - j);
      PetscCall(H5ReaderRows(reader, "atoms", j, here, H5_F32, rows));
      PetscCall(H5WriterRows(writer, number[i + 1], j, here, rows));
    }
    PetscCall(H5ReaderClose(&reader));
  }
  PetscCall(ArrayDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAll(const Task *task, const Training *training, const Layout *layout,
                               Mistakes *mistakes)
{
  const int64_t dims[2] = {layout->m, layout->d};
  char *path = path_join(training->folder, "snapshots.h5");
  H5Writer *writer;
  int number[MOST + 1], rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  PetscCall(H5WriterCreate(task->comm, path, &writer));
  PetscCall(H5WriterArray(writer, "steps", H5_I64, 1, &layout->count, &number[0]));
  for (int64_t i = 0; i < layout->count; i++) {
    Text name = {0};
    text_add(&name, "atoms_%lld", (long long)layout->step[i]);
    PetscCall(H5WriterArray(writer, name.s, H5_F32, 2, dims, &number[i + 1]));
    text_clear(&name);
  }
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterText(writer, NULL, "kind", "snapshots"));
  PetscCall(H5WriterText(writer, NULL, "run", training->id));
  PetscCall(H5WriterLayout(writer, mistakes));
  if (mistakes_count(mistakes)) {
    PetscCall(H5WriterAbandon(&writer));
  } else {
    if (rank == 0) PetscCall(CopyParts(training, layout, writer, number, mistakes));
    PetscCall(H5WriterCommit(&writer, mistakes));
  }
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SnapshotsJoin(const Task *task, const Training *training, const StepReport *report,
                             Mistakes *mistakes, bool *missing)
{
  Layout layout;
  bool any;

  PetscFunctionBegin;
  PetscCall(FindParts(task, training, report, mistakes, &layout));
  PetscCall(MistakesAgree(task->comm, mistakes, &any));
  *missing = !layout.count;
  if (!any && layout.count) PetscCall(WriteAll(task, training, &layout, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SnapshotsClear(const Training *training)
{
  char *pattern = path_join(training->folder, "snapshot_*.h5");
  glob_t found;

  PetscFunctionBegin;
  if (!glob(pattern, 0, NULL, &found)) {
    for (size_t i = 0; i < found.gl_pathc; i++) PetscCall(FileRemove(found.gl_pathv[i]));
    globfree(&found);
  }
  free(pattern);
  PetscFunctionReturn(PETSC_SUCCESS);
}
