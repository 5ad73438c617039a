/* Measuring the numbers of the cost model. */
#pragma once
#include "run/bench.h"
#include "run/cost.h"

/* MachineMeasure - the numbers of this machine, from steps and iterations of sizes that are chosen
   so that each number can be told from the others. Rank 0 works while the others sleep, except for
   messages and for what a step loses while all cores work: they are measured with 2 ranks or more
   (no more than cores), else taken as built in. Collective on run->comm. */
PetscErrorCode MachineMeasure(BenchRun *run, Machine *machine);
/* BenchStepSeconds - wall seconds of one step, the least of some (k-means: of one iteration) of a
   model, as BenchTaskOpen takes it, on `kind` tokens, n of them, d wide; together: on all ranks. */
typedef struct {
  const char *words;
  int64_t n, d, p;
  bool together; /* all ranks train one model */
  bool crowd;    /* every rank trains one of its own, at once */
} StepCase;
PetscErrorCode BenchStepSeconds(BenchRun *run, const StepCase *one, double *seconds);
/* MethodsMeasure - machine->rate of every method that says what it has to do. Rank 0 works, the
   others sleep. Collective on run->comm. */
PetscErrorCode MethodsMeasure(BenchRun *run, Machine *machine);
/* MethodWords - settings at which a method can be timed, for BenchTaskOpen: m atoms, all of so many
   iterations, tokens that are not negative where it asks for them. *takes: whether it takes such
   settings. Not collective. */
PetscErrorCode MethodWords(const Method *method, int64_t m, int iterations, Text *words,
                           bool *takes);
