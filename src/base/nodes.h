/* What the two halves of shared memory have in common: who is where, and the pages in use. */
#pragma once
#include "base/shared.h"
#include <stdatomic.h>

enum { SUM_WORDS = 4096 }; /* of a rank's slot for sums */

/* The counters of a node's barrier, each in a cache line of its own. */
typedef struct {
  _Alignas(64) _Atomic unsigned arrived;
  _Alignas(64) _Atomic unsigned phase;
} Meeting;

typedef struct Segment {
  void *x;
  size_t bytes;
  struct Segment *next;
} Segment;

struct Nodes {
  MPI_Comm comm, node;
  int rank, size, node_rank, node_size, count, number;
  int *node_of, *place; /* [size] node of each rank, and its number there */
  int *first;           /* [count + 1] where each node's ranks start in members */
  int *members;         /* [size] ranks by node */
  MPI_Comm leaders;     /* the first rank of each node; else null */
  int spins;            /* before a waiting rank lets others run */
  bool refused;
  Segment *segments;
  Meeting *meeting;
  int64_t *slots; /* [2][node_size][SUM_WORDS] */
  int turn;       /* which half of the slots comes next */
};

/* MapTogether - the same pages on all ranks of the node; NULL on all of them where any cannot.
 * Collective on the node. */
PetscErrorCode MapTogether(const Nodes *nodes, size_t bytes, void **x);
