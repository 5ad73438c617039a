/* How training is getting on: one line that renews itself on a terminal, one line a minute
 * elsewhere. */
#pragma once
#include "learn/method.h"

typedef struct {
  const char *label;
  int64_t items;       /* runs in all */
  double begun, shown; /* seconds; 0: not yet */
  int64_t tokens, first_step;
  bool line; /* a terminal's line is open */
} Progress;

/* Shows the state after a step, if it is time; item: how many runs were begun. */
void progress_show(Progress *progress, const StepReport *report, int64_t item);
void progress_end(Progress *progress);
