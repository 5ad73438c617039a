/* What measure, compare and report have in common: a stage on an existing run folder. */
#pragma once
#include "cli/args.h"
#include "cli/command.h"
#include "run/stages.h"

typedef PetscErrorCode (*StageFunction)(Work *work, Mistakes *mistakes, int *code);

/* stage_main - ardis COMMAND DIR [--spec SPEC]: opens the folder's spec and calls the stage. Gives
 * the exit code. Collective on the world. */
int stage_main(int argc, char **argv, StageFunction stage);
#define STAGE_OPTIONS                                                                              \
  "  --spec SPEC   the spec to go by (default: the one that made the folder, where it still is "   \
  "and says the same)\n"
