/* Optimal one-to-one matching of two sets of atoms. */
#pragma once
#include "compare/weights.h"

/*
  AssignmentSolve - the one-to-one matching of rows and columns with the largest sum of weights

  The smaller side is matched in full. Of all optimal matchings the lexicographically least is
  returned: the first row has the least column that any optimal matching gives it, then the second
  row, and so on; an unmatched row counts as column `columns`. So the answer does not depend on how
  it was found.

  Shortest augmenting paths on exact prices (Jonker and Volgenant, Computing 38, 1987), from all
  free rows at once, on the best few columns of each row and a bound for the others, which brings
  more columns in where it must. The prices that come out prove the matching to be optimal, and are
  held against all weights.

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

/*
  AssignmentOfWeights - the same of weights that need not be in memory

  in   weights  filled, its rows not more than its columns
  in   turned   the caller's rows are the columns of the weights, and his columns their rows
  out  partner  [the caller's rows]

  Where weights are not held, cosines are made three times, and again for rows whose lists are made
  anew.
*/
PetscErrorCode AssignmentOfWeights(Weights *weights, bool turned, int64_t *partner, int64_t *sum);

/* AssignmentOfCosines - the same from the cosines on, rows of any number; weights are held if they
   take at most `room` bytes. */
PetscErrorCode AssignmentOfCosines(const Cosines *of, int64_t room, int64_t *partner, int64_t *sum);
