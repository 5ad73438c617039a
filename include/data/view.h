/* What a run sees of the tokens: which are held out, how values are normalised, in which order
   training visits them. docs/numerics.md section 2. */
#pragma once
#include "base/param.h"
#include "data/tokens.h"

/* The split into training and held-out tokens, by whole groups; equal for all runs of a share. */
typedef struct Split Split;

/* SplitCreate - share in [0, 1) of the groups is held out. Collective on comm. A split that leaves
   no training token is a mistake, and *split NULL. SplitDestroy
   takes NULL too. */
PetscErrorCode SplitCreate(MPI_Comm comm, Tokens *tokens, double share, Mistakes *mistakes,
                           Split **split);
PetscErrorCode SplitDestroy(Split **split);
/* SplitSubsample - the training side of a split with only a share of its groups (at least one),
   those with the smallest hashes of (seed, group): for training alone, it has neither a held-out
   side nor a sample. Not collective; destroyed by SplitDestroy. */
PetscErrorCode SplitSubsample(const Split *split, double share, int64_t seed, Split **part);
/* SplitLeast - the fewest tokens that a share of the training groups can have. */
PetscErrorCode SplitLeast(const Split *split, double share, int64_t *tokens);
int64_t split_count(const Split *split, bool held_out); /* tokens on that side */
/* File row of element i of that side, in file order. */
int64_t split_row(const Split *split, bool held_out, int64_t i);
/* Groups held out, ascending. */
const int64_t *split_held_groups(const Split *split, int64_t *count);
/* The training sample on which all `train` figures are computed: whole training groups, in the
   order of a hash of their number, while they fit into limit tokens (at least one group); element i
   of it in file order. */
int64_t split_sample_count(const Split *split, int64_t limit);
/* SplitSample - file rows of the sample, ascending: row[split_sample_count]. Not collective. */
PetscErrorCode SplitSample(const Split *split, int64_t limit, int64_t *row);

/* Normalisation: x = (raw - mu) * inv in float32. */
typedef struct {
  int64_t d;
  float *mu, *inv;      /* [d] */
  double *mean, *scale; /* [d] as stored in model.h5: mu, and 1 / inv */
} Normaliser;

/* The settings `normalise: {center, scale}` of a spec, for the tables of the plan layer. */
extern const Param normalise_params[];
/* NormaliserCreate - from the settings normalise.center and normalise.scale. NormaliserFromArrays -
   from what a model file stores (bit for bit what it was made of). NormaliserDestroy takes NULL
   too. Not collective. */
PetscErrorCode NormaliserCreate(const Tokens *tokens, const Settings *settings,
                                Normaliser **normaliser);
PetscErrorCode NormaliserFromArrays(int64_t d, const double *mean, const double *scale,
                                    Normaliser **normaliser);
PetscErrorCode NormaliserDestroy(Normaliser **normaliser);

/* Training position -> training token (an element of the split's training side), for n training
   tokens: chunks of 64 permuted (a short last one stays last), then tokens within windows of 256
   chunks. */
typedef struct {
  uint64_t seed;
  int64_t n;
} Order;
int64_t order_at(const Order *order, int64_t epoch, int64_t position);
/* The first training token of the chunk at that place of the order of chunks; ORDER_WINDOW places
   make a window. */
enum { ORDER_CHUNK = 64, ORDER_WINDOW = 256 };
int64_t order_chunk(const Order *order, int64_t epoch, int64_t place);

/* View - tokens as training and measuring read them: normalised float32. Borrows all three. */
typedef struct {
  Tokens *tokens;
  const Split *split;
  const Normaliser *normaliser;
  const Kernels *kernels;
} View;
/* ViewRead - count file rows, normalised. X [count x d]. Not collective. */
PetscErrorCode ViewRead(const View *view, int64_t count, const int64_t *row, float *X);
