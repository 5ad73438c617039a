/* The replicas of a pack, each from its start, or its checkpoint, to its end. They are stepped in
   turns: always the one that has seen the fewest tokens, so that each batch is read once. */
#include "run/train.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "run/progress.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const Task *task;
  const Training *training;
  void *learner; /* NULL: it has ended */
  Log *log;
  char *checkpoint, started[21];
  int64_t resumed, first_step; /* first_step: steps done before this command */
  bool stepped;
  StepReport report;
  Outcome *outcome;
} Replica;

typedef struct {
  int64_t count;
  Replica *replica;
  Queue *queue;
  double begun, saved; /* seconds of the clock */
  Progress progress;
} Pack;

static void log_step(Log *log, const StepReport *report, double seconds)
{
  log_begin(log, "step");
  log_number(log, "step", (double)report->step);
  log_number(log, "steps", (double)report->steps);
  log_number(log, "seconds", seconds);
  for (int i = 0; i < report->values; i++)
    log_number(log, report->value[i].name, report->value[i].value);
  log_end(log);
}

static void log_event(Log *log, const char *event, const Task *task, const char *detail)
{
  char now[21];
  int size;
  clock_utc(now);
  MPI_Comm_size(task->comm, &size);
  log_begin(log, event);
  log_text(log, "time", now);
  log_number(log, "ranks", size);
  log_text(log, "kernels", task->view.kernels->entry.name);
  if (detail) log_text(log, "detail", detail);
  log_end(log);
}

static PetscErrorCode WriteInitial(const Replica *one, Mistakes *mistakes)
{
  const Task *task = one->task;
  char *path = path_join(one->training->folder, "initial.h5");
  int rank, there = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  if (rank == 0) there = file_exists(path);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, task->comm));
  if (!there) PetscCall(ModelWrite(task, one->training->method, one->learner, path, "", mistakes));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The replica's learner, as its checkpoint has it where there is one. */
static PetscErrorCode Begin(Pack *pack, Replica *one, Mistakes *mistakes)
{
  const Training *training = one->training;
  char *log_path = path_join(training->folder, "log.jsonl");
  bool found = false, any;

  PetscFunctionBegin;
  clock_utc(one->started);
  *one->outcome = (Outcome){RUN_STOPPED, "a file could not be read or written"};
  one->checkpoint = path_join(training->folder, "checkpoint.h5");
  if (queue_leads(pack->queue)) PetscCall(FileMakeFolder(training->folder));
  PetscCall(LogOpen(queue_leads(pack->queue) ? log_path : NULL, &one->log));
  PetscCall(training->method->create(one->task, &one->learner));
  if (training->initial) PetscCall(WriteInitial(one, mistakes));
  PetscCall(MistakesAgree(one->task->comm, mistakes, &any));
  if (!any)
    PetscCall(CheckpointRead(one->task, training, one->learner, one->checkpoint, mistakes, &found));
  one->resumed = found;
  PetscCall(MistakesAgree(one->task->comm, mistakes, &any));
  if (!any) log_event(one->log, found ? "resumed" : "started", one->task, NULL);
  free(log_path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a replica leaves at its end, or at a stop. */
static PetscErrorCode End(Pack *pack, Replica *one, Mistakes *mistakes)
{
  const Task *task = one->task;
  const Training *training = one->training;
  const Outcome *outcome = one->outcome;
  bool missing = false;

  PetscFunctionBegin;
  if (!mistakes_count(mistakes) && outcome->status == RUN_DONE)
    PetscCall(ModelWrite(task, training->method, one->learner, training->model_path,
                         outcome->reason, mistakes));
  if (!mistakes_count(mistakes) && outcome->status == RUN_DONE && training->snapshots)
    PetscCall(SnapshotsJoin(task, training, &one->report, mistakes, &missing));
  if (missing && queue_leads(pack->queue))
    fprintf(stderr,
            "%s has no snapshots: it was begun without these; remove its folder to train it anew\n",
            training->label);
  PetscCall(training->method->destroy(&one->learner));
  one->learner = NULL;
  if (queue_leads(pack->queue) && !mistakes_count(mistakes)) {
    log_event(one->log, run_status_words[outcome->status], task, outcome->reason);
    PetscCall(ManifestWrite(task, training, outcome, &one->report, one->started, one->resumed));
    if (outcome->status != RUN_STOPPED) {
      PetscCall(OutcomeWrite(training->folder, "learn", training->id, outcome));
      PetscCall(FileRemove(one->checkpoint));
      PetscCall(SnapshotsClear(training));
    }
  }
  PetscCallMPI(MPI_Barrier(task->comm));
  PetscCall(LogClose(&one->log));
  free(one->checkpoint);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The replica to be stepped next: the first of those that have seen the fewest tokens; NULL: all
   have ended. */
static Replica *turn(const Pack *pack)
{
  Replica *next = NULL;
  int64_t least = 0;
  for (Replica *one = pack->replica; one < pack->replica + pack->count; one++) {
    if (!one->learner) continue;
    const int64_t seen = one->training->method->seen(one->learner);
    if (next && seen >= least) continue;
    next = one;
    least = seen;
  }
  return next;
}

/* Checkpoints of all that have not ended. */
static PetscErrorCode Save(Pack *pack, Mistakes *mistakes)
{
  bool any = false;

  PetscFunctionBegin;
  for (Replica *one = pack->replica; one < pack->replica + pack->count && !any; one++) {
    if (!one->learner) continue;
    PetscCall(CheckpointWrite(one->task, one->training, one->learner, one->checkpoint, mistakes));
    log_event(one->log, "checkpoint", one->task, NULL);
    PetscCall(MistakesAgree(one->task->comm, mistakes, &any));
  }
  pack->saved = clock_seconds();
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The progress of all replicas as one; the numbers are those of the one stepped last. */
static void show(Pack *pack, const Replica *last)
{
  StepReport all = last->report;
  int64_t done = 0;
  all.step = all.steps = 0;
  for (const Replica *one = pack->replica; one < pack->replica + pack->count; one++) {
    all.step += one->report.step;
    all.steps += one->stepped ? one->report.steps : last->report.steps;
    done += one->report.step - one->first_step;
  }
  progress_show(&pack->progress, &all, done, queue_given(pack->queue));
}

static PetscErrorCode Step(Pack *pack, Replica *one, Mistakes *mistakes)
{
  StepReport *report = &one->report;
  Outcome *outcome = one->outcome;

  PetscFunctionBegin;
  PetscCall(one->training->method->step(one->learner, report));
  if (one->resumed && !one->stepped) one->first_step = max_i64(report->step - 1, 0);
  one->stepped = true;
  if (one->training->snapshots)
    PetscCall(SnapshotTake(one->task, one->training, one->learner, report, mistakes));
  if (report->log) log_step(one->log, report, clock_seconds() - pack->begun);
  if (queue_leads(pack->queue)) show(pack, one);
  if (report->state == STEP_MORE) PetscFunctionReturn(PETSC_SUCCESS);
  outcome->status = report->state == STEP_DONE ? RUN_DONE : RUN_FAILED;
  if (report->state == STEP_DONE)
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", report->reason);
  else
    snprintf(outcome->reason, sizeof(outcome->reason), "%s at step %lld", report->reason,
             (long long)report->step);
  if (queue_leads(pack->queue)) progress_end(&pack->progress);
  PetscCall(End(pack, one, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps until all have ended, or a stop. */
static PetscErrorCode Steps(Pack *pack, Mistakes *mistakes)
{
  const double minutes = pack->replica->training->checkpoint_minutes;
  Replica *one;
  bool any = false;

  PetscFunctionBegin;
  pack->begun = pack->saved = clock_seconds();
  for (Replica *each = pack->replica; each < pack->replica + pack->count; each++)
    *each->outcome = (Outcome){RUN_STOPPED, "stopped at a checkpoint"};
  while (!any && (one = turn(pack))) {
    int orders;
    const bool due = queue_leads(pack->queue) && clock_seconds() - pack->saved > 60 * minutes;
    PetscCall(QueuePoll(pack->queue, due, &orders));
    if (orders) PetscCall(Save(pack, mistakes));
    if (mistakes_count(mistakes) || (orders & ORDER_STOP)) break;
    PetscCall(Step(pack, one, mistakes));
    if (!one->learner) PetscCall(MistakesAgree(one->task->comm, mistakes, &any));
  }
  progress_end(&pack->progress);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainPack(int64_t count, const Task *tasks, const Training *trainings, Queue *queue,
                         Mistakes *mistakes, Outcome *outcomes)
{
  Pack pack = {
      .count = count,
      .queue = queue,
      .progress = {.label = trainings->label, .items = trainings->items, .replicas = count}};

  PetscFunctionBegin;
  PetscCall(ArrayCreate(count, &pack.replica));
  for (int64_t r = 0; r < count; r++) {
    pack.replica[r] =
        (Replica){.task = &tasks[r], .training = &trainings[r], .outcome = &outcomes[r]};
    PetscCall(Begin(&pack, &pack.replica[r], mistakes));
  }
  if (!mistakes_count(mistakes)) PetscCall(Steps(&pack, mistakes));
  for (int64_t r = 0; r < count; r++)
    if (pack.replica[r].learner) PetscCall(End(&pack, &pack.replica[r], mistakes));
  PetscCall(ArrayDestroy(&pack.replica));
  PetscFunctionReturn(PETSC_SUCCESS);
}
