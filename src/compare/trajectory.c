/* trajectory.csv: the signed matched cosine of a group's runs along training. */
#include "compare/trajectory.h"
#include "base/file.h"
#include "base/h5.h"
#include "compare/interval.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The steps of a run's snapshots.h5, ascending; no file: none, and no mistake. */
static PetscErrorCode StepsRead(const char *folder, Mistakes *mistakes, int64_t *count,
                                int64_t **step)
{
  char *path = path_join(folder, "snapshots.h5");
  H5Reader *reader = NULL;
  H5Info info;
  bool found = false;
  PetscFunctionBeginUser;
  *count = 0;
  *step = NULL;
  if (file_exists(path)) PetscCall(H5ReaderOpen(path, mistakes, &reader));
  if (reader) PetscCall(H5ReaderInfo(reader, "steps", &info, &found));
  if (found && info.rank == 1) {
    *count = info.dims[0];
    PetscCall(ArrayCreate(*count, step));
    PetscCall(H5ReaderRows(reader, "steps", 0, *count, H5_I64, *step));
  } else if (reader)
    mistake(mistakes, path, 0, 0, "has no /steps: not snapshots of Ardis");
  PetscCall(H5ReaderClose(&reader));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The living atoms of a run at a step [alive x d]; NULL with a mistake where they are not there. */
static PetscErrorCode SnapshotRead(const char *folder, int64_t step, const Living *living,
                                   Mistakes *mistakes, float **D)
{
  char *path = path_join(folder, "snapshots.h5"), name[40];
  H5Reader *reader;
  H5Info info;
  bool found = false;
  PetscFunctionBeginUser;
  *D = NULL;
  snprintf(name, sizeof(name), "atoms_%lld", (long long)step);
  PetscCall(H5ReaderOpen(path, mistakes, &reader));
  if (reader) PetscCall(H5ReaderInfo(reader, name, &info, &found));
  if (found && info.rank == 2 && info.dims[0] == living->m && info.dims[1] == living->d) {
    PetscCall(ArrayCreate(living->m * living->d, D));
    PetscCall(H5ReaderRows(reader, name, 0, living->m, H5_F32, *D));
    keep_living(living, *D);
  } else if (reader)
    mistake(mistakes, path, 0, 0, "has no /%s [%lld x %lld]", name, (long long)living->m,
            (long long)living->d);
  PetscCall(H5ReaderClose(&reader));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step of the runs that entered. */
typedef struct {
  const Kernels *kernels;
  const ComparedGroup *group;
  const Living *living;
  int64_t runs;
  const int64_t *run; /* [runs] */
  const char *note;
  int64_t step;
  float **D; /* [runs] living atoms, read when first needed */
  Mistakes *mistakes;
} Moment;

static PetscErrorCode Prepared(Moment *at, int64_t q, Centring c, float **unit)
{
  const int64_t r = at->run[q];
  const Living *living = &at->living[r];
  PetscFunctionBeginUser;
  *unit = NULL;
  if (!at->D[q] && at->step == 0) {
    PetscCall(AtomsRead(at->group->run[r].folder, STAGE_INITIAL, living, at->mistakes, &at->D[q]));
    if (at->D[q]) keep_living(living, at->D[q]);
  } else if (!at->D[q])
    PetscCall(SnapshotRead(at->group->run[r].folder, at->step, living, at->mistakes, &at->D[q]));
  if (!at->D[q]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(living->alive * living->d, unit));
  PetscCall(AtomsPrepare(at->kernels, c, living->alive, living->d, at->D[q], NULL, *unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The signed matched cosine of runs p and q: NaN where one has no living atoms. */
static PetscErrorCode PairAt(Moment *at, int64_t p, int64_t q, Centring c, double *value)
{
  const Living *a = &at->living[at->run[p]], *b = &at->living[at->run[q]];
  float *A, *B;
  AtomPair pair;
  PetscFunctionBeginUser;
  *value = (double)NAN;
  PetscCall(Prepared(at, p, c, &A));
  PetscCall(Prepared(at, q, c, &B));
  if (A && B && a->alive && b->alive) {
    PetscCall(PairCreate(at->kernels, &(Atoms){a->alive, a->d, A}, &(Atoms){b->alive, b->d, B},
                         NEED_MATCHING, &pair));
    *value = (double)pair.atoms.sum * 0x1p-30 / (double)min_i64(a->alive, b->alive);
    PetscCall(PairDestroy(&pair));
  }
  PetscCall(ArrayDestroy(&A));
  PetscCall(ArrayDestroy(&B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All pairs at one step, spread over the ranks: a row for each centring. */
static PetscErrorCode OneStep(MPI_Comm comm, Moment *at, Table *table)
{
  const Centring centring[] = {CENTRING_RAW, CENTRING_CENTRED};
  const int64_t n = at->runs;
  int64_t job = 0, number, workers;
  double *h;
  PetscFunctionBeginUser;
  PetscCall(PairWorkers(comm, at->living[at->run[0]].m, &number, &workers));
  PetscCall(ArrayCreate(2 * n * n, &h));
  for (int c = 0; c < 2; c++)
    for (int64_t p = 0; p < n; p++)
      for (int64_t q = p + 1; q < n; q++)
        if (job++ % workers == number)
          PetscCall(PairAt(at, p, q, centring[c], &h[(c * n + p) * n + q]));
  PetscCall(SpreadJoin(comm, 2 * n * n, h));
  for (int c = 0; c < 2; c++) {
    const PairInterval interval = pair_interval(n, h + c * n * n);
    PetscCall(TableAddRow(table));
    table_text(table, "model", at->group->model);
    table_text(table, "centring", centring_names[centring[c]]);
    table_integer(table, "step", at->step);
    table_integer(table, "runs", n);
    table_number(table, "value", interval.mean);
    table_number(table, "low", interval.low);
    table_number(table, "high", interval.high);
    table_text(table, "note", at->note ? at->note : "");
  }
  PetscCall(ArrayDestroy(&h));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the step among those of every run? Step 0 is, in initial.h5. */
static bool all_have(int64_t runs, const int64_t *count, int64_t *const *steps, int64_t step)
{
  if (step == 0) return true;
  for (int64_t q = 0; q < runs; q++) {
    bool has = false;
    for (int64_t i = 0; i < count[q]; i++) has |= steps[q][i] == step;
    if (!has) return false;
  }
  return true;
}

PetscErrorCode TrajectoryAdd(MPI_Comm comm, const Kernels *kernels, const ComparedGroup *group,
                             const Living *living, int64_t runs, const int64_t *run,
                             const char *note, Mistakes *mistakes, Table *table)
{
  int64_t *count, **steps;
  bool any;
  PetscFunctionBeginUser;
  if (runs < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(runs, &count));
  PetscCall(ArrayCreate(runs, &steps));
  for (int64_t q = 0; q < runs; q++)
    PetscCall(StepsRead(group->run[run[q]].folder, mistakes, &count[q], &steps[q]));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  for (int64_t i = -1; i < count[0] && count[0] && !any; i++) {
    const int64_t step = i < 0 ? 0 : steps[0][i];
    Moment at = {kernels, group, living, runs, run, note, step, NULL, mistakes};
    if (i >= 0 && step == 0) continue;
    if (!all_have(runs, count, steps, at.step)) continue;
    PetscCall(ArrayCreate(runs, &at.D));
    PetscCall(OneStep(comm, &at, table));
    for (int64_t q = 0; q < runs; q++) PetscCall(ArrayDestroy(&at.D[q]));
    PetscCall(ArrayDestroy(&at.D));
    PetscCall(MistakesAgree(comm, mistakes, &any));
  }
  for (int64_t q = 0; q < runs; q++) PetscCall(ArrayDestroy(&steps[q]));
  PetscCall(ArrayDestroy(&steps));
  PetscCall(ArrayDestroy(&count));
  PetscFunctionReturn(PETSC_SUCCESS);
}
