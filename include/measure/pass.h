/* One pass of the chosen metrics over the tokens of one split. */
#pragma once
#include "measure/metric.h"

typedef struct Pass Pass;

/* PassCreate - states of all chosen metrics (ended by NULL) that apply to the split: the training
   sample, or other tokens, and to the dictionary: atoms without an encoder have no codes. Borrows
   dictionary and chosen until PassDestroy. Not collective. */
PetscErrorCode PassCreate(const Dictionary *dictionary, const ChosenMetric *chosen, bool train,
                          Pass **pass);
/* PassAdd - n normalised tokens X [n x d], any number at a time. Not collective. */
PetscErrorCode PassAdd(Pass *pass, int64_t n, const float *X);
/* PassJoin - joins what all ranks have added: every rank then holds the whole. Collective on comm.
 */
PetscErrorCode PassJoin(MPI_Comm comm, Pass *pass);
/* PassFinish - appends the metrics' rows (metric, split, setting, value). Not collective. */
PetscErrorCode PassFinish(const Pass *pass, const char *split, Table *values);
PetscErrorCode PassDestroy(Pass **pass);
/* Tokens on which each atom fired (z > 0), [m]; of all ranks after PassJoin. */
const int64_t *pass_fired(const Pass *pass);
