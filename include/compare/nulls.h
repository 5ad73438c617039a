/* What unrelated dictionaries would score: the values that stability is read against. */
#pragma once
#include "compare/compare.h"

typedef enum { NULL_RANDOM, NULL_GAUSSIAN, NULL_TOKENS, NULL_KINDS } NullKind;

/* Where null dictionaries come from. */
typedef struct NullSource NullSource;

/*
  NullSourceCreate - mean and covariance of the training tokens, and the factor of the covariance

  Sums in float64 over at most 32,768 training tokens, evenly spaced in file order; each element of
  the covariance is one sum in order of tokens, whatever the ranks.

  Collective on comm.

  in   kernels
  in   d        width of the atoms
  in   view     the tokens, borrowed until NullSourceDestroy; NULL: only NULL_RANDOM can be had
  out  source   the caller's

  Errors  PETSC_ERR_FP  a token is not finite
*/
PetscErrorCode NullSourceCreate(MPI_Comm comm, const Kernels *kernels, int64_t d, const View *view,
                                NullSource **source);
PetscErrorCode NullSourceDestroy(NullSource **source);

/*
  NullDictionary - m atoms [m x d] of null dictionary `number` of a kind, a function of these alone

  NULL_RANDOM: independent normals, so directions without preference. NULL_GAUSSIAN: normals with
  the tokens' mean and covariance. NULL_TOKENS: m different training tokens (any m of them where
  there are fewer than m).

  Not collective.
*/
PetscErrorCode NullDictionary(const NullSource *source, NullKind kind, int64_t number, int64_t m,
                              float *D);

/* What null dictionaries are like. */
typedef struct {
  int64_t m[2];   /* atoms of the first and of the second of a pair */
  int64_t active; /* codes of a token, at most */
  bool negative;  /* codes of both signs */
  int64_t runs;   /* of the model */
} NullShape;

/* Comparisons by what their nulls depend on beside the number of atoms: nothing; codes; how many
   dictionaries stand beside each other. */
typedef enum { NULLS_PLAIN, NULLS_CODES, NULLS_OTHERS, NULL_PARTS } NullPart;
NullPart null_part(const Comparison *one);

/* Dictionaries of a set in which atoms are chosen by the others: as many as runs, at most 6. */
int64_t null_set(const NullShape *shape);

/*
  NullValues - mean values of the chosen comparisons over pairs of null dictionaries

  Pair p compares dictionaries 2p and 2p + 1. Each value is the mean of as many pairs as bring its
  standard error below .002, whatever else is asked for: at least 8192 / m of them, m the larger
  number of atoms, but 2 to 64 (few small ones may agree by chance), and at most 4096. Pairs are
  spread over the ranks; the numbers do not depend on it. Isotropic directions are projected along
  the first axis, since all are alike to them.

  Encoder rows are the unit atoms, as an untrained linear encoder starts. Codes of a token are its
  `active` largest positive products with the unit atoms (largest in size, with their sign, where
  `negative`), on the held-out tokens of codes.h; these have at least 2048 / m pairs, but 4 to 16.
  Where atoms are chosen by other dictionaries a set of null_set() takes the place of a pair: the
  value of a set is the mean over its pairs.

  Collective on comm.

  in   part    only the comparisons of this part are computed
  out  values  [CENTRINGS x comparisons], the same on every rank, those of other parts not touched;
               NaN where a side has no atoms, a comparison or centring has none or was not asked for
  out  pairs   the most that any value took; may be NULL
*/
PetscErrorCode NullValues(MPI_Comm comm, const NullSource *source, NullKind kind,
                          const NullShape *shape, NullPart part, const CompareOptions *options,
                          double *values, int64_t *pairs);

/* The nulls of many groups: those of the same size, kind and tokens are computed once. */
typedef struct NullStore NullStore;
/* NullStoreCreate - an empty store. NullStoreDestroy frees it with all values. Collective on comm.
 */
PetscErrorCode NullStoreCreate(MPI_Comm comm, const Kernels *kernels, const CompareOptions *options,
                               NullStore **store);
/* NullStoreGet - all values [CENTRINGS x comparisons] as NullValues() gives them. Borrows view
   until NullStoreDestroy. Collective on the store's comm. */
PetscErrorCode NullStoreGet(NullStore *store, const View *view, NullKind kind,
                            const NullShape *shape, double *values);
/* NullStoreGetTwo - those of dictionaries of a and of b atoms that need no codes and no others, NaN
   else; the store's. A view without tokens has NULL_RANDOM alone. */
PetscErrorCode NullStoreGetTwo(NullStore *store, const View *view, NullKind kind, int64_t a,
                               int64_t b, const double **value);
/* NullStoreSource - where null dictionaries like these tokens come from, the store's. Borrows view
   until NullStoreDestroy. Collective on the store's comm. */
PetscErrorCode NullStoreSource(NullStore *store, const View *view, NullSource **source);
PetscErrorCode NullStoreDestroy(NullStore **store);

/* The same training tokens, normalised alike. */
bool same_tokens(const View *a, const View *b);
