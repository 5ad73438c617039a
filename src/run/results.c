/* The stages that measure and report. */
#include "base/digest.h"
#include "base/file.h"
#include "measure/metric.h"
#include "report/report.h"
#include "run/stages.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void digest_chosen(Digest *digest, int64_t count, const Choice *chosen)
{
  for (int64_t i = 0; i < count; i++) {
    digest_text(digest, chosen[i].entry->name);
    if (chosen[i].params) digest_add(digest, chosen[i].params, chosen[i].entry->params_size);
  }
}

static void measure_inputs(const Work *work, const Run *run, char hex[DIGEST_LENGTH])
{
  Digest digest;
  digest_begin(&digest);
  digest_text(&digest, run->id);
  digest_add(&digest, &work->experiment->train_tokens, sizeof(int64_t));
  digest_chosen(&digest, work->experiment->metrics_count, work->experiment->metrics);
  digest_end(&digest, hex);
}

static PetscErrorCode MeasureOne(Work *work, MPI_Comm comm, const Run *run,
                                 const ChosenMetric *chosen, Mistakes *mistakes)
{
  char *folder = run_folder(work, run), *model = run_file(work, run, "model.h5");
  char *metrics_path = run_file(work, run, "metrics.csv"),
       *atoms_path = run_file(work, run, "atoms.csv"), inputs[DIGEST_LENGTH];
  const Outcome done = {RUN_DONE, ""};
  Dictionary *dictionary;
  Table *values, *atoms;
  View view;
  int rank;
  bool any;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(DictionaryRead(model, work->kernels, mistakes, &dictionary));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (!any) {
    PetscCall(WorkView(work, &run->settings, work->experiment->group[run->group].share, &view));
    PetscCall(MeasureRun(comm, &view, dictionary, chosen, work->experiment->train_tokens, &values,
                         &atoms));
    if (rank == 0) {
      measure_inputs(work, run, inputs);
      PetscCall(TableWrite(values, metrics_path));
      PetscCall(TableWrite(atoms, atoms_path));
      PetscCall(OutcomeWrite(folder, "measure", inputs, &done));
    }
    PetscCall(TableDestroy(&values));
    PetscCall(TableDestroy(&atoms));
    PetscCall(ViewRelease(&view));
  }
  PetscCall(DictionaryDestroy(&dictionary));
  free(folder);
  free(model);
  free(metrics_path);
  free(atoms_path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Finished runs that are not measured with these metrics: todo [runs]. */
static PetscErrorCode Unmeasured(Work *work, int64_t *todo, int64_t *count)
{
  const Experiment *experiment = work->experiment;
  Outcome *outcomes;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(ArrayCreate(experiment->runs, &outcomes));
  PetscCall(OutcomesOfRuns(work, outcomes));
  for (int64_t r = 0; r < experiment->runs && work->rank == 0; r++) {
    char inputs[DIGEST_LENGTH], *folder = run_folder(work, &experiment->run[r]),
                                *table = run_file(work, &experiment->run[r], "metrics.csv");
    Outcome outcome;
    measure_inputs(work, &experiment->run[r], inputs);
    PetscCall(OutcomeRead(folder, "measure", inputs, &outcome));
    if (outcomes[r].status == RUN_DONE && experiment->run[r].first == r &&
        (outcome.status != RUN_DONE || !file_exists(table)))
      todo[(*count)++] = r;
    free(folder);
    free(table);
  }
  PetscCall(ArrayDestroy(&outcomes));
  PetscCallMPI(MPI_Bcast(count, 1, MPI_INT64_T, 0, work->world));
  PetscCallMPI(MPI_Bcast(todo, (int)*count, MPI_INT64_T, 0, work->world));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StageMeasure(Work *work, Mistakes *mistakes, int *orders)
{
  const Experiment *experiment = work->experiment;
  ChosenMetric *chosen;
  int64_t *todo, count = 0, at;
  Queue *queue;
  bool any;

  PetscFunctionBegin;
  *orders = 0;
  PetscCall(ArrayCreate(experiment->runs, &todo));
  PetscCall(ArrayCreate(experiment->metrics_count + 1, &chosen));
  for (int64_t i = 0; i < experiment->metrics_count; i++)
    chosen[i] =
        (ChosenMetric){(const Metric *)experiment->metrics[i].entry, experiment->metrics[i].params};
  PetscCall(SurrogatesOpen(work, mistakes));
  if (!mistakes_count(mistakes)) PetscCall(Unmeasured(work, todo, &count));
  if (count) {
    PetscCall(QueueCreate(
        work->world, work->groups ? work->groups : (int)min_i64(work->size, count), count, &queue));
    for (;;) {
      int now;
      PetscCall(QueuePoll(queue, false, &now));
      PetscCall(QueueNext(queue, &at));
      if (at < 0) break;
      PetscCall(MeasureOne(work, queue_comm(queue), &experiment->run[todo[at]], chosen, mistakes));
      PetscCall(MistakesAgree(queue_comm(queue), mistakes, &any));
      if (any) PetscCall(QueueStop(queue));
    }
    PetscCall(QueueDestroy(&queue, orders));
    PetscCall(MistakesAgree(work->world, mistakes, &any));
  }
  PetscCall(ArrayDestroy(&todo));
  PetscCall(ArrayDestroy(&chosen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StageReport(Work *work, Mistakes *mistakes)
{
  bool any;

  PetscFunctionBegin;
  if (work->rank == 0) PetscCall(ReportWrite(work->out, mistakes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}
