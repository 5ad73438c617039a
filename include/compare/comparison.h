/* A comparison takes two dictionaries' atoms and gives named values. No MPI: pairs are spread over
 * ranks by compare. */
#pragma once
#include "learn/dictionary.h"
#include "base/table.h"

/* Unit rows of the atoms that count, ready to be compared. */
typedef struct {
  int64_t m, d;
  const float *unit; /* [m x d] rows of norm 1 (a row of norm 0 stays 0) */
} Atoms;

/* What all comparisons of one pair share: cosines and the optimal assignment, made once. */
typedef struct {
  Atoms a, b;
  const float *cosine;    /* [a.m x b.m] */
  const int64_t *partner; /* [a.m] column in b or -1, of the optimal signed assignment */
  int64_t matched_sum;    /* sum of round(2^30 cosine) over the assignment */
} AtomPair;

typedef struct {
  Entry entry;
  bool primary;
  double (*value)(const AtomPair *pair, const void *params);
} Comparison;

extern const Family comparisons;
