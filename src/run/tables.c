/* The stage that puts all runs into runs.csv and groups.csv. */
#include "base/file.h"
#include "measure/summary.h"
#include "run/stages.h"
#include <stdlib.h>
#include <string.h>

static PetscErrorCode WriteTables(Work *work, const RunSummary *summary)
{
  const int64_t runs = work->experiment->runs;
  char *runs_path = path_join(work->out, "runs.csv"),
       *groups_path = path_join(work->out, "groups.csv");
  Table *table;

  PetscFunctionBegin;
  PetscCall(RunsTable(runs, summary, &table));
  PetscCall(TableWrite(table, runs_path));
  PetscCall(TableDestroy(&table));
  PetscCall(GroupsTable(runs, summary, &table));
  PetscCall(TableWrite(table, groups_path));
  PetscCall(TableDestroy(&table));
  free(runs_path);
  free(groups_path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StageTables(Work *work, Mistakes *mistakes, int64_t *failed, int64_t *pending)
{
  const Experiment *experiment = work->experiment;
  RunSummary *summary;
  Outcome *outcomes;
  bool any;

  PetscFunctionBegin;
  *failed = *pending = 0;
  PetscCall(ArrayCreate(experiment->runs, &summary));
  PetscCall(ArrayCreate(experiment->runs, &outcomes));
  PetscCall(OutcomesOfRuns(work, outcomes));
  for (int64_t r = 0; r < experiment->runs; r++) {
    const Run *run = &experiment->run[r];
    Table *metrics = NULL;
    *failed += outcomes[r].status == RUN_FAILED;
    *pending += outcomes[r].status == RUN_PENDING;
    if (outcomes[r].status == RUN_DONE && work->rank == 0) {
      char *path = run_file(work, run, "metrics.csv");
      if (file_exists(path)) PetscCall(TableRead(path, mistakes, &metrics));
      free(path);
    }
    const bool pends = outcomes[r].status == RUN_PENDING;
    summary[r] = (RunSummary){run->id,
                              run->model,
                              {0},
                              run_status_words[pends ? RUN_STOPPED : outcomes[r].status],
                              pends ? "not finished" : outcomes[r].reason,
                              metrics};
    memcpy(summary[r].seed, run->seed, sizeof(run->seed));
  }
  if (work->rank == 0 && !mistakes_count(mistakes)) PetscCall(WriteTables(work, summary));
  for (int64_t r = 0; r < experiment->runs; r++)
    PetscCall(TableDestroy((Table **)&summary[r].metrics));
  PetscCall(ArrayDestroy(&summary));
  PetscCall(ArrayDestroy(&outcomes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}
