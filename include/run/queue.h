/* The job is split into groups of ranks; groups take items from one queue, and orders (save, stop)
   that any rank was sent reach all of them. Rank 0 of the world keeps the queue and answers between
   its own steps. */
#pragma once
#include "run/signals.h"

typedef struct Queue Queue;

/* QueueCreate - splits world into groups (at most its size) for items 0 .. items - 1, handed out in
 * that order. Collective on world. */
PetscErrorCode QueueCreate(MPI_Comm world, int groups, int64_t items, Queue **queue);
MPI_Comm queue_comm(const Queue *queue); /* this rank's group */
bool queue_leads(const Queue *queue);    /* rank 0 of its group */
int64_t queue_given(const Queue *queue); /* items handed out so far, as far as this rank knows
                                            (world's rank 0: all) */
/* QueueNext - the next item for this group, -1: none is left, or a stop was ordered. Collective on
 * the group. */
PetscErrorCode QueueNext(Queue *queue, int64_t *item);
/* QueuePoll - between steps: the signals that any rank was sent, and ORDER_SAVE for this group
 *alone where one of its ranks finds a save due; orders is the same on every rank of the group.
 *Collective on the group. */
PetscErrorCode QueuePoll(Queue *queue, bool due, int *orders);
/* QueueStop - orders all groups to save and stop, as a signal would. Collective on the group. */
PetscErrorCode QueueStop(Queue *queue);
/* QueueDestroy - waits until all groups are done. *orders: what was ordered during its life, the
 * same on all ranks. Collective on world. */
PetscErrorCode QueueDestroy(Queue **queue, int *orders);
