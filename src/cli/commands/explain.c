/* ardis explain, on an existing run folder. */
#include "cli/stage.h"
#include <stdio.h>

static PetscErrorCode Stage(Work *work, Mistakes *mistakes, int *code)
{
  bool stop;

  (void)code;
  PetscFunctionBegin;
  PetscCall(SignalsCatch());
  PetscCall(SignalsEndAtOnce(work->world, work->rank == 0, &stop));
  PetscCall(StageExplain(work, mistakes));
  if (work->rank == 0 && !mistakes_count(mistakes)) printf("%s/atlas.csv\n", work->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int explain_main(int argc, char **argv)
{
  return stage_main(argc, argv, Stage);
}

const Command command_explain = {
    .entry = {"explain", "the tokens on which a folder's most and least stable atoms fire most"},
    .usage = "usage: ardis explain DIR [--spec SPEC]\n\n" STAGE_OPTIONS "\n"
             "Writes atlas.csv of the compared runs, and copies the pictures that it names "
             "(`images:` in the spec) to DIR/atlas.\nPrints the table's path.\n\nexit codes: 0 "
             "done; 2 a mistake\n",
    .main = explain_main,
};
