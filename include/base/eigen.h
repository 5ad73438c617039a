/* Decompositions of symmetric matrices in double precision, every operation in a stated order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
  EigenSymmetric - all eigenvalues, and if asked the eigenvectors, of a symmetric matrix

  Householder reflections to tridiagonal form, then implicit QL steps (Golub and Van Loan, 8.3).
  Plain double operations in an order that d alone decides, so the same matrix gives the same bits
  everywhere.

  Not collective.

  in      d        rows and columns; 0 is allowed
  in/out  A        [d x d]  afterwards, where vectors are wanted, row i is the unit eigenvector of
                   values[i] (its sign is arbitrary but fixed), otherwise scratch
  in      vectors  whether eigenvectors are wanted
  out     values   [d]  ascending

  Errors   PETSC_ERR_FP           A holds a NaN or an infinity
           PETSC_ERR_CONV_FAILED  an eigenvalue took more than 60 steps (never seen)
  Cost     2 d^3 flops for values, about 10 d^3 with vectors
*/
PetscErrorCode EigenSymmetric(int64_t d, double *A, bool vectors, double *values);

/*
  cholesky - the factor R of a positive semi-definite matrix, A = R^T R with R upper triangular

  Row k is settled in turn and taken from the rows below it. A pivot at most 1e-10 of the diagonal
  element that it started from counts as 0, and its row of R is zero. So R^T z has covariance A for
  a vector z of independent normals, also where A is singular. False, with A spoilt, where a pivot
  is below -1e-6 of that element or anything is not finite.

  Not collective.

  in      d  rows and columns
  in/out  A  [d x d]  only the upper triangle is read; R afterwards, zero below the diagonal
*/
bool cholesky(int64_t d, double *A);
