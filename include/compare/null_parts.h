/* The parts of NullValues(): where null dictionaries come from, and what one pair of them says. */
#pragma once
#include "compare/nulls.h"

struct NullSource {
  const Kernels *kernels;
  const View *view;
  int64_t d;
  double *mean;            /* [d] */
  double *factor;          /* [d x d] upper triangular R: R^T R is the covariance */
  float *direction, *axis; /* [d] of the tokens' mean; the first axis */
  bool directed;           /* there is such a direction */
  int64_t truths;
  float *truth; /* [truths x d] what the tokens were made of, or NULL */
};

/* NullPair - all values of pair p: [CENTRINGS x comparisons], NaN where there is none. Not
   collective. */
PetscErrorCode NullPair(const NullSource *source, NullKind kind, int64_t p, const NullShape *shape,
                        const CompareOptions *options, double *values);

/* NullSet - likewise of comparisons that need others: the means over the pairs of set p, which has
   null_set() dictionaries. Not collective. */
PetscErrorCode NullSet(const NullSource *source, NullKind kind, int64_t p, const NullShape *shape,
                       const CompareOptions *options, double *values);
