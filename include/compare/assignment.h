/* Optimal one-to-one matching of two sets of atoms. */
#pragma once
#include "base/error.h"

/*
  AssignmentSolve - the one-to-one matching of rows and columns with the largest sum of weights

  The smaller side is matched in full. Of all optimal matchings the lexicographically least is
  returned: the first row has the least column that any optimal matching gives it, then the second
  row, and so on; an unmatched row counts as column `columns`. So the answer does not depend on how
  it was found.

  Shortest augmenting paths on exact prices (Jonker and Volgenant, Computing 38, 1987), begun on the
  best few columns of each row and then proved, or mended, on all of them.

  Not collective.

  in   rows     0 is allowed
  in   columns  0 is allowed
  in   weight   [rows x columns]  any whole numbers; here round(2^30 cosine)
  out  partner  [rows]  the column of each row, or -1
  out  sum      of the weights of the matched pairs

  Errors  PETSC_ERR_ARG_OUTOFRANGE  a side longer than 2^20
  Cost    a few passes over the weights when they are much like random; cubic at worst
*/
PetscErrorCode AssignmentSolve(int64_t rows, int64_t columns, const int32_t *weight,
                               int64_t *partner, int64_t *sum);
