/* Atoms that are rows of their own, learned directly. */
#pragma once
#include "learn/sae.h"

/* Their struct begins with this choice of where they start. */
#define ROWS_PARAMS(type)                                                                          \
  {                                                                                                \
    "start", PARAM_CHOICE, offsetof(type, start), "random", .doc = "where the atoms start",        \
                                                            .family = &sae_starts                  \
  }
typedef struct {
  Choice start;
} RowsParams;

/* SAEAtoms.tensors, start (RowsStart: unit rows) and form of such atoms; the gradient of row j
   loses what lies along it. */
void rows_tensors(SAE *sae);
PetscErrorCode RowsStart(SAE *sae);
void rows_form(SAE *sae, float *D);
double rows_tangent(SAE *sae, int64_t j);
/* Row j becomes the centred token as a unit row. */
void rows_replace(SAE *sae, int64_t j, const float *x, const float *xc);
/* RowsPullBack - SAEAtoms.pull_back by pull_back_row. Local. */
PetscErrorCode RowsPullBack(SAE *sae);
/* Rows of the tensor divided by their norm; those that have none become what they were before. */
void rows_unit(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous);
