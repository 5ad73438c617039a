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
  const float *own;    /* [nonzeros] slopes by what the code has learned, or NULL */
  const float *e, *in; /* [tokens x d] residuals, [tokens x inputs] what scores are made of */
  bool picks;          /* the codes are picks, to be gone back through in their order */
} SAETerm;
typedef struct SAEReduce SAEReduce;

/* A rank's tokens of a step, by which it encodes them first: from .. to - 1 alone; those of zone ..
   zone_end - 1, half of the border between two neighbours, and of the other half as far as it comes
   for them first. All count from batch->first as it was. */
typedef struct {
  bool upper;                                    /* the rank takes tiles downwards */
  int64_t from, to, zone, zone_end, half, taken; /* half, taken: tiles */
  struct SAEMeet *meet;                          /* NULL: there is no neighbour */
} Border;

/* Sums over tokens for each atom: of values times residuals [atoms x d], of slopes times inputs
   [atoms x inputs]; of slopes, of values, of own slopes; whether the atom is active [atoms]. NULL:
   not wanted. In this order also the rows of SAEReduce. */
enum { SUM_GD, SUM_GE, SUM_GB, SUM_ZS, SUM_OWN, SUM_FIRED, SUMS };
typedef struct {
  unsigned wanted;
  float *to[SUMS];
  bool
      few; /* rows of GD and GE of atoms that have no tokens may be left as they are: see `found` */
} SAESums;
static inline bool sums_want(const SAESums *sums, int k)
{
  return sums->wanted >> k & 1;
}
/* Those of every part of the loss. */
static inline unsigned sums_always(const SAE *sae)
{
  return 1 << SUM_GD | (sae->GE != NULL) << SUM_GE | 1 << SUM_GB;
}

/* Atoms that there are sums for, numbered from 0 in ascending order: all of them, or the dead ones,
   which alone the auxiliary loss is about. */
typedef struct {
  int64_t count, first, rows; /* those this rank owns: first .. first + rows - 1 */
  const int64_t *starts;      /* [size + 1] the first of each rank, then count */
} AtomSet;

/* Codes of the whole batch and their slopes, once on a node; unused on one rank. */
typedef struct {
  Codes codes;
  float *g, *own;
} SharedCodes;

/* A part of the loss: one reconstruction, by the codes that it adds to those before. */
typedef struct {
  Codes codes;    /* of this rank's tokens */
  float *g, *own; /* slopes beside them */
  int64_t g_space, own_space;
  float *e; /* [batch x d] residuals, once on a node: each rank writes its rows, all read all */
  SharedCodes all; /* codes of the whole batch */
} SAEPart;

/* The auxiliary loss; the levels of the goal from PART_MAIN on, then that of unchosen codes. */
enum { PART_AUX, PART_MAIN, PARTS = PART_MAIN + SAE_LEVELS + 2 };

typedef struct SAEBatch {
  int64_t b;            /* tokens of this batch */
  int64_t first, count; /* those that this rank encodes */
  float *S;             /* [TILE x m] scores */
  float *xc;            /* [batch x d] centred tokens, once on a node like the parts' residuals */
  float *in; /* [batch x inputs] what scores are made of: xc, or the hidden layer's output */
  float *norm_in, *inverse; /* [batch x inputs], [batch] of this rank's tokens: hidden_forward */
  float *hidden[3];  /* [batch x inputs] slopes of the hidden layer, once on a node: by its offset,
                        its gain, its linear part */
  float *hidden_row; /* [2][inputs or d] scratch; column sums of in */
  float *rest;       /* [batch x d] residuals of all codes: those of the one level, or apart */
  int parts;         /* PART_MAIN + levels, and the gate's */
  int unchosen;      /* the part of the codes that were not chosen, after the levels; 0 */
  SAEPart part[PARTS];
  Codes whole;                 /* codes of all levels, where there are several */
  int64_t active_here, active; /* codes that are not 0, of this rank's tokens and of all */
  int64_t *nonzeros;           /* [parts][size] of each rank in each part, known after SAESum */
  float *level_sums;           /* [rows (d + inputs + 4)] scratch, with several levels */
  uint8_t *dead;               /* [m] */
  int64_t deads;
  int32_t *dead_atom;        /* [deads] which they are; codes of the auxiliary loss count them */
  int64_t *dead_starts;      /* [size + 1] the first of each rank among them, then deads */
  float *dead_D, *dead_E;    /* [deads x d], [deads x inputs] their rows */
  int64_t dead_space[4];     /* of these two, aG and aE */
  float *q;                  /* [m] slope of the L1 penalty */
  double *norm;              /* [m] |D_j|, with a penalty */
  float *gb, *zs, *own, *ge; /* [rows] three times, [d] finished sums */
  int picks;                 /* the part of all picks, where codes are unrolled */
  struct SAETrace *trace;    /* all picks of this rank's tokens */
  int gate;                  /* the gate's part, where the code has one */
  float *gate_gb, *main_gb;  /* [rows] gb of that part and of the main one */
  float *unused;             /* [rows] gradients of what is not learned */
  float *aG, *aE, *ab; /* [dead atoms here x d], [… x inputs], [rows]: of the auxiliary loss */
  float *gb_all;       /* [m] of all ranks, once on a node, as ge and chain */
  float *fired, *fired_all; /* [rows], [m] route allreduce: whether atoms are active in the batch */
  float *leaf;              /* [leaves x inputs or d] */
  float *leaf_all;          /* [leaves x d] of all ranks, once on a node */
  bool leaves_made;         /* it has the main part's residuals before BatchChain */
  float *work;              /* scratch of `residuals` and `leaf_sums` */
  float *dense;             /* scratch of dense sums; NULL until there are any */
  int64_t dense_space;
  DenseUse use;                 /* of dense work */
  float *previous;              /* rows of parameters before the optimizer's step */
  double *square;               /* [batch] |e|^2 of this rank's tokens */
  int64_t *bucket;              /* [m + 1] */
  int32_t *atoms;               /* [m] atoms that have tokens */
  int64_t found;                /* how many these are, where only their sums were made; else -1 */
  int32_t *token;               /* [nonzeros here] */
  float *z, *slope, *slope_own; /* [nonzeros here] */
  int64_t bucket_space;
  float *chain;         /* [d] chain of gb over the encoder rows */
  int64_t *starts;      /* [2][size + 1] parts of tokens and nonzeros */
  int64_t *words;       /* scratch of SAESum */
  SAEReduce *reduce;    /* route allreduce; NULL until it is taken */
  struct SAEMeet *meet; /* [2 x pairs of neighbours] once on a node */
  int64_t turn;         /* which of the two is next */
  Codes ordered;        /* scratch of BorderOrder */
} SAEBatch;

/* Reconstructions that the loss compares with the token: the goal's levels, and one more. */
static inline int sae_levels(const SAE *sae)
{
  return sae->levels.count + (sae->unchosen.weight > 0);
}

/* The part that the atoms first learn from, and by which they fire. */
static inline int sae_main(const SAE *sae)
{
  return sae->batch->picks ? sae->batch->picks : PART_MAIN;
}

/* Whether the residuals that are learned from are not those of all codes. */
static inline bool sae_apart(const SAE *sae)
{
  return sae->levels.count > 1 || sae->levels.relative || sae->unchosen.weight > 0;
}

PetscErrorCode BatchCreate(SAE *sae);
PetscErrorCode BatchDestroy(SAE *sae);
/* BatchTake - sae->batch and sae->nodes, once the tensors are laid out: those of another learner of
   the pack with the same shape, or new ones. Nothing in them lasts from one step to the next.
   BatchGive gives them back, after all else that is shared by the node. Collective. */
PetscErrorCode BatchTake(SAE *sae);
PetscErrorCode BatchGive(SAE *sae);
/* BatchForward - this rank's tokens of the step: codes, residuals, slopes. losses: sums of |e|^2
 * and of sum_j z_j |D_j|, and of |e|^2 of the gate's part, of this rank's tokens. */
PetscErrorCode BatchForward(SAE *sae, Exact losses[3]);
/* Tokens of silence that make an atom dead once so many steps are done, counted from the epoch of
   the step `last` where it is by epoch; INT64_MAX: it is too early. */
int64_t dead_after(const SAE *sae, const SAEAux *aux, int64_t step, int64_t last);
/* What the revival says of its auxiliary loss. */
SAEAux sae_aux(const SAE *sae);
/* All atoms; aux: the dead ones of this step. */
AtomSet batch_atoms(const SAE *sae, bool aux);
/* BatchAux - the auxiliary codes' residuals and slopes; loss: sum of |e'|^2. */
PetscErrorCode BatchAux(SAE *sae, Exact *loss);
/* The part of a batch of b tokens that a rank encodes: whole leaves where the route needs them. */
void batch_part(const SAE *sae, int64_t b, int rank, int64_t *first, int64_t *count);
/* BorderCreate, BorderDestroy - what neighbours meet by; collective on the node. border_open: this
   rank's tokens of the step. border_made: its half of the border can be read. border_take: the next
   tile, from .. to - 1; false: there is none. BorderOrder: such codes, made tile by tile, in token
   order. border_close: batch->first and count are those that were encoded. Local. */
PetscErrorCode BorderCreate(SAE *sae);
PetscErrorCode BorderDestroy(SAE *sae);
Border border_open(SAE *sae);
void border_made(Border *border);
bool border_take(Border *border, int64_t *from, int64_t *to);
PetscErrorCode BorderOrder(SAE *sae, const Border *border, Codes *codes);
void border_close(SAE *sae, const Border *border);
/* BatchGather - the sums of a part of the batch for the atoms here, or of the auxiliary one for the
   dead ones here, as the route makes them. SAESum must have come before. Collective. */
PetscErrorCode BatchGather(SAE *sae, int part, const SAESums *sums);
/* BatchGatherMore - adds the sums of a further part to those that there are (to NULL: not these).
   Collective. */
PetscErrorCode BatchGatherMore(SAE *sae, int part, const SAESums *sums);
/* BatchChain - chain [d] = the sum over all atoms, in order, of gb times the encoder's row, from
   this rank's gb [rows]; unless aux also ge = the column sums of the first level's residuals. The
   ranks of a node share the columns. Collective. */
PetscErrorCode BatchChain(SAE *sae, bool aux, const float *gb);
/* BatchColumns - the column sums [d] of x [batch x d], d that of tokens or inputs, once on a node,
   of which each rank has the rows of its tokens: leaves joined by the tree, on all ranks.
   Collective. */
PetscErrorCode BatchColumns(SAE *sae, int64_t d, float *x, const float **columns);
/* BatchRest - where they are apart: the sum of |r|^2 of the residuals of all codes over the batch,
   in token order, and their column sums [d]. Collective. */
PetscErrorCode BatchRest(SAE *sae, double *square, const float **columns);
/* BatchUnroll - the picks as codes of a part of their own, with their slopes, and what the way back
   leaves of the residuals. Local. batch_unrolled: its sums, as BatchSums makes them; gb 0. */
PetscErrorCode BatchUnroll(SAE *sae);
void batch_unrolled(const SAE *sae, const SAETerm *term, int64_t first, int64_t atoms,
                    const SAESums *sums);
/* BatchPublish - D, E and b of all ranks from the tensors. BatchRehearse - what BatchGather and
   BatchChain exchange, once more. Collective. */
PetscErrorCode BatchPublish(SAE *sae);
PetscErrorCode BatchRehearse(SAE *sae);
/* Tokens since each atom fired. */
void batch_silence(SAE *sae);

/* BatchSums - leaf sums joined by the tree, for atoms first .. first + atoms - 1. Local. */
PetscErrorCode BatchSums(SAE *sae, const SAETerm *term, int64_t first, int64_t atoms,
                         const SAESums *sums);
/* DenseSums - `leaf_sums` of the sorted codes (batch->bucket, atoms, token, z, slope) by dense
   products, if the term suits them: *done. GD NULL: of slopes alone. dense_use reads the
   environment. Local. */
PetscErrorCode DenseSums(SAE *sae, const SAETerm *term, int64_t atoms, float *GD, float *GE,
                         bool *done);
DenseUse dense_use(void);
/* Rows of a number for each token, a leaf at a time: fill writes those of rows j .. j + count - 1
   to A [count x LEAF_TOKENS], the leaves of some rows in order, from 0. */
typedef struct {
  void (*fill)(void *context, int64_t j, int64_t count, int64_t leaf, float *A);
  void *context;
  int64_t tokens, rows;
} DenseLeaves;
/* DenseProducts - leaf sums of these rows times those of X [tokens x d], joined by the tree: row j
   of them is row[j] of G (NULL: j itself). Local. */
PetscErrorCode DenseProducts(SAE *sae, const DenseLeaves *leaves, const int32_t *row, int64_t d,
                             const float *X, float *G);
bool all_finite(int64_t n, const float *x);
/* BatchReduce - the same for those of the atoms that are here, from sums that each rank makes of
   its own leaves (own NULL: those that are there are joined once more). SUM_FIRED: 1 for atoms that
   are active. Collective. ReduceDestroy frees its memory. */
PetscErrorCode BatchReduce(SAE *sae, const SAETerm *own, const AtomSet *atoms, const SAESums *sums);
PetscErrorCode ReduceDestroy(SAE *sae);
/* leaf [leaves x cols], columns first .. first + cols - 1 of e [tokens x d] summed leaf by leaf;
 * then joined into the first row. */
void batch_leaves(const Kernels *kernels, int64_t d, int64_t first, int64_t cols, int64_t tokens,
                  const float *e, float *leaf);
void batch_join_leaves(int64_t leaves, int64_t cols, float *leaf);
