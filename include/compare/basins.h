/* A warning where runs fall into two kinds. */
#pragma once
#include "base/error.h"

/*
  PairBasins - do the runs look like two basins: more alike within each than between?

  The pairs' values, less run effects (h_ij = U + a_i + a_j + e_ij by least squares), are split by
  two parts of at least two runs each. The contrast of a split is the mean of the two means within
  less the mean between; what counts is the share of the rest's sum of squares that the best split
  explains, found from every run's own split by moving single runs while that raises it. Run effects
  and units cancel, so for normal e its distribution depends on S alone, and the bound is its 99 %
  quantile in simulation (docs/coverage.md): one warning in a hundred where there is one basin.

  Not collective.

  in   S      runs; below 5 there is never a warning: the rest of four has two dimensions, and three
              splits fill them
  in   h      [S x S]  values of pairs, read above the diagonal only
  out  side   [S]  which part each run falls in, run 0 in part false; may be NULL
  out  share  of the rest that the best split explains, NaN where there is none; may be NULL
  out  two    the warning
*/
PetscErrorCode PairBasins(int64_t S, const double *h, bool *side, double *share, bool *two);

/* basins_bound - the share above which PairBasins() warns. Not collective. */
double basins_bound(int64_t S);
