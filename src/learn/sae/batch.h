/* The scratch of a training step, allocated once. */
#pragma once
#include "learn/sae.h"

enum { LEAF = 1024, TILE = 128 };

typedef struct {
  const Codes *codes; /* of the whole batch */
  const float *g;     /* [nonzeros] slopes of the codes */
  const float *e;     /* [b x d] residuals */
} SAETerm;

typedef struct SAEBatch {
  int64_t b;            /* tokens of this batch */
  int64_t first, count; /* those that this rank encodes */
  float *S;             /* [TILE x m] scores */
  float *xc, *e, *ea; /* [batch x d] centred tokens, residuals, residuals of the auxiliary loss; own
                         part first, then everybody's */
  Codes own, aux;     /* codes of this rank's tokens */
  float *g, *ga;      /* slopes beside own and aux */
  int64_t g_space, ga_space;
  Codes all, all_aux; /* of the whole batch */
  float *all_g, *all_ga;
  int64_t all_g_space, all_ga_space;
  uint8_t *dead; /* [m] */
  int64_t deads;
  float *q;                 /* [m] slope of the L1 penalty */
  double *norm;             /* [m] |D_j|, with a penalty */
  float *GE, *gb, *zs, *ge; /* [rows x d], [rows], [rows], [d] finished sums */
  float *aG, *aE, *ab;      /* the same for the auxiliary loss */
  float *gb_all;            /* [m] */
  float *leaf;              /* [leaves x d] */
  int64_t *bucket;          /* [rows + 1] */
  int64_t *token;           /* [nonzeros here] */
  float *z, *slope;         /* [nonzeros here] */
  int64_t bucket_space;
  float *chain;         /* [d] */
  int *counts, *starts; /* [size] for exchanges */
} SAEBatch;

PetscErrorCode BatchCreate(SAE *sae);
PetscErrorCode BatchDestroy(SAE *sae);
/* BatchForward - this rank's tokens of the step: codes, residuals, slopes. losses: sums of |e|^2
 * and of sum_j z_j |D_j|, of this rank's tokens. */
PetscErrorCode BatchForward(SAE *sae, Exact losses[2]);
/* BatchAux - the auxiliary codes' residuals and slopes; loss: sum of |e'|^2. */
PetscErrorCode BatchAux(SAE *sae, Exact *loss);
/* BatchExchange - codes, slopes and residuals of all ranks. Collective. */
PetscErrorCode BatchExchange(SAE *sae, const Codes *own, const float *own_g, Codes *all,
                             float **all_g, int64_t *space, float *rows);
/* BatchShareTokens - the centred tokens of the whole batch on every rank. Collective. */
PetscErrorCode BatchShareTokens(SAE *sae);
/* BatchSums - leaf sums joined by the tree for the atoms here: GD = sum z e, GE = sum g xc, gb =
 * sum g, zs = sum z (NULL: not needed). */
PetscErrorCode BatchSums(SAE *sae, const SAETerm *term, float *GD, float *GE, float *gb, float *zs);
/* ge [d] = sum of the rows of e [b x d], by leaves and tree. */
void batch_column_sums(SAE *sae, const float *e, float *ge);
/* GatherRows - rows [rows x cols] of the atoms here become all [m x cols]. Collective. */
PetscErrorCode GatherRows(SAE *sae, const float *here, int64_t cols, float *all);
