/* One model's numbers: one pass over the training sample, one over the held-out tokens. */
#include "measure/pass.h"
#include <math.h>

enum { TILE = 256 }; /* tokens read and worked on at a time: affects speed alone */

/* This rank's tiles of n tokens: those of file rows sample[0..n), or with NULL all of that side. */
static PetscErrorCode AddTokens(MPI_Comm comm, const View *view, int64_t n, bool held_out,
                                const int64_t *sample, Pass *pass)
{
  int rank, size;
  int64_t first, count, row[TILE];
  float *X;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  part_of(n, TILE, rank, size, &first, &count);
  PetscCall(ArrayCreate(min_i64(TILE, count) * tokens_width(view->tokens), &X));
  for (int64_t t = first; t < first + count; t += TILE) {
    const int64_t here = min_i64(TILE, first + count - t);
    for (int64_t i = 0; i < here; i++)
      row[i] = sample ? sample[t + i] : split_row(view->split, held_out, t + i);
    PetscCall(ViewRead(view, here, row, X));
    PetscCall(PassAdd(pass, here, X));
  }
  PetscCall(ArrayDestroy(&X));
  PetscCall(PassJoin(comm, pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AtomsTable(const Dictionary *D, const int64_t *train, const int64_t *held_out,
                                 Table **table)
{
  PetscFunctionBeginUser;
  PetscCall(TableCreate("atom,fired_train,fired_held_out,norm", table));
  for (int64_t j = 0; j < D->m; j++) {
    PetscCall(TableAddRow(*table));
    table_integer(*table, "atom", j);
    table_integer(*table, "fired_train", train[j]);
    table_integer(*table, "fired_held_out", held_out[j]);
    table_number(*table, "norm", sqrt(D->kernels->square64(D->d, D->atoms + j * D->d)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MeasureRun(MPI_Comm comm, const View *view, const Dictionary *dictionary,
                          const ChosenMetric *chosen, int64_t train_tokens, Table **values,
                          Table **atoms)
{
  const int64_t sampled = split_sample_count(view->split, train_tokens);
  const int64_t held_out = split_count(view->split, true);
  int64_t *sample = NULL; /* where it is not the whole side */
  Pass *train, *held;
  PetscFunctionBeginUser;
  if (sampled < split_count(view->split, false)) {
    PetscCall(ArrayCreate(sampled, &sample));
    PetscCall(SplitSample(view->split, train_tokens, sample));
  }
  PetscCall(PassCreate(dictionary, chosen, false, &held));
  PetscCall(PassCreate(dictionary, chosen, true, &train));
  PetscCall(AddTokens(comm, view, held_out, true, NULL, held));
  PetscCall(AddTokens(comm, view, sampled, false, sample, train));
  PetscCall(TableCreate("metric,split,setting,value", values));
  if (held_out > 0) PetscCall(PassFinish(held, "held_out", *values));
  PetscCall(PassFinish(train, "train", *values));
  PetscCall(AtomsTable(dictionary, pass_fired(train), pass_fired(held), atoms));
  PetscCall(PassDestroy(&train));
  PetscCall(PassDestroy(&held));
  PetscCall(ArrayDestroy(&sample));
  PetscFunctionReturn(PETSC_SUCCESS);
}
