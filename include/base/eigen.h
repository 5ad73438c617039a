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
  EigenLeading - the q largest eigenvalues and their eigenvectors

  As EigenSymmetric, but the rotations of the QL steps are kept and only the vectors wanted are
  turned back by them, so the cost is about that of the values.

  Not collective.

  in      d        rows and columns; 0 is allowed
  in      A        [d x d]  scratch afterwards
  in      q        at most d
  out     values   [q]  largest first
  out     vectors  [q x d]  orthonormal rows

  Errors   as EigenSymmetric
  Cost     2 d^3 flops and 8 q d^2; 24 bytes for each of about d^2 rotations
*/
PetscErrorCode EigenLeading(int64_t d, double *A, int64_t q, double *values, double *vectors);

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
