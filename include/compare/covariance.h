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

/*
  GaussianRows - rows of a normal distribution: row j is mean + R^T z_j, rows of R added in order

  Element q of z_j is random_normal(seed, purpose, at + j d + q). Not collective.

  in   mean    [d]
  in   factor  [d x d] upper triangular R: R^T R is the covariance
  in   at      index of the first number
  out  X       [rows x d]
*/
PetscErrorCode GaussianRows(int64_t d, const double *mean, const double *factor, uint64_t seed,
                            uint32_t purpose, uint64_t at, int64_t rows, float *X);
