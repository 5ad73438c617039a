/* How training is getting on: one line that renews itself on a terminal, one line a minute
 * elsewhere. */
#pragma once
#include "learn/method.h"

typedef struct {
  const char *label;
  int64_t items;       /* packs in all */
  int64_t replicas;    /* runs of this pack */
  double begun, shown; /* seconds; 0: not yet */
  int64_t tokens;
  bool line; /* a terminal's line is open */
} Progress;

/* Shows the state after a step, if it is time. report: steps of all runs of the pack; done: those
   of them done since it was begun; item: how many packs were begun. */
void progress_show(Progress *progress, const StepReport *report, int64_t done, int64_t item);
void progress_end(Progress *progress);
