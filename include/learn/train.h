/* What training by steps is made of beside the model: optimizers and schedules. docs/numerics.md
 * section 3. */
#pragma once
#include "compute/kernels.h"

/* One update of count parameters. */
typedef struct {
  int64_t count, step; /* step counts from 1 */
  float *p, *m, *v; /* parameters and two moments, read and written; moments an optimizer does not
                       use stay 0 */
  const float *g;   /* gradient, to be multiplied by scale first */
  float scale;
  double rate; /* learning rate of this step */
  const Kernels *kernels;
} Update;

typedef struct {
  Entry entry;                                           /* has a setting lr */
  double (*rate)(const void *params);                    /* its learning rate before the schedule */
  void (*update)(const void *params, const Update *now); /* local */
} Optimizer;

typedef struct {
  Entry entry;
  /* Factor on the learning rate at step 0 .. steps - 1. */
  double (*factor)(const void *params, int64_t step, int64_t steps);
} Schedule;

/* What becomes the model: the parameters, or their mean over the steps. */
typedef struct {
  Entry entry;
  /* Weight of a step's parameters in the mean, in parts of that of the step after; NULL: no mean.
   */
  double (*decay)(const void *params);
} Average;

extern const Family optimizers, schedules, averages;

/* Linear rise over the warm-up: 1 past it. steps_of_share: a share in percent of steps, or a number
 * of steps. */
double warmup_factor(const Share *warmup, int64_t step, int64_t steps);
int64_t steps_of_share(const Share *share, int64_t steps);
