/* The pieces of AssignmentSolve(): a matching with prices, and what works on it. */
#pragma once
#include "compare/weights.h"

enum { OWNER_NONE = -1, OWNER_DUMMY = -2 };

/* A matching in the making. Rows not there (m - n dummies of weight 0) make it square, so every
   column ends with an owner. Prices are whole numbers below 2^53. Each matched row has a column
   where weight - price is the largest of its row; each dummy one where the price is least. */
typedef struct {
  int64_t n;        /* rows, at most m */
  int64_t m;        /* columns */
  Weights *weights; /* [n x m] */
  double *price;    /* [m] */
  int32_t *column;  /* [n] of each row, or OWNER_NONE */
  int32_t *worth;   /* [n] weight of each row with its column */
  int32_t *owner;   /* [m] row of each column, OWNER_NONE or OWNER_DUMMY */
} Matching;

/* MatchingCreate, MatchingDestroy - room for a matching of these weights, which are borrowed. */
PetscErrorCode MatchingCreate(Weights *weights, Matching *M);
PetscErrorCode MatchingDestroy(Matching *M);

/* AssignmentStartPrices - prices near those of an optimal matching; nothing matched but the
   dummies, which have the cheapest columns at one price, `level`. Not collective. in/out M, out
   level. */
PetscErrorCode AssignmentStartPrices(Matching *M, double *level);

/* AssignmentMatch - an optimal matching with its prices. Not collective. in/out M  its arrays may
   hold anything before. */
PetscErrorCode AssignmentMatch(Matching *M);

/* The columns of a row that are worth the most to it. All that are not listed are worth at most
   `rest`, weight - price, now and ever after: prices only rise. */
typedef struct {
  int32_t column;
  int32_t weight;
} Candidate;
typedef struct {
  Candidate *item; /* [space] */
  int32_t count, space;
  int32_t room; /* how many were asked for; more may be listed */
  double rest;
} Candidates;

enum { LIST_FIRST = 24, LIST_MOST = 2048 };

/* CandidatesRenew - the list of row i by today's prices, `room` long or longer, of its weights
   [m]. work [m] doubles. Not collective. */
PetscErrorCode CandidatesRenew(const Matching *M, int64_t i, const int32_t *weight, int32_t room,
                               double *work, Candidates *list);
/* Whether some listed column is now worth less than what is not listed may be, so that a new list
   of the same length says more. */
bool candidates_stale(const Matching *M, const Candidates *list);
/* AssignmentBids - rows take their best columns and raise their prices to where the second best is
   as good (augmenting row reduction). list [n], work as for CandidatesRenew; level: the price of
   the dummies' columns. */
PetscErrorCode AssignmentBids(Matching *M, Candidates *list, double *work, double *level);

/* AssignmentAlike - alike[i]: a row of the same weights as row i, one for all of them (of most, if
   not all, that are equal). Not collective. */
PetscErrorCode AssignmentAlike(const Matching *M, int32_t *alike);

/* Pairs that an optimal matching may use: row i has columns column[first[i]] .. column[first[i + 1]
   - 1], ascending. */
typedef struct {
  int64_t rows;
  int64_t *first;  /* [rows + 1] */
  int32_t *column; /* [first[rows]] */
} TightPairs;

/* TightPairsFind - the pairs where a[i] + b[j] = weight[i][j], by rows of the weights; *dominated:
   no weight is above a[i] + b[j]. Reads the weights once. Not collective. a [n], b [m]. */
PetscErrorCode TightPairsFind(Weights *weights, const double *a, const double *b, TightPairs *tight,
                              bool *dominated);
/* TightPairsTurn - the same pairs by columns. TightPairsDestroy frees them; is_tight: is this one
   of them? */
PetscErrorCode TightPairsTurn(int64_t columns, TightPairs *tight);
PetscErrorCode TightPairsDestroy(TightPairs *tight);
bool is_tight(const TightPairs *tight, int64_t row, int32_t column);

/* What decides which matchings are optimal: rows and columns as the caller of AssignmentSolve()
   sees them, with potentials a[i] + b[j] >= weight[i][j]; equality makes a pair possible. */
typedef struct {
  int64_t rows;
  int64_t columns;
  TightPairs tight;
  bool dominated;  /* a[i] + b[j] >= weight[i][j] everywhere */
  const double *a; /* [rows] */
  const double *b; /* [columns] */
  double level;    /* the longer side: who may stay unmatched has this potential */
  int32_t *column; /* [rows] of each row; `columns` where unmatched */
  int32_t *owner;  /* [columns] row of each column, OWNER_NONE where unmatched */
} OptimalSet;

/* AssignmentLeast - from one optimal matching to the lexicographically least. Not collective.
   in/out S. */
PetscErrorCode AssignmentLeast(OptimalSet *S);

/* assignment_proved - whether S is a matching of the smaller side, a[i] + b[j] >= weight[i][j]
   everywhere with equality for matched pairs, and nobody is unmatched whose potential is above the
   level, nor anyone of the longer side below it: then no matching has a larger sum (weak duality).
   Whole numbers, so the proof is exact. */
bool assignment_proved(const OptimalSet *S);
