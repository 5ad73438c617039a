/* Parts of methods whose atoms are principal directions. */
#pragma once
#include "learn/classical.h"

/* Settings of both. */
typedef struct {
  int64_t width;
} ProjectionParams;

PetscErrorCode ProjectionStart(Classical *c, bool centred);
int64_t projection_count(const Classical *c);
PetscErrorCode ProjectionLeaf(Classical *c, int64_t first, int64_t rows, const float *X,
                              float *sums);
PetscErrorCode ProjectionFinish(Classical *c, const double *sums, double objective,
                                StepReport *report);
PetscErrorCode ProjectionDestroy(Classical *c);
