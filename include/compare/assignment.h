/* Optimal one-to-one matching of two sets of atoms. */
#pragma once
#include "compute/kernels.h"

/*
  AssignmentSolve - the one-to-one matching of rows and columns with the largest sum of weights

  The smaller side is matched in full. Of all optimal matchings the lexicographically least is
  returned: the first row has the least column that any optimal matching gives it, then the second
  row, and so on; an unmatched row counts as column `columns`. So the answer does not depend on how
  it was found.

  Shortest augmenting paths on exact prices (Jonker and Volgenant, Computing 38, 1987), on the best
  few columns of each row and a bound for the others, which brings more columns in where it must.
  The prices that come out prove the matching to be optimal, and are held against all weights.

  Not collective.

  in   rows     0 is allowed
  in   columns  0 is allowed
  in   weight   [rows x columns]  any whole numbers; here round(2^30 cosine)
  out  partner  [rows]  the column of each row, or -1
  out  sum      of the weights of the matched pairs

  Errors  PETSC_ERR_ARG_OUTOFRANGE  a side longer than 2^20
  Cost    a few passes over the weights when they are much like random; cubic at worst. The weights
          are copied, transposed, where rows are more than columns
*/
PetscErrorCode AssignmentSolve(int64_t rows, int64_t columns, const int32_t *weight,
                               int64_t *partner, int64_t *sum);

/* AssignmentWeights - round(2^30 cosine) for count cosines. Not collective. Errors:
   PETSC_ERR_ARG_OUTOFRANGE for a NaN, or what is no cosine, by its number. */
PetscErrorCode AssignmentWeights(int64_t count, const float *cosine, int32_t *weight);

/*
  AssignmentOfAtoms - the same for the cosines of two sets of unit atoms

  For dictionaries of a size at which one pair is work for a node: weights are held once on the
  first rank's node, 4 bytes a pair of atoms, and filled in blocks by all ranks there.

  Collective on comm.

  in   A        [rows x d] unit rows, the same on every rank
  in   B        [columns x d]
  out  partner  [rows]  on every rank
  out  sum      on every rank
*/
PetscErrorCode AssignmentOfAtoms(MPI_Comm comm, const Kernels *kernels, int64_t rows,
                                 const float *A, int64_t columns, const float *B, int64_t d,
                                 int64_t *partner, int64_t *sum);
