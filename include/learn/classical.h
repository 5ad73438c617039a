/* Methods that go through the training tokens in whole passes, or batch by batch, and renew their
   atoms from sums over the tokens: what they share. docs/numerics.md section 7 has the order of the
   sums. */
#pragma once
#include "learn/dictionary.h"

typedef struct Classical Classical;

/* What a method is beside its settings. All are collective, except for leaf. */
typedef struct {
  /* Declares arrays, and gives them starting values. */
  PetscErrorCode (*start)(Classical *c);
  /* Numbers that the present unit sums; not above what it was at the start (c->most). */
  int64_t (*count)(const Classical *c);
  /* A leaf of tokens X [rows x d]: adds its sums to sums [count], once to each, and what belongs to
     it to c->objective. first: number of the first token in the unit. */
  PetscErrorCode (*leaf)(Classical *c, int64_t first, int64_t rows, const float *X, double *sums);
  /* Every token of the unit was summed: sums [count] and objective are those of all ranks. Ends
     the run by c->number[CLASSICAL_ENDED]. */
  PetscErrorCode (*finish)(Classical *c, const double *sums, double objective, StepReport *report);
  PetscErrorCode (*destroy)(Classical *c); /* NULL: nothing of its own */
  /* NULL, or: a pass that was stopped begins anew, and this makes what is not in the checkpoint.
     Collective. */
  PetscErrorCode (*again)(Classical *c);
} ClassicalParts;

/* CLASSICAL_CHUNK: tokens that a leaf is best worked on together, where that takes memory;
   CLASSICAL_FEW: those that stay in the second cache with rows of as many numbers as they have;
   CLASSICAL_COLUMNS: columns of as many float64 atoms as stay in the first one. */
enum { CLASSICAL_CHUNK = 256, CLASSICAL_FEW = 128, CLASSICAL_COLUMNS = 64, CLASSICAL_ARRAYS = 24 };
/* Where a run is, the same on every rank: units done; leaves of the present one; why it ended; and
   two numbers of the method's own. */
enum {
  CLASSICAL_UNIT,
  CLASSICAL_LEAF,
  CLASSICAL_ENDED,
  CLASSICAL_STAGE,
  CLASSICAL_PASS,
  CLASSICAL_NUMBERS
};
enum {
  CLASSICAL_GOES_ON,
  CLASSICAL_SOLVED,     /* "solved" */
  CLASSICAL_CONVERGED,  /* "converged" */
  CLASSICAL_ITERATIONS, /* "iterations" */
  CLASSICAL_STEPS,      /* "steps" */
  CLASSICAL_INFINITE    /* failed: the objective is not finite */
};

struct Classical {
  const Task *task;
  const Kernels *kernels;
  const ClassicalParts *parts;
  const Param *table;
  void *params; /* of the method's settings */
  int rank, size;
  int64_t m, d, n; /* atoms, width, training tokens */
  int64_t leaf;    /* tokens of a leaf: a multiple of SUM_PIECE, or below it */
  int64_t batch; /* tokens of a unit, drawn in the order of the data seed; 0: all, in file order */
  int64_t units; /* at most */
  int64_t most;  /* numbers summed at most */
  int64_t number[CLASSICAL_NUMBERS];
  int64_t first, count;  /* the sums that this rank joins */
  double *slice;         /* [count] */
  double *sums;          /* [most] of this rank's leaf; then of all */
  Packed columns, codes; /* of a leaf's tokens, and of what is summed with them */
  struct {
    float *x;
    int64_t space;
  } scratch[3]; /* ClassicalScratch */
  Exact objective;
  double last; /* objective of the unit before */
  float *atoms;
  int64_t arrays;
  StateArray array[CLASSICAL_ARRAYS];
  bool shown[CLASSICAL_ARRAYS]; /* part of model.h5 too */
  void *own;
};

/*
  ClassicalCreate - a learner with zeroed atoms [m x d]; parts->start does the rest

  Collective. m: the setting width. params_size bytes of settings are read by the method's table.
*/
PetscErrorCode ClassicalCreate(const Task *task, const ClassicalParts *parts, const Entry *entry,
                               void **self);

/* ClassicalArray - an array of a checkpoint, zeroed, the same on every rank; shown: of model.h5
   too. rank 1 or 2. Freed with the learner. Not collective. */
PetscErrorCode ClassicalArray(Classical *c, const char *name, H5Kind kind, int rank, int64_t rows,
                              int64_t cols, bool shown, void **data);
/* ClassicalSliced - the same of which each rank has the rows that part_of(rows, 1) gives it. */
PetscErrorCode ClassicalSliced(Classical *c, const char *name, H5Kind kind, int64_t rows,
                               int64_t cols, bool shown, void **data);

/* ClassicalScratch - memory number `slot` of a leaf, for n numbers of any values: it stays with the
   learner, so that no leaf waits for new pages. */
PetscErrorCode ClassicalScratch(Classical *c, int slot, int64_t n, float **x);

/* ClassicalDestroy, ClassicalState, ClassicalResumed, ClassicalStep, ClassicalModel - as in Method.
 */
PetscErrorCode ClassicalDestroy(void **self);
PetscErrorCode ClassicalState(void *self, State *state);
PetscErrorCode ClassicalResumed(void *self);
PetscErrorCode ClassicalStep(void *self, StepReport *report);
PetscErrorCode ClassicalModel(void *self, State *model);
int64_t classical_seen(const void *self);

/* All of a Method that these make. */
#define CLASSICAL_METHOD                                                                           \
  .state = ClassicalState, .resumed = ClassicalResumed, .seen = classical_seen,                    \
  .step = ClassicalStep, .model = ClassicalModel, .destroy = ClassicalDestroy

/* out [rows x d] = X less shift [d] in every row. */
void less_shift(int64_t rows, int64_t d, const float *X, const float *shift, float *out);
/* Makes the entry of x [d] that is largest in size (the first of equals) positive; true: the sign
   was turned. */
bool settle_sign(int64_t d, double *x);
/* order [m]: numbers by their key, largest first, lowest number first among equals. */
void order_by(int64_t m, const double *key, int64_t *order);
/* OUT [m x d] = A B in float64, A [m x p], B [p x d]: sums in order from + 0, products rounded. */
void product64(const Kernels *kernels, int64_t m, int64_t p, int64_t d, const double *A,
               const double *B, double *OUT);
/* SolveFactored - solves R^T R X = Y in place, Y [m x d], R [m x m] the factor that cholesky()
   leaves; where its pivot is 0 so is X's row. */
PetscErrorCode SolveFactored(const Kernels *kernels, int64_t m, int64_t d, const double *R,
                             double *Y);

/* For Entry.check: why the method cannot have so many atoms for tokens of that width (fresh
   memory), or NULL. what: "components". */
char *width_check(int64_t width, const Settings *all, const char *what);
/* The same where the atoms are drawn from the training tokens and are more than those. */
char *tokens_check(int64_t width, const Settings *all);
/* The same where tokens can be negative after normalising. */
char *negative_check(const Settings *all, const char *method);

/* EncodeScores - Method.encode of models whose codes are scores (x - bias) encoder^T + encoder bias
   of either sign; zeros are left out. Not collective, as all that follow. */
PetscErrorCode EncodeScores(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes);
/* EncodeNearest - Method.encode of models whose codes are 1 at the nearest atom. */
PetscErrorCode EncodeNearest(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes);

/* The mean of all tokens of the file, normalised: it lies near that of the training tokens, so that
   what is left after it is taken off can be squared and summed without harm. shift [d]. */
void shift_of(const View *view, float *shift);
/* gram_count, gram_leaf - numbers and leaf of a pass that sums the products of all pairs of
   dimensions, of tokens less shift [d] (NULL: none). Not collective. */
int64_t gram_count(int64_t d);
void gram_leaf(Classical *c, const float *shift, int64_t rows, const float *X, double *sums);

/* CovarianceOfGram - A [d x d] = the covariance of n tokens from the sums of such a pass (without
   shift: the mean of x x^T), mean [d] as below. Not collective. */
PetscErrorCode CovarianceOfGram(int64_t n, int64_t d, const double *sums, const float *shift,
                                double *mean, double *A);

/*
  SpectrumOfGram - the leading directions of n tokens from the sums of such a pass

  Not collective; the same bits on every rank.

  in   sums     [gram_count(d)]
  in   shift    what was taken off the tokens; NULL: directions about the origin, not the mean
  in   k        directions wanted, at most d
  out  mean     [d]  of the tokens (NULL without shift)
  out  values   [k]  variances along them (without shift: mean squares), largest first; one that is
                     not above 2^-20 of the largest counts as 0
  out  vectors  [k x d]  unit rows whose largest entry is positive; zero where the value is 0
*/
PetscErrorCode SpectrumOfGram(int64_t n, int64_t d, const double *sums, const float *shift,
                              int64_t k, double *mean, double *values, double *vectors);
