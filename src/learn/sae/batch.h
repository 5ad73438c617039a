/* The scratch of a training step, allocated once. */
#pragma once
#include "learn/sae.h"

enum { TILE = 128, APPLY_COUNT = 1 << 13 }; /* parameters that change together */

/* Whether sums over tokens are made by dense products: where that is faster, or as the environment
   says (ARDIS_DENSE = always, never). The sums are the same. */
typedef enum { DENSE_AUTO, DENSE_ALWAYS, DENSE_NEVER } DenseUse;

/* What sums go over: all tokens of a batch, or some of them. */
typedef struct {
  const Codes *codes;  /* of these tokens; their start[0] may be above 0 */
  const float *g;      /* [nonzeros] slopes beside the codes */
  const float *e, *xc; /* [tokens x d] residuals, centred tokens */
} SAETerm;
typedef struct SAEReduce SAEReduce;

/* Atoms that there are sums for, numbered from 0 in ascending order: all of them, or the dead ones,
   which alone the auxiliary loss is about. */
typedef struct {
  int64_t count, first, rows; /* those this rank owns: first .. first + rows - 1 */
  const int64_t *starts;      /* [size + 1] the first of each rank, then count */
} AtomSet;

/* Codes of the whole batch and their slopes, once on a node; unused on one rank. */
typedef struct {
  Codes codes;
  float *g;
} SharedCodes;

typedef struct SAEBatch {
  int64_t b;            /* tokens of this batch */
  int64_t first, count; /* those that this rank encodes */
  float *S;             /* [TILE x m] scores */
  float *xc, *e, *ea;   /* [batch x d] centred tokens, residuals, residuals of the auxiliary loss,
                           once on a node: each rank writes its rows, then all read all */
  Codes own, aux;       /* codes of this rank's tokens */
  float *g, *ga;        /* slopes beside own and aux */
  int64_t g_space, ga_space;
  SharedCodes all[2]; /* of the whole batch: own, aux */
  int64_t *nonzeros;  /* [2][size] of each rank in own and aux, known after SAESum */
  uint8_t *dead;      /* [m] */
  int64_t deads;
  int32_t *dead_atom;       /* [deads] which they are; codes of the auxiliary loss count them */
  int64_t *dead_starts;     /* [size + 1] the first of each rank among them, then deads */
  float *dead_D, *dead_E;   /* [deads x d] their rows */
  int64_t dead_space[4];    /* of these two, aG and aE */
  float *q;                 /* [m] slope of the L1 penalty */
  double *norm;             /* [m] |D_j|, with a penalty */
  float *gb, *zs, *ge;      /* [rows], [rows], [d] finished sums */
  float *aG, *aE, *ab;      /* [dead atoms here x d] twice, [rows]: those of the auxiliary loss */
  float *gb_all;            /* [m] of all ranks, once on a node, as ge and chain */
  float *fired, *fired_all; /* [rows], [m] route allreduce: whether atoms are active in the batch */
  float *leaf;              /* [leaves x d] */
  float *leaf_all;          /* [leaves x d] route allreduce: of all ranks, once on a node */
  float *work;              /* scratch of `residuals` and `leaf_sums` */
  float *dense;             /* scratch of dense sums; NULL until there are any */
  int64_t dense_space;
  DenseUse use;     /* of dense work */
  float *previous;  /* rows of parameters before the optimizer's step */
  double *square;   /* [batch] |e|^2 of this rank's tokens */
  int64_t *bucket;  /* [m + 1] */
  int32_t *active;  /* [m] atoms that have tokens */
  int32_t *token;   /* [nonzeros here] */
  float *z, *slope; /* [nonzeros here] */
  int64_t bucket_space;
  float *chain;      /* [d] chain of gb over the encoder rows */
  int64_t *starts;   /* [2][size + 1] parts of tokens and nonzeros */
  int64_t *words;    /* scratch of SAESum */
  SAEReduce *reduce; /* route allreduce; NULL until it is taken */
} SAEBatch;

PetscErrorCode BatchCreate(SAE *sae);
PetscErrorCode BatchDestroy(SAE *sae);
/* BatchTake - sae->batch and sae->nodes, once the tensors are laid out: those of another learner of
   the pack with the same shape, or new ones. Nothing in them lasts from one step to the next.
   BatchGive gives them back, after all else that is shared by the node. Collective. */
PetscErrorCode BatchTake(SAE *sae);
PetscErrorCode BatchGive(SAE *sae);
/* BatchForward - this rank's tokens of the step: codes, residuals, slopes. losses: sums of |e|^2
 * and of sum_j z_j |D_j|, of this rank's tokens. */
PetscErrorCode BatchForward(SAE *sae, Exact losses[2]);
/* All atoms; aux: the dead ones of this step. */
AtomSet batch_atoms(const SAE *sae, bool aux);
/* BatchAux - the auxiliary codes' residuals and slopes; loss: sum of |e'|^2. */
PetscErrorCode BatchAux(SAE *sae, Exact *loss);
/* The part of a batch of b tokens that a rank encodes: whole leaves where the route needs them. */
void batch_part(const SAE *sae, int64_t b, int rank, int64_t *first, int64_t *count);
/* BatchGather - the sums of the batch for the atoms here, or aux: for the dead ones here: GD
   = sum z e, GE = sum g xc, gb = sum g, zs = sum z (NULL: not needed), as the route makes them.
   SAESum must have come before. Collective. */
PetscErrorCode BatchGather(SAE *sae, bool aux, float *GD, float *GE, float *gb, float *zs);
/* BatchChain - chain [d] = the sum over all atoms, in order, of gb times the encoder's row, from
   this rank's gb [rows]; unless aux also ge = the column sums of e. The ranks of a node share the
   columns. Collective. */
PetscErrorCode BatchChain(SAE *sae, bool aux, const float *gb);
/* BatchPublish - D, E and b of all ranks from the tensors. BatchRehearse - what BatchGather and
   BatchChain exchange, once more. Collective. */
PetscErrorCode BatchPublish(SAE *sae);
PetscErrorCode BatchRehearse(SAE *sae);
/* Tokens since each atom fired; nonzeros of the whole batch. */
int64_t batch_silence(SAE *sae);

/* BatchSums - leaf sums joined by the tree, for atoms first .. first + atoms - 1. Local. */
PetscErrorCode BatchSums(SAE *sae, const SAETerm *term, int64_t first, int64_t atoms, float *GD,
                         float *GE, float *gb, float *zs);
/* DenseSums - `leaf_sums` of the sorted codes (batch->bucket, active, token, z, slope) by dense
   products, if the term suits them: *done. dense_use reads the environment. Local. */
PetscErrorCode DenseSums(SAE *sae, const SAETerm *term, int64_t atoms, float *GD, float *GE,
                         bool *done);
DenseUse dense_use(void);
bool all_finite(int64_t n, const float *x);
/* BatchReduce - the same for those of the atoms that are here, from sums that each rank makes of
   its own leaves (own NULL: those that are there are joined once more). fired [rows]: 1 for atoms
   that are active. Collective. ReduceDestroy frees its memory. */
PetscErrorCode BatchReduce(SAE *sae, const SAETerm *own, const AtomSet *atoms, float *GD, float *GE,
                           float *gb, float *zs, float *fired);
PetscErrorCode ReduceDestroy(SAE *sae);
/* leaf [leaves x cols], columns first .. first + cols - 1 of e [tokens x d] summed leaf by leaf;
 * then joined into the first row. */
void batch_leaves(int64_t d, int64_t first, int64_t cols, int64_t tokens, const float *e,
                  float *leaf);
void batch_join_leaves(int64_t leaves, int64_t cols, float *leaf);
