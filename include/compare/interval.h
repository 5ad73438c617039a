/* One interval over runs for a mean over pairs of runs. */
#pragma once
#include "base/error.h"

/* mean U of the pairs, its variance by runs (J) and by pairs (F), the limits of the interval, and
   run variance over pair variance */
typedef struct {
  double mean;
  double by_runs;
  double by_pairs;
  double low;
  double high;
  double lambda;
} PairInterval;

/*
  pair_interval - 95 % interval for the expected value of a pair of independent runs

  Pairs share runs, so they are not independent. With h_ij the value of a pair, U their mean, hbar_i
  run i's mean over its pairs and P = S (S - 1) / 2:
    J = 4 (S - 1) / (S (S - 2)^2) sum_i (hbar_i - U)^2
    F = sum_{i<j} (h_ij - U)^2 / (P (P - 1))
    U +- t_{S-1} sqrt(max(J, F))
  J alone misses the spread of single pairs when runs hardly differ; hence F. All sums are exact
  ones, rounded once.

  lambda is the ratio of the variances of a and e in h_ij = U + a_i + a_j + e_ij. With
  A = sum_i (hbar_i - U)^2 and B = sum_{i<j} (h_ij - U)^2 the analysis of variance gives
    pair = (B - (S - 1)^2 / (S - 2) A) / (S (S - 3) / 2)
    run = (A (S - 1) / (S - 2) - pair) / (S - 2)
  both unbiased; lambda = max(run, 0) / pair, infinite where the run effects explain all pairs.

  Not collective.

  in  S  runs; J, F and the limits are NaN below 3, the mean is NaN below 2, lambda below 4 or where
  all pairs are equal in  h  [S x S]  values of pairs, read above the diagonal only; a NaN there
  makes everything NaN
*/
PairInterval pair_interval(int64_t S, const double *h);

/* The variance of the mean that the interval stands on: max(J, F). */
double interval_variance(const PairInterval *interval);
