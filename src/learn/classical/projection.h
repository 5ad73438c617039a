/* Parts of methods whose atoms are principal directions. */
#pragma once
#include "learn/classical.h"

/* Settings of pca and svd. */
typedef struct {
  int64_t width;
} ProjectionParams;
extern const Param projection_params[];
/* Entry.check: no more directions than a token is wide. */
char *projection_check(const void *settings, const Settings *all, const char **path);

/* Method.work */
MethodWork projection_work(const void *settings, double n, double d, double p);

PetscErrorCode ProjectionStart(Classical *c, bool centred);
int64_t projection_count(const Classical *c);
PetscErrorCode ProjectionLeaf(Classical *c, int64_t first, int64_t rows, const float *X,
                              double *sums);
PetscErrorCode ProjectionFinish(Classical *c, const double *sums, double objective,
                                StepReport *report);
PetscErrorCode ProjectionDestroy(Classical *c);
/* What the ClassicalParts of all projections share; start and finish are their own. */
#define PROJECTION_PARTS                                                                           \
  .count = projection_count, .leaf = ProjectionLeaf, .destroy = ProjectionDestroy
/* Once it has finished: variances [m] along the directions; the covariance C [d x d]; another
   encoder E [m x d] in the place of the directions. */
const double *projection_variance(const Classical *c);
PetscErrorCode ProjectionCovariance(const Classical *c, const double *sums, double *C);
void projection_encoder(Classical *c, const double *E);
