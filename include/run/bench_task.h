/* A learner for benches: steps of a model on a token file, without a run folder. */
#pragma once
#include "learn/method.h"
#include "run/bench.h"

typedef struct BenchTask BenchTask;
/* BenchTaskOpen - a model of "method=sae width=3840 code.k=32 …" (settings separated by blanks, the
   others at their defaults) on all tokens of a file, with p of them as anchors (0: none), on the
   ranks of comm. BenchTaskClose takes NULL too. Collective on comm. */
PetscErrorCode BenchTaskOpen(BenchRun *run, MPI_Comm comm, const char *tokens, const char *words,
                             int64_t p, BenchTask **task);
PetscErrorCode BenchTaskClose(BenchTask **task);
/* BenchTaskBeside - a model that goes through the tokens of another beside it, as in a pack; it is
   closed before the other. Collective on the task's comm. */
PetscErrorCode BenchTaskBeside(BenchTask *leader, BenchTask **task);
/* The settings of such words, every other one at its default. settings_clear frees. */
void bench_settings(const char *words, Settings *settings);
/* BenchTaskStep - one step; for BenchWork.work, with the BenchTask as context. A learner that is
   done is a bug: give it steps enough. Collective on the task's comm. */
PetscErrorCode BenchTaskStep(void *task);
/* BenchTaskReport - one step, and what it told; the learner may end. Collective as above. */
PetscErrorCode BenchTaskReport(BenchTask *task, StepReport *report);
/* BenchTaskPass - steps of k-means until the centroids move; for BenchWork.work. Collective. */
PetscErrorCode BenchTaskPass(void *task);
/* Seconds that the learner took to be made. */
double bench_task_created(const BenchTask *task);
/* The learner behind it (SAE or KMeans) and what it was given. */
void *bench_task_learner(BenchTask *task);
const Task *bench_task_task(const BenchTask *task);
