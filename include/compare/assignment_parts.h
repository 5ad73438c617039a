/* The pieces of AssignmentSolve(): a matching with prices, and what works on it. */
#pragma once
#include "base/error.h"

enum { OWNER_NONE = -1, OWNER_DUMMY = -2 };

/* A matching in the making. Rows not there (m - n dummies of weight 0) make it square, so every
   column ends with an owner. Prices are whole numbers below 2^53. Each matched row has a column
   where weight - price is the largest of its row; each dummy one where the price is least. */
typedef struct {
  int64_t n;             /* rows, at most m */
  int64_t m;             /* columns */
  const int32_t *weight; /* [n x m] */
  double *price;         /* [m] */
  int32_t *column;       /* [n] of each row, or OWNER_NONE */
  int32_t *owner;        /* [m] row of each column, OWNER_NONE or OWNER_DUMMY */
} Matching;

/* AssignmentStartPrices - prices near those of an optimal matching; nothing matched but the
   dummies, which have the cheapest columns at one price, `level`. Not collective. in/out M, out
   level. */
PetscErrorCode AssignmentStartPrices(Matching *M, double *level);

/* AssignmentWarmStart - prices, and a partial matching that holds for all columns, found on the
   best few columns of each row. Not collective. in/out M  its arrays may hold anything before. */
PetscErrorCode AssignmentWarmStart(Matching *M);

/* AssignmentComplete - matches the rows still free by shortest paths over all columns; prices only
   rise. Not collective. in/out M. */
PetscErrorCode AssignmentComplete(Matching *M);

/* What decides which matchings are optimal: rows and columns as the caller of AssignmentSolve()
   sees them, with potentials a[i] + b[j] >= weight[i][j]; equality makes a pair possible. */
typedef struct {
  int64_t rows;
  int64_t columns;
  const int32_t *weight; /* [rows x columns] */
  const double *a;       /* [rows] */
  const double *b;       /* [columns] */
  double level;          /* the longer side: who may stay unmatched has this potential */
  int32_t *column;       /* [rows] of each row; `columns` where unmatched */
  int32_t *owner;        /* [columns] row of each column, OWNER_NONE where unmatched */
} OptimalSet;

/* AssignmentLeast - from one optimal matching to the lexicographically least. Not collective.
   in/out S. */
PetscErrorCode AssignmentLeast(OptimalSet *S);
