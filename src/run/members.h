/* A pack's members: the runs, or candidate sets, that one group of ranks learns side by side. */
#pragma once
#include "run/work.h"

/* LearnPack - learns the runs number[0 .. count) of the experiment, or with candidates those
   candidate sets; items: packs in the queue. Collective on the queue's group. */
PetscErrorCode LearnPack(Work *work, Queue *queue, bool candidates, int64_t count,
                         const int64_t *number, int64_t items, Mistakes *mistakes);
/* AnchorsOutcome - how making a candidate set ended. One rank calls it. */
PetscErrorCode AnchorsOutcome(const Work *work, const AnchorRun *made, Outcome *outcome);
