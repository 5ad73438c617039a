/* k-means over the training tokens of a view, out of core: docs/numerics.md section 5. This header
   is what its parts see: the passes over the tokens, and the ways to start. */
#pragma once
#include "base/array.h"
#include "base/shared.h"
#include "learn/method.h"
#include <stdatomic.h>

/* Settings of `method: kmeans`. */
typedef struct {
  int64_t width, iterations;
  Choice init;
} KMeansParams;

/* A token far from its centroid. */
typedef struct {
  double distance;
  int64_t token; /* element of the training side */
} FarToken;

enum { FAR_TOKENS = 1024 };

/* The farthest tokens, farthest first, lowest token first among equals. */
typedef struct {
  int64_t count;
  FarToken far[FAR_TOKENS];
} FarList;

/* Tokens of a rank in a step, and of others that it holds at once, at most. */
enum { KMEANS_BLOCK = 8192, KMEANS_MORE = 2048, KMEANS_ANSWERS = KMEANS_BLOCK + KMEANS_MORE };

/* What nobody has taken yet of a rank's tokens first .. of this step: elements from .. to - 1, from
   in the low half of left and to in the high one. */
typedef struct {
  _Alignas(64) _Atomic uint64_t left;
  int64_t first;
} KMeansShare;

/* A token of a step: which answer is its own, its number, its values, and where its nearest
   centroid is kept for the next pass (or NULL). */
typedef struct {
  int64_t answer, token;
  const float *x;
  int32_t *hint;
} KMeansToken;

enum { KMEANS_ITERATION, KMEANS_POSITION, KMEANS_FAR, KMEANS_ENDED, KMEANS_NUMBERS };
enum { KMEANS_GOES_ON, KMEANS_ITERATIONS, KMEANS_CONVERGED };

typedef struct {
  const Task *task;
  KMeansParams params;
  int64_t K, d, n; /* centroids, width, training tokens */
  int rank, size;
  Nodes *nodes;                    /* of the task's ranks */
  float *centroids, *previous;     /* [K x d] of this iteration and the one before; of the node */
  int64_t *all_sums;               /* [ranks of the node][K x d] in memory that they share */
  int64_t *sums;                   /* this rank's: its members so far, times 2^exponent */
  int64_t *counts;                 /* [K] */
  Exact objective;                 /* of this rank's tokens so far */
  double last;                     /* objective of the iteration before */
  int64_t number[KMEANS_NUMBERS];  /* where the run is; the same on every rank */
  double far_distance[FAR_TOKENS]; /* the farthest tokens so far, of all ranks */
  int64_t far_token[FAR_TOKENS];
  int exponent;
  Nearest *nearest;       /* of these centroids, or NULL */
  Directions *directions; /* of centroids of an earlier iteration, or NULL */
  int64_t prefix;         /* how many of them the last pilot found worth screening */
  bool moved;             /* whether the centroids are not those of nearest any more */
  KMeansShare *share;     /* [ranks of the node] in memory that they share */
  int32_t *hint;          /* [ranks of the node][hints] there too: nearest centroids of each rank's
                             first tokens, -1: not known */
  int64_t hints, ordinal; /* of those tokens, and which one begins this step */
  FarList *far;           /* this rank's of this step */
  int32_t *index, *guess; /* [KMEANS_ANSWERS] scratch, as all that follow */
  double *distance;
  KMeansToken *waiting; /* [KMEANS_ANSWERS] tokens whose answers are left to the end of a step */
  int64_t waits;        /* how many */
  float *rows;          /* [KMEANS_MORE x d] tokens of others, where there are any */
} KMeans;

/* KMeansStep - one block of tokens, and after the last one the new centroids. Collective. */
PetscErrorCode KMeansStep(KMeans *kmeans, StepReport *report);

/* KMeansPrepare - prepares the centroids, before this rank's token of that number in the pass;
   finds how to screen them where the pass is so long that it pays, some time after it was last
   done. Collective. */
PetscErrorCode KMeansPrepare(KMeans *kmeans, int64_t ordinal);

/* The nearest centroids in the pass before, to be read and written, of tokens at .. at + count - 1
   of the stretch that a rank of this node has in this step; NULL where there is no room. */
int32_t *kmeans_hints(const KMeans *kmeans, int rank, int64_t at, int64_t count);

/* KMeansAssign - assigns a block of tokens, of which the reader holds this rank's stretch, adds
   each to the sums of the rank that did it, and joins what is far. Collective. */
PetscErrorCode KMeansAssign(KMeans *kmeans, const Stretch *stretch);

/* The exponent q of the fixed-point sums over n training tokens: n M 2^q < 2^62, where no |x| of
   the view is above M; also M itself. */
int kmeans_exponent(const View *view, int64_t n, double *most);

/* KMeansGather - the training tokens token[0 .. count), normalised, on every rank: rows [count x
   d]. Collective; all ranks give the same list. */
PetscErrorCode KMeansGather(const Task *task, int64_t count, const int64_t *token, float *rows);

/* What a start is given. */
typedef struct {
  const Task *task;
  int64_t K, d, n;
  uint64_t seed;
} KMeansStart;

typedef struct {
  Entry entry;
  /* The first centroids C [K x d], the same on every rank and for any number of ranks. Collective.
   */
  PetscErrorCode (*start)(const KMeansStart *start, float *C);
} KMeansInit;

extern const Family kmeans_inits;

/* Points that centroids are drawn from: this rank's training tokens, or its part of rows in memory,
   with the squared distance of each to the nearest point drawn so far. */
typedef struct {
  const KMeansStart *start;
  int64_t n, first, count; /* points in all, and those of this rank */
  const float *rows;       /* [n x d] on every rank, or NULL: the training tokens */
  const int64_t *weight;   /* [n] of each point, or NULL: 1 */
  double *distance;        /* [count] */
  int32_t *near;           /* [count] number of the nearest drawn point */
  double quantum;          /* distances count in these units when points are drawn */
  bool begun;
  float *X; /* the tokens if they are few, else scratch */
  bool whole;
  int64_t *row;
  double *tile_distance;
  int32_t *tile_near;
} Pool;

/* PoolCreate - the distances of n points rows [n x d] to a set that is empty at first. PoolDestroy
   frees. Not collective. */
PetscErrorCode PoolCreate(const KMeansStart *start, int64_t n, const float *rows,
                          const int64_t *weight, Pool **pool);
PetscErrorCode PoolDestroy(Pool **pool);
/* PoolUpdate - count further points C [count x d] were drawn, numbered from base. Local. */
PetscErrorCode PoolUpdate(Pool *pool, int64_t count, const float *C, int64_t base);
/* PoolDraw - a point at random with probability as its weight times its squared distance (in whole
   units, so that any number of ranks draws the same); by weight alone while nothing was drawn, or
   when all distances are 0. Collective. */
PetscErrorCode PoolDraw(Pool *pool, uint64_t index, int64_t *point);
/* PoolPlusPlus - count points drawn one after another, each updating the distances: k-means++
   (Arthur and Vassilvitskii 2007). C [count x d]. Collective. */
PetscErrorCode PoolPlusPlus(Pool *pool, int64_t count, float *C);
