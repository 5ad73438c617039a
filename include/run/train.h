/* Trains models to their ends, or until they are told to stop. */
#pragma once
#include "run/work.h"

/* What a training stands on beside its task. */
typedef struct {
  const Method *method;
  const char
      *folder; /* of the run: initial.h5, model.h5, checkpoint.h5, log.jsonl, manifest.json */
  const char *model_path; /* where the finished model goes */
  const char *label;      /* for messages: "topk/0123456789abcdef" */
  const char *id;         /* of the run: a checkpoint of another is refused */
  bool initial;           /* write initial.h5 */
  int64_t snapshots;      /* of the atoms, on the way; 0: none */
  double checkpoint_minutes;
  int64_t items; /* packs in the queue, for the progress line */
  int64_t pack;  /* runs of its pack, for the manifest */
  const char *spec_digest;
} Training;

/* TrainPack - count runs side by side, with the bytes that each has alone; each goes on from its
   checkpoint.h5 where there is one. Tasks with one reader read the same tokens in the same order. A
   failure or stop is an outcome of one run; only a file that cannot be read or written is a
   mistake. Collective on the tasks' comm, which is the queue's group. */
PetscErrorCode TrainPack(int64_t count, const Task *tasks, const Training *trainings, Queue *queue,
                         Mistakes *mistakes, Outcome *outcomes);

/* CheckpointWrite, CheckpointRead - all of a learner's state, whatever the number of ranks. *found
 * false: there is none. Collective. */
PetscErrorCode CheckpointWrite(const Task *task, const Training *training, void *learner,
                               const char *path, Mistakes *mistakes);
PetscErrorCode CheckpointRead(const Task *task, const Training *training, void *learner,
                              const char *path, Mistakes *mistakes, bool *found);

/* SnapshotTake - the learner's atoms, if the step it has just done is one of those at which they
   are saved: training->snapshots of them between the first and the last, evenly spaced by their
   logarithms. Kept in the run's folder as snapshot_<step>.h5. Collective on the task's comm. */
PetscErrorCode SnapshotTake(const Task *task, const Training *training, void *learner,
                            const StepReport *report, Mistakes *mistakes);
/* SnapshotsJoin - snapshots.h5 of a run that has ended, from what was kept. *missing: some steps
   were done while none were asked for, or others; nothing is written then. Collective on the task's
   comm. SnapshotsClear - removes what was kept. One rank calls it. */
PetscErrorCode SnapshotsJoin(const Task *task, const Training *training, const StepReport *report,
                             Mistakes *mistakes, bool *missing);
PetscErrorCode SnapshotsClear(const Training *training);

/* ManifestWrite - manifest.json: everything about a run that is not a function of its settings and
 * tokens. last: the report of the last step. One rank calls it. */
PetscErrorCode ManifestWrite(const Task *task, const Training *training, const Outcome *outcome,
                             const StepReport *last, const char *started, int64_t resumed_at);
