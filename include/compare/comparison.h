/* A comparison takes two dictionaries and gives one number. No MPI: pairs are spread over ranks by
   compare. What it wants beside the atoms it declares, and nothing is made that nobody asked for.
 */
#pragma once
#include "compare/codes.h"
#include "learn/dictionary.h"

/* What a comparison may ask for; those named in brackets come with it. */
enum {
  NEED_MATCHING = 1 << 0, /* atoms */
  NEED_MAXIMA = 1 << 1,   /* largest_a, largest_b */
  NEED_ABSOLUTE = 1 << 2, /* absolute: matching by |cosine| */
  NEED_ENCODER = 1 << 3,  /* encoder, where both sides have one */
  NEED_BOTH = 1 << 4,     /* both: matching by the mean of the two cosines [encoder] */
  NEED_CODES = 1 << 5,    /* a.codes, b.codes */
  NEED_TRUTH = 1 << 6,    /* a.truth, b.truth */
  NEED_MUTUAL = 1 << 7,   /* mutual */
  NEED_OTHERS = 1 << 8,   /* a.stable, b.stable, of the matchings with all other runs */
};

/* What holds for a comparison: tests/family/comparison.c tries each. */
enum {
  LAW_SELF = 1 << 0,      /* 1 for a dictionary and itself in any order */
  LAW_SYMMETRIC = 1 << 1, /* the sides may change places */
  LAW_SIGNED = 1 << 2,    /* atoms and their negatives are strangers */
  LAW_ORDER = 1 << 3,     /* the order of the atoms does not matter */
};

/* One dictionary, ready to be compared: the atoms that count, centred as asked. */
typedef struct {
  int64_t m, d;
  const float *unit;      /* [m x d] rows of norm 1 (a row of norm 0 stays 0) */
  const float *encoder;   /* [m x d] their encoder rows, likewise; NULL: none, or nobody asked */
  const AtomCodes *codes; /* on a sample of held-out tokens; NULL: likewise */
  int64_t truths;         /* atoms that the tokens were made of; 0: not known */
  const float *truth;     /* [truths x d] likewise prepared */
  const int64_t *stable;  /* [m] its atoms, those first that other runs than the one compared with
                             have best: by their mean matched cosine; NULL: there are none */
  double *const *own;     /* [comparisons asked for] what each made of this side; NULL: none did */
} Atoms;

/* The one-to-one matching of two sets of rows for which the sum of the weights round(2^30 cosine)
   is largest. NULL where nobody asked. */
typedef struct {
  int64_t *partner; /* [a.m] row of b, or -1 */
  float *cosine;    /* [a.m] of the matched, 0 for others; `atoms` and `encoder` alone have it */
  int64_t sum;      /* of the weights of the matched */
} Matched;

/* Two dictionaries and all that the comparisons share. */
typedef struct {
  const Kernels *kernels;
  Atoms a, b;
  int64_t of_a, of_b; /* what a mean over atoms divides by: a.m and b.m, or where dead atoms count
                         as 0 how many there are with them */
  Matched atoms, absolute, encoder, both;
  float *largest_a, *largest_b; /* [a.m], [b.m] largest cosine with the other side */
  float *mutual; /* [a.m] cosine with the nearest atom of b, -2 unless i is the nearest to that */
  const double *own_a, *own_b; /* what this comparison made of each side */
} AtomPair;

typedef struct {
  Entry entry;
  bool primary;
  unsigned needs; /* NEED_* */
  unsigned laws;  /* LAW_* */
  bool once;      /* does not depend on how atoms are centred: given with raw ones only */
  bool whole;     /* no mean over atoms, so there is no value with dead ones counted as 0 */
  double (*value)(const AtomPair *pair, const void *params); /* NaN: has none */
  /* What is made of one dictionary alone, once for all its pairs: own_size numbers, filled in by
     own. NULL: nothing. */
  int64_t (*own_size)(const Atoms *atoms, const void *params);
  PetscErrorCode (*own)(const Kernels *kernels, const Atoms *atoms, const void *params,
                        double *numbers);
} Comparison;

/* Mean squared cosine of the principal angles between the spans of p and q orthonormal rows of
   width d (Bjorck and Golub 1973): divided by the smaller number; NaN where that is 0. */
double spans_overlap(int64_t d, int64_t p, const double *A, int64_t q, const double *B);

/* An orthonormal basis [at most count x d] of these rows of unit vectors, in their order; a row
   that is not 2^-20 away from those before it adds nothing. Gives how many there are. */
int64_t span_basis(int64_t d, int64_t count, const float *unit, const int64_t *row, double *basis);

extern const Family comparisons;
