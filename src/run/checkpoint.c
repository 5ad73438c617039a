/* Checkpoints: one file without any trace of the number of ranks. */
#include "run/train.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

PetscErrorCode CheckpointWrite(const Task *task, const Training *training, void *learner,
                               const char *path, Mistakes *mistakes)
{
  State state = {0};
  H5Writer *writer;
  int numbers[STATE_MAX];

  PetscFunctionBegin;
  PetscCall(training->method->state(learner, &state));
  PetscCall(H5WriterCreate(task->comm, path, &writer));
  PetscCall(StateDeclare(writer, &state, numbers));
  PetscCall(H5WriterInteger(writer, NULL, "schema", 1));
  PetscCall(H5WriterText(writer, NULL, "kind", "checkpoint"));
  PetscCall(H5WriterText(writer, NULL, "run", training->id));
  PetscCall(H5WriterLayout(writer, mistakes));
  if (mistakes_count(mistakes)) {
    PetscCall(H5WriterAbandon(&writer));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(StateWrite(task->comm, writer, &state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CheckpointRead(const Task *task, const Training *training, void *learner,
                              const char *path, Mistakes *mistakes, bool *found)
{
  State state = {0};
  H5Reader *reader;
  char *run = NULL;
  int rank, there = 0;
  bool any, has;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  if (rank == 0) there = file_exists(path);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, task->comm));
  *found = there;
  if (!there) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5ReaderOpen(path, mistakes, &reader));
  if (reader) {
    PetscCall(H5ReaderText(reader, NULL, "run", &run, &has));
    if (!has || strcmp(run, training->id))
      mistake(mistakes, path, 0, 0,
              "is not a checkpoint of run %s; remove it to begin that run anew", training->id);
    if (has) free(run);
  }
  PetscCall(MistakesAgree(task->comm, mistakes, &any));
  if (!any) {
    PetscCall(training->method->state(learner, &state));
    PetscCall(StateRead(task->comm, reader, path, &state, mistakes));
    PetscCall(MistakesAgree(task->comm, mistakes, &any));
    if (!any && training->method->resumed) PetscCall(training->method->resumed(learner));
  }
  if (reader) PetscCall(H5ReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}
