/* Memory that lives once on a node, and what ranks give each other through it: the ranks of a
   communicator that run on one node map the same pages, so that an array read by all is there once
   and what one rank writes the others need not receive. Between nodes whole rows go as messages. */
#pragma once
#include "base/error.h"

/* How the ranks of a communicator lie on nodes. */
typedef struct Nodes Nodes;

/*
  NodesCreate - finds which ranks share memory, and prepares for it

  Collective on comm. Where memory cannot be shared (no memfd, another process namespace), each
  rank counts as a node of its own: arrays are private copies then, kept alike by messages. The
  environment ARDIS_NODE_RANKS=N makes nodes of at most N ranks, to try on one machine what happens
  on several. NodesDestroy takes NULL too, after every shared array was destroyed.
*/
PetscErrorCode NodesCreate(MPI_Comm comm, Nodes **nodes);
PetscErrorCode NodesDestroy(Nodes **nodes);

/* Nodes of the communicator; this rank's node, its number among the ranks there, and how many those
 * are (nodes NULL: this rank alone); the node of any rank. */
int nodes_count(const Nodes *nodes);
int nodes_number(const Nodes *nodes);
int nodes_rank(const Nodes *nodes);
int nodes_size(const Nodes *nodes);
int nodes_of(const Nodes *nodes, int rank);
/* The rank of a node that answers to a rank of another one, for messages between nodes; they go
 * over a communicator of their own. */
int nodes_peer(const Nodes *nodes, int node, int rank);
MPI_Comm nodes_comm(const Nodes *nodes);
/* In a word for the manifest: "one rank", "shared", "private" (it was refused). */
const char *nodes_word(const Nodes *nodes);

/*
  SharedCreate (SharedCreateBytes) - n elements, all 0, that all ranks of this node see; aligned to
  64 bytes at least

  Collective on the node; nodes NULL: for this rank alone. Pages are made where they are first
  written, so that each rank should write its own part first. Huge pages are asked for. Errors:
  PETSC_ERR_MEM. SharedDestroy (SharedDestroyBytes, collective on the node) takes what SharedCreate
  gave, or NULL.
*/
PetscErrorCode SharedCreateBytes(Nodes *nodes, int64_t n, size_t size, void **array);
PetscErrorCode SharedDestroyBytes(Nodes *nodes, void **array);
#define SharedCreate(nodes, n, array)                                                              \
  SharedCreateBytes((nodes), (n), sizeof(**(array)), (void **)(array))
#define SharedDestroy(nodes, array) SharedDestroyBytes((nodes), (void **)(array))

/* NodesBarrier - what any rank of this node wrote before is seen by all of them after. Collective
 * on the node; no message. */
PetscErrorCode NodesBarrier(Nodes *nodes);

/* A shared array of which each rank of the communicator has written its rows start[r] .. start[r +
 * 1] - 1, of so many bytes each. */
typedef struct {
  void *x;
  int64_t bytes;
  const int64_t *start; /* [ranks + 1] */
} SharedRows;

/*
  SharedExchange - makes all rows of count arrays known on every node

  Collective on the communicator. On one node no more than a barrier. Else each rank sends its rows
  to one rank of every other node. Nobody may still read the rows that others write: a NodesSum (or
  another exchange) must lie between the last reading and the first writing.
*/
PetscErrorCode SharedExchange(Nodes *nodes, int count, const SharedRows *arrays);

/*
  NodesSum - sums of n whole numbers over all ranks, in place; every rank gets them

  Collective on the communicator. No rank leaves before all have come (n above 0).
*/
PetscErrorCode NodesSum(Nodes *nodes, int64_t n, int64_t *values);
