/* Singular values of a dictionary's atoms. */
#pragma once
#include "learn/dictionary.h"

/*
  SpectrumSquares - the squared singular values of the atoms D [m x d]

  Eigenvalues of the smaller of D D^T and D^T D; each element of that matrix is one lane64 sum.
  Values below count 2^-52 of the largest are 0.

  Not collective.

  out  count    min(m, d)
  out  squares  [count] ascending, none below 0; the caller frees them with ArrayDestroy

  Errors   PETSC_ERR_FP  an atom is not finite
*/
PetscErrorCode SpectrumSquares(const Dictionary *dictionary, int64_t *count, double **squares);

/* EffectiveRank - exp of the entropy of the singular values s of rows D [m x d], with p_i = s_i /
   sum s; NaN where all are 0. Not collective. */
PetscErrorCode EffectiveRank(const Kernels *kernels, int64_t m, int64_t d, const float *D,
                             double *rank);
