/* One model from its start, or its checkpoint, to its end. */
#include "run/train.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "run/progress.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Steps until the end or a stop. */
static PetscErrorCode Steps(const Task *task, const Training *training, Queue *queue, void *learner,
                            Log *log, const char *checkpoint, Mistakes *mistakes, Outcome *outcome)
{
  StepReport report = {.state = STEP_MORE, .reason = ""};
  const double begun = clock_seconds();
  double saved = begun;
  Progress progress = {.label = training->label, .items = training->items};

  PetscFunctionBegin;
  outcome->status = RUN_STOPPED;
  snprintf(outcome->reason, sizeof(outcome->reason), "stopped at a checkpoint");
  while (report.state == STEP_MORE) {
    int orders;
    const bool due =
        queue_leads(queue) && clock_seconds() - saved > 60 * training->checkpoint_minutes;
    PetscCall(QueuePoll(queue, due, &orders));
    if (orders) {
      PetscCall(CheckpointWrite(task, training, learner, checkpoint, mistakes));
      log_event(log, "checkpoint", task, NULL);
      saved = clock_seconds();
      if (mistakes_count(mistakes) || (orders & ORDER_STOP)) PetscFunctionReturn(PETSC_SUCCESS);
    }
    PetscCall(training->method->step(learner, &report));
    if (report.log) log_step(log, &report, clock_seconds() - begun);
    if (queue_leads(queue)) progress_show(&progress, &report, queue_given(queue));
  }
  progress_end(&progress);
  outcome->status = report.state == STEP_DONE ? RUN_DONE : RUN_FAILED;
  if (report.state == STEP_DONE)
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", report.reason);
  else
    snprintf(outcome->reason, sizeof(outcome->reason), "%s at step %lld", report.reason,
             (long long)report.step);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(const Task *task, const Training *training, void *learner,
                            const char *checkpoint, Mistakes *mistakes, int64_t *resumed_at)
{
  int rank, there = 0;
  bool found, any;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(task->comm, &rank));
  if (training->initial) {
    char *path = path_join(training->folder, "initial.h5");
    if (rank == 0) there = file_exists(path);
    PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, task->comm));
    if (!there) PetscCall(ModelWrite(task, training->method, learner, path, "", mistakes));
    free(path);
    PetscCall(MistakesAgree(task->comm, mistakes, &any));
    if (any) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(CheckpointRead(task, training, learner, checkpoint, mistakes, &found));
  *resumed_at = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TrainRun(const Task *task, const Training *training, Queue *queue,
                        Mistakes *mistakes, Outcome *outcome)
{
  Log *log = NULL;
  void *learner = NULL;
  char started[21], *log_path = path_join(training->folder, "log.jsonl"),
                    *checkpoint = path_join(training->folder, "checkpoint.h5");
  int64_t resumed_at = 0;

  PetscFunctionBegin;
  clock_utc(started);
  *outcome = (Outcome){RUN_STOPPED, "a file could not be read or written"};
  if (queue_leads(queue)) PetscCall(FileMakeFolder(training->folder));
  PetscCall(LogOpen(queue_leads(queue) ? log_path : NULL, &log));
  PetscCall(training->method->create(task, &learner));
  PetscCall(Begin(task, training, learner, checkpoint, mistakes, &resumed_at));
  if (!mistakes_count(mistakes)) {
    log_event(log, resumed_at ? "resumed" : "started", task, NULL);
    PetscCall(Steps(task, training, queue, learner, log, checkpoint, mistakes, outcome));
  }
  if (!mistakes_count(mistakes) && outcome->status == RUN_DONE)
    PetscCall(ModelWrite(task, training->method, learner, training->model_path, outcome->reason,
                         mistakes));
  PetscCall(training->method->destroy(&learner));
  if (queue_leads(queue) && !mistakes_count(mistakes)) {
    log_event(log, run_status_words[outcome->status], task, outcome->reason);
    PetscCall(ManifestWrite(task, training, outcome, started, resumed_at));
    if (outcome->status != RUN_STOPPED) {
      PetscCall(OutcomeWrite(training->folder, "learn", training->id, outcome));
      PetscCall(FileRemove(checkpoint));
    }
  }
  PetscCallMPI(MPI_Barrier(task->comm));
  PetscCall(LogClose(&log));
  free(log_path);
  free(checkpoint);
  PetscFunctionReturn(PETSC_SUCCESS);
}
