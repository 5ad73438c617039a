/* ardis compare, on an existing run folder. */
#include "cli/stage.h"
#include <stdio.h>

static PetscErrorCode Stage(Work *work, Mistakes *mistakes, int *code)
{
  bool stop;

  (void)code;
  PetscFunctionBegin;
  PetscCall(SignalsCatch());
  PetscCall(SignalsEndAtOnce(work->world, work->rank == 0, &stop));
  PetscCall(StageCompare(work, mistakes));
  if (work->rank == 0 && !mistakes_count(mistakes))
    printf("%s/pairs.csv\n%s/stability.csv\n%s/differences.csv\n", work->out, work->out, work->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int compare_main(int argc, char **argv)
{
  return stage_main(argc, argv, Stage);
}

const Command command_compare = {
    .entry = {"compare", "pairs of a folder's runs, and how stable each model's atoms are"},
    .usage = "usage: ardis compare DIR [--spec SPEC]\n\n" STAGE_OPTIONS "\n"
             "Writes pairs.csv, stability.csv, differences.csv, purposes.csv, levels.csv and more\n"
             "of the measured runs, and prints the paths of the first three.\n\n"
             "exit codes: 0 done; 2 a mistake; 75 stopped, run me again\n",
    .main = compare_main,
};
