/* Mean and covariance of tokens, for dictionaries that look like tokens. */
#pragma once
#include "data/view.h"

/*
  TokensCovariance - mean [d] and covariance [d x d] of n tokens, dividing by n

  Sums in float64, in order of tokens; ranks share out the rows of the matrix.

  Collective on comm.

  in   view
  in   n      tokens, at least 1
  in   row    [n] their file rows
  out  mean   [d]
  out  upper  [d x d] upper triangle; 0 below
*/
PetscErrorCode TokensCovariance(MPI_Comm comm, const View *view, int64_t n, const int64_t *row,
                                double *mean, double *upper);
