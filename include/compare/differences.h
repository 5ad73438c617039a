/* How much more stable one model is than another. */
#pragma once
#include "compare/group.h"
#include "compare/interval.h"

/* A difference of two means over pairs of runs, its 95 % interval and two-sided test against 0. */
typedef struct {
  double value, low, high, p;
} Difference;

/*
  difference_paired - of two models whose runs share their seeds, one by one

  The pairs' own differences are values of pairs of runs, so pair_interval() holds for them:
  t = U / sqrt(max(J, F)) with S - 1 degrees of freedom.

  Not collective. in  S  shared runs; limits and p are NaN below 3.
  in  h  [S x S] pair of the one minus the same pair of the other, as pair_interval() reads them
*/
Difference difference_paired(int64_t S, const double *h);

/*
  difference_welch - of two models without a common seed

  t = (U_a - U_b) / sqrt(v_a + v_b), v = max(J, F) of each side with S - 1 degrees of freedom;
  together (v_a + v_b)^2 / (v_a^2 / (S_a - 1) + v_b^2 / (S_b - 1)), after Satterthwaite (Biometrics
  Bulletin 2, 1946) and Welch (Biometrika 34, 1947).

  Not collective. in  Sa, Sb  runs; limits and p are NaN where a side has fewer than 3.
*/
Difference difference_welch(int64_t Sa, const PairInterval *a, int64_t Sb, const PairInterval *b);

/* HolmAdjust - p [n] adjusted for n tests, in place (Holm, Scandinavian Journal of Statistics 6,
   1979). NaN is no test and stays. Not collective. */
PetscErrorCode HolmAdjust(int64_t n, double *p);

enum { DIFFERENCES_GROUPS = 48 }; /* more groups than these: rows of the primary measure only */

/*
  DifferencesTable - rows of differences.csv for every two groups

  A run of a and a run of b share their seeds where they agree in every purpose that varies in both
  groups, and there is one. With three such couples or more the difference is paired over them;
  else it is Welch's over the runs that enter each side. Measures without a value on one side have
  no row.

  The primary measure on raw atoms is the test of two models, and p stands as it is; its p_holm is
  adjusted for all such pairs of models of the table. Where the tokens of one of them were not
  centred there is no such row. The secondary rows of two models are one family, and p_holm is
  adjusted for their number.

  Not collective.

  in   groups, pairs  [count]  pairs as GroupPairsCreate() made them; groups without pairs are left
                               out
  out  differences    model_a, model_b, measure, centring, runs_a, runs_b, difference, low, high,
                      design, p, p_holm, role, note
*/
PetscErrorCode DifferencesTable(int64_t count, const ComparedGroup *groups, const GroupPairs *pairs,
                                const ChosenComparison *chosen, Table **differences);
