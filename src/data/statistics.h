/* Exact sums over tokens and what is made of them. */
#pragma once
#include "base/exact.h"
#include "data/tokens.h"

/* Sums as they are stored: each column's sum and sum of squares as three float64 numbers that add
   up to it, rows in this order: sum, its rest, the rest's rest; squares likewise. [6 x d] */
enum { SUM_PARTS = 3, SUM_ROWS = 2 * SUM_PARTS };

/* StatisticsCreate - room for statistics of width d, all 0. */
PetscErrorCode StatisticsCreate(int64_t d, TokenStatistics **statistics);
PetscErrorCode StatisticsDestroy(TokenStatistics **statistics);
/* mean, deviation, square and mean_over_rms of n tokens from files lists of sums [6 x d]. */
void statistics_from_sums(int64_t n, int64_t d, int64_t files, const double *const *sums,
                          TokenStatistics *statistics);
