/* The parts of the search for nearest centroids, for the files src/compute/nearest*.c. */
#pragma once
#include "base/array.h"
#include "compute/backend.h"

#define BLOCK (16 * PANEL) /* tokens screened together: their panels stay in the cache */
#define LIST 32            /* candidates remembered for a token */
#define SETTLED 256        /* distances for a token before it goes on to finer screening */
#define FRONT 64           /* places remembered for a token behind a prefix */
#define CHUNK 128          /* groups that are screened by a prefix before the next step */
#define ROUNDING 0x1p-24   /* u: half a unit in the last place of float32 */

/* Screening goes from the cheap to the fine; tokens that one level cannot settle go to the next. */
enum { LEVEL_PREFIX, LEVEL_BYTES, LEVEL_WORDS, LEVEL_FLOATS, LEVELS };

/* Leading directions of the centroids. */
struct Directions {
  int64_t d, most;
  float *V;     /* [most x d] by falling variance */
  double delta; /* Frobenius norm of V V^T - 1, rounded up */
};

/* Vectors as whole numbers: those of the centroids, and room for those of a block of tokens. */
typedef struct {
  Nodes *nodes;                 /* of the ranks that share the centroids' part; or NULL */
  int bytes;                    /* of a number */
  int64_t d, length, steps, ld; /* elements; padded; groups of 4 bytes; bytes of a row */
  int64_t block;                /* elements mixed together */
  double theta;                 /* error of a vector before it is rounded, of its norm */
  double delta;        /* how far from orthonormal its directions are; 0 where all are there */
  char *rows;          /* [places][ld] */
  int32_t *init;       /* [places] */
  float *scale, *half; /* [places] */
  float *radius, *rest, *tail, *slack; /* [groups] largest of the group */
  float *sign;                         /* [d] */
  float *work;                         /* [length x PANEL] scratch from here on */
  uint32_t *panels;                    /* [BLOCK / PANEL][steps][PANEL] */
  float *unit, *reach, *span, *beyond; /* [BLOCK] */
} Grid;

/* The leading directions of the centroids, in front of a whole grid. */
typedef struct {
  Nodes *nodes; /* or NULL */
  int64_t p;
  Packed rows;    /* the directions, packed for scores */
  Grid *front;    /* of p elements */
  Grid *whole;    /* of d elements, which the prefix's candidates see next */
  char *token;    /* [BLOCK][whole->ld] */
  float *centred; /* [BATCH x d] */
  float *turned;  /* [BATCH x p] */
  int32_t *place; /* [BLOCK][list] */
  float *upper;   /* [BLOCK][list] */
  int32_t *dot;   /* [list] */
  int32_t *kept;  /* [BLOCK] */
  int32_t list;
  int32_t *whole_place; /* [places] the place in whole of a place in front */
  float *Y;             /* [K x p] turned centroids, by place in whole; of the node */
  float *left;          /* [K] what the directions leave of each, squared; of the node */
} Prefix;

/* Centred centroids and tokens in float32. */
typedef struct {
  double gamma;
  float *centred;        /* [groups][d][PANEL_ROWS] */
  float *half;           /* [groups][PANEL_ROWS] */
  float *radius, *slack; /* [groups] */
  float *panels;         /* [BLOCK / PANEL][d][PANEL] */
  float *reach, *room;   /* [BLOCK] */
} Floats;

/* Tokens on their way through a level. */
typedef struct {
  int64_t count;
  const float *x[2 * BLOCK];
  int64_t at[2 * BLOCK]; /* where the answer goes */
} Todo;

struct Nearest {
  const Kernels *kernels;
  Nodes *nodes; /* or NULL */
  int64_t K, d, groups, places;
  const float *C; /* [K x d] borrowed */
  float *mean;    /* [d] of the node */
  int32_t *order; /* [places] the centroid of a place, by distance from the mean; -1: none */
  double *norm;   /* [K] distance from the mean, rounded up, by place */
  double *apart;  /* [K] distance from the mean, by centroid; of the node */
  double eps, largest;
  int first;                    /* the numbers asked for */
  int level, whole;             /* the first one; the first one without a prefix */
  int32_t list, settled, limit; /* limits; limit is settled but for the last level */
  Grid *grid[LEVEL_FLOATS];     /* NULL before their first use */
  Directions *directions;       /* its own, or NULL */
  Prefix *prefix;
  Floats *floats;
  const int32_t *hint; /* of each answer's token, or NULL */
  bool begun;          /* answers are parts of the arrays below, until nearest_end */
  /* one block of tokens */
  Todo now, later[LEVELS];
  double square[BLOCK], size[BLOCK]; /* |x - mean|^2 as computed, |x - mean| rounded up */
  float room[BLOCK], low[BLOCK];     /* see nearest.c */
  bool out[BLOCK], wild[BLOCK];      /* goes on to the next level; to the last */
  int32_t kept[BLOCK], cost[BLOCK], seen[BLOCK]; /* listed; distances; places behind a prefix */
  int32_t *candidate;                            /* [BLOCK][list] */
  float *upper;                                  /* [BLOCK][list] */
  float *score;                                  /* [PANEL_ROWS][PANEL] */
  float *bound;                                  /* [PANEL] */
  /* answers */
  int32_t *index;
  double *distance;
};

static inline double above(double x)
{
  return x * (1 + 0x1p-18);
}

/* Lists, nearest_list.c. nearest_take notes the centroids of a group whose lanes are set for the
   tokens first .. first + PANEL - 1; nearest_settle compares what is listed for a token. */
void nearest_raise(Nearest *N, int64_t t, double distance);
void nearest_settle_one(Nearest *N, int64_t t, int32_t centroid);
void nearest_settle(Nearest *N, int64_t t);
void nearest_push(Nearest *N, int64_t t, int32_t place, float upper);
void nearest_take(Nearest *N, int64_t group, int64_t first, const uint64_t *lanes);

/* What the ranks of a node prepare together, nearest_share.c: this rank's part of n, in whole
   units; waiting for the others; n elements, all 0, of the node (NULL: of this rank). */
void nearest_part(const Nodes *nodes, int64_t n, int64_t unit, int64_t *first, int64_t *count);
PetscErrorCode NearestMeet(Nodes *nodes);
PetscErrorCode NearestArray(Nodes *nodes, int64_t n, size_t size, void **array);
PetscErrorCode NearestArrayDestroy(Nodes *nodes, void **array);
/* NearestSort - the numbers 0 .. n - 1 by rising key (0 or more), equal ones in order. */
PetscErrorCode NearestSort(int64_t n, const float *key, int32_t *order);

/* Levels: nearest_grid.c and nearest_floats.c. GridCentroids: collective where the grid has nodes.
 */
PetscErrorCode GridCreate(const Nearest *N, Nodes *nodes, int bytes, int64_t d, Grid **grid);
PetscErrorCode GridDestroy(Grid **grid);
PetscErrorCode GridCentroids(const Nearest *N, Grid *grid);
void grid_search(Nearest *N, Grid *grid);
/* Tokens of the block as numbers; a prefix's, from turned vectors. */
void grid_tokens(Nearest *N, Grid *grid);
void grid_put_tokens(Nearest *N, Grid *grid, int64_t first, int64_t count, const float *const *x,
                     const float *mean);
void grid_put_centroids(const Nearest *N, Grid *grid, int64_t first, int64_t count,
                        const float *const *x, const double *norm, const float *mean);
/* Screens one group against the block's tokens from first on, in a panel. */
bool grid_screen(Nearest *N, Grid *grid, int64_t group, int64_t first, uint64_t *lanes);
PetscErrorCode PrefixCreate(const Nearest *N, int64_t p, Prefix **prefix);
PetscErrorCode PrefixCentroids(const Nearest *N, const Directions *directions, Prefix *prefix);
PetscErrorCode PrefixDestroy(Prefix **prefix);
void prefix_search(Nearest *N, Prefix *prefix);
/* nearest_pilot.c */
/* Can directions be found? */
bool nearest_may_turn(const Nearest *N);
PetscErrorCode DirectionsCreate(const Nearest *N, Directions **directions);
PetscErrorCode FloatsCreate(const Nearest *N, Floats **floats);
PetscErrorCode FloatsDestroy(Floats **floats);
void floats_search(Nearest *N, Floats *floats);
