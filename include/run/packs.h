/* Packs: runs that go through the tokens in the same order are trained side by side by one group of
   ranks, so that every batch is read and unpacked once for all of them. */
#pragma once
#include "run/work.h"

/* What the choice of packs knows of a run. */
typedef struct {
  int64_t kind;  /* runs of one kind may share a pack */
  double cost;   /* its time, in any unit */
  double memory; /* bytes on each rank of its group */
} PackRun;

typedef struct {
  int64_t count;
  int64_t *start; /* [count + 1] */
  int64_t *run;   /* pack i holds runs run[start[i]] .. run[start[i + 1] - 1] */
} Packs;

/*
  PacksChoose - the largest packs that make the whole no more than a little later than runs given
  out one by one: groups of ranks take packs in order, each as it becomes free

  Not collective, and a function of its arguments alone. PacksDestroy frees what it gave.

  in   runs    and what is known of them
       groups  groups of ranks
       most    most runs in a pack; 0: no bound
       memory  bytes that the runs of a pack may take on each rank; a run that needs more is alone
*/
PetscErrorCode PacksChoose(int64_t runs, const PackRun *run, int groups, int64_t most,
                           double memory, Packs *packs);
PetscErrorCode PacksDestroy(Packs *packs);
double packs_time(const Packs *packs, const PackRun *run, int groups); /* in the unit of cost */

/* PacksOfRuns - the packs for runs todo[0 .. count) of the experiment on ranks ranks; candidates:
   todo are numbers of Experiment.anchors instead. packs->run holds such numbers. The number of
   groups is work->groups, or one a rank as long as there are runs; work->packs bounds the packs.
   *groups may be NULL. Not collective.
*/
PetscErrorCode PacksOfRuns(const Work *work, bool candidates, int64_t count, const int64_t *todo,
                           int ranks, double memory, int *groups, Packs *packs);
/* PackMemory - bytes that the replicas of a pack may take on each rank: half of the memory of the
   node that has least of it for a rank. Collective on comm. */
PetscErrorCode PackMemory(MPI_Comm comm, double *memory);
