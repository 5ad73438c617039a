/* The stages of a run folder, in order. Each skips what is there and belongs to the same inputs.
 * All collective on work->world. */
#pragma once
#include "base/digest.h"
#include "run/work.h"

/* What a command asks of the stages. */
typedef struct {
  const char *only;      /* comma-separated model names; NULL: all */
  int64_t slice, slices; /* train runs i with i % slices == slice only; slices 0: all */
} StageOptions;

/* Do the options ask for this run? Equal runs stand together. */
bool run_wanted(const StageOptions *options, const Run *run);

/* StagePlan - the folder, spec.yaml (as given, and resolved), plan.csv, held_out.csv. */
PetscErrorCode StagePlan(Work *work, Mistakes *mistakes);
/* StageLearn - candidate sets, then runs. *orders: what was ordered meanwhile (ORDER_STOP). */
PetscErrorCode StageLearn(Work *work, const StageOptions *options, Mistakes *mistakes, int *orders);
/* StageMeasure - metrics.csv and atoms.csv of finished runs. */
PetscErrorCode StageMeasure(Work *work, Mistakes *mistakes, int *orders);
/* StageTables - runs.csv and groups.csv. *failed: how many runs failed; *pending: how many have not
 * ended. */
PetscErrorCode StageTables(Work *work, Mistakes *mistakes, int64_t *failed, int64_t *pending);
/* StageCompare - pairs.csv and stability.csv. */
PetscErrorCode StageCompare(Work *work, Mistakes *mistakes);
/* StageExplain - atlas.csv, and the pictures that it names in atlas/. */
PetscErrorCode StageExplain(Work *work, Mistakes *mistakes);
/* StageReport - report/. */
PetscErrorCode StageReport(Work *work, Mistakes *mistakes);

/* OutcomesOfRuns - outcomes [runs] of the learn stage, as rank 0 reads them, on every rank; the
 * caller's memory. */
PetscErrorCode OutcomesOfRuns(Work *work, Outcome *outcomes);

/* Digest of chosen entries and their settings, which are plain numbers. */
void digest_chosen(Digest *digest, int64_t count, const Choice *chosen);
