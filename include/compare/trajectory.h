/* How alike a group's runs are along training. */
#pragma once
#include "compare/group.h"

/*
  TrajectoryAdd - rows of trajectory.csv: the signed matched cosine at step 0 (initial.h5) and at
  each step of snapshots.h5, the last of which is the end where all runs end at the same step

  Steps that not all of the runs have are left out; runs without the file give no rows. The atoms
  compared are those that live at the end. Raw and centred, with the interval over runs.

  Collective on comm: pairs are spread over its ranks, rows are the same on every rank.

  in      living    [group->runs]
  in      run       [runs] those that enter
  in      note      what is to be said of them, or NULL
  in/out  mistakes  a snapshot that is foreign or of another shape
  in/out  table     model, centring, step, runs, value, low, high, note
*/
PetscErrorCode TrajectoryAdd(MPI_Comm comm, const Kernels *kernels, const ComparedGroup *group,
                             const Living *living, int64_t runs, const int64_t *run,
                             const char *note, Mistakes *mistakes, Table *table);
