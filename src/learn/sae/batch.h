/* The scratch of a training step, allocated once. */
#pragma once
#include "learn/sae.h"

enum { TILE = 128, APPLY_COUNT = 1 << 13 }; /* parameters that change together */

typedef struct {
  const Codes *codes; /* of the whole batch */
  const float *g;     /* [nonzeros] slopes of the codes */
  const float *e;     /* [b x d] residuals */
} SAETerm;

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
                           once   on a node: each rank writes its rows, then all read all */
  Codes own, aux;       /* codes of this rank's tokens */
  float *g, *ga;        /* slopes beside own and aux */
  int64_t g_space, ga_space;
  SharedCodes all[2]; /* of the whole batch: own, aux */
  int64_t *nonzeros;  /* [2][size] of each rank in own and aux, known after SAESum */
  uint8_t *dead;      /* [m] */
  int64_t deads;
  float *q;                 /* [m] slope of the L1 penalty */
  double *norm;             /* [m] |D_j|, with a penalty */
  float *GE, *gb, *zs, *ge; /* [rows x d], [rows], [rows], [d] finished sums */
  float *aG, *aE, *ab;      /* the same for the auxiliary loss */
  float *gb_all;            /* [m] of all ranks, once on a node, as ge and chain */
  float *leaf;              /* [leaves x d] */
  float *work;              /* scratch of `residuals` and `leaf_sums` */
  float *previous;          /* rows of parameters before the optimizer's step */
  double *square;           /* [batch] |e|^2 of this rank's tokens */
  int64_t *bucket;          /* [rows + 1] */
  int32_t *token;           /* [nonzeros here] */
  float *z, *slope;         /* [nonzeros here] */
  int64_t bucket_space;
  float *chain;    /* [d] chain of gb over the encoder rows */
  int64_t *starts; /* [2][size + 1] parts of tokens and nonzeros */
  int64_t *words;  /* scratch of SAESum */
} SAEBatch;

PetscErrorCode BatchCreate(SAE *sae);
PetscErrorCode BatchDestroy(SAE *sae);
/* BatchForward - this rank's tokens of the step: codes, residuals, slopes. losses: sums of |e|^2
 * and of sum_j z_j |D_j|, of this rank's tokens. */
PetscErrorCode BatchForward(SAE *sae, Exact losses[2]);
/* BatchAux - the auxiliary codes' residuals and slopes; loss: sum of |e'|^2. */
PetscErrorCode BatchAux(SAE *sae, Exact *loss);
/* BatchExchange - codes, slopes and residuals of the whole batch (and its centred tokens, unless
 * aux). SAESum must have come before. Collective. */
PetscErrorCode BatchExchange(SAE *sae, bool aux, SAETerm *term);
/* BatchChain - chain [d] = the sum over all atoms, in order, of gb times the encoder's row, from
 * this rank's gb [rows]; with e also ge = its column sums. The ranks of a node share the columns.
 * Collective. */
PetscErrorCode BatchChain(SAE *sae, const float *gb, const float *e);
/* BatchSums - leaf sums joined by the tree for the atoms here: GD = sum z e, GE = sum g xc, gb =
 * sum g, zs = sum z (NULL: not needed). */
PetscErrorCode BatchSums(SAE *sae, const SAETerm *term, float *GD, float *GE, float *gb, float *zs);
/* ge [d], columns first .. first + cols - 1 = sum of the rows of e [b x d], by leaves and tree. */
void batch_column_sums(SAE *sae, const float *e, int64_t first, int64_t cols, float *ge);
