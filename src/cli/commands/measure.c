/* ardis measure, on an existing run folder. */
#include "cli/stage.h"
#include <stdio.h>

static PetscErrorCode Stage(Work *work, Mistakes *mistakes, int *code)
{
  int orders = 0;
  int64_t failed, pending;
  bool stop;

  PetscFunctionBegin;
  PetscCall(SignalsCatch());
  PetscCall(SignalsEndAtOnce(work->world, work->rank == 0, &stop));
  PetscCall(StageMeasure(work, mistakes, &orders));
  if (!mistakes_count(mistakes)) PetscCall(StageTables(work, mistakes, &failed, &pending));
  if (orders & ORDER_STOP)
    *code = 75;
  else if (work->rank == 0 && !mistakes_count(mistakes))
    printf("%s/runs.csv\n%s/groups.csv\n", work->out, work->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int measure_main(int argc, char **argv)
{
  return stage_main(argc, argv, Stage);
}

const Command command_measure = {
    .entry = {"measure", "metrics of a folder's finished runs"},
    .usage = "usage: ardis measure DIR [--spec SPEC]\n\n" STAGE_OPTIONS "\n"
             "Writes metrics.csv and atoms.csv of each finished run, runs.csv and groups.csv; what "
             "is there with the same settings is skipped. Prints the tables' paths.\n\n"
             "exit codes: 0 done; 2 a mistake; 75 stopped, run me again\n",
    .main = measure_main,
};
