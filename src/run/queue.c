/* The queue of items and the channel for orders. Messages go between the leaders of groups and rank
 * 0 of the world, which is one of them. */
#include "run/queue.h"
#include <stdlib.h>
#include <time.h>

enum { TAG_REQUEST = 11, TAG_GRANT, TAG_SIGNAL, TAG_ORDER };

struct Queue {
  MPI_Comm world, group;
  int rank, size, groups, group_rank;
  int *leader; /* [groups] world rank of each leader */
  int64_t items, next;
  int orders, told; /* known so far; what the others were told (keeper) */
  int waiting;      /* keeper: leaders that have not been told that nothing is left */
};

PetscErrorCode QueueCreate(MPI_Comm world, int groups, int64_t items, Queue **out)
{
  PetscFunctionBegin;
  Queue *queue = calloc(1, sizeof(*queue));
  PetscCheck(queue, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  PetscCallMPI(MPI_Comm_dup(world, &queue->world));
  PetscCallMPI(MPI_Comm_rank(world, &queue->rank));
  PetscCallMPI(MPI_Comm_size(world, &queue->size));
  queue->groups = groups < 1 ? 1 : groups > queue->size ? queue->size : groups;
  queue->items = items;
  const int colour = (int)((int64_t)queue->rank * queue->groups / queue->size);
  PetscCallMPI(MPI_Comm_split(world, colour, queue->rank, &queue->group));
  PetscCallMPI(MPI_Comm_rank(queue->group, &queue->group_rank));
  queue->leader = calloc((size_t)queue->groups, sizeof(*queue->leader));
  for (int r = queue->size - 1; r >= 0; r--)
    queue->leader[(int64_t)r * queue->groups / queue->size] = r;
  queue->waiting = queue->groups - 1;
  *out = queue;
  PetscFunctionReturn(PETSC_SUCCESS);
}

MPI_Comm queue_comm(const Queue *queue)
{
  return queue->group;
}

bool queue_leads(const Queue *queue)
{
  return queue->group_rank == 0;
}

int64_t queue_given(const Queue *queue)
{
  return queue->next;
}

static int64_t take(Queue *queue)
{
  return (queue->orders & ORDER_STOP) || queue->next >= queue->items ? -1 : queue->next++;
}

/* The keeper tells the other leaders of orders they do not know. A save is told each time, a stop
 * once. */
static PetscErrorCode Tell(Queue *queue, int orders)
{
  PetscFunctionBegin;
  queue->orders |= orders;
  const int fresh = orders & ~(queue->told & ORDER_STOP);
  if (!fresh) PetscFunctionReturn(PETSC_SUCCESS);
  queue->told |= fresh;
  for (int g = 1; g < queue->groups; g++)
    PetscCallMPI(MPI_Send(&fresh, 1, MPI_INT, queue->leader[g], TAG_ORDER, queue->world));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The keeper answers whatever has come; *orders gets the orders among it. */
static PetscErrorCode Answer(Queue *queue, int *orders)
{
  int there = 1;

  PetscFunctionBegin;
  while (there) {
    MPI_Status status;
    int value;
    PetscCallMPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, queue->world, &there, &status));
    if (!there) break;
    PetscCallMPI(MPI_Recv(&value, 1, MPI_INT, status.MPI_SOURCE, status.MPI_TAG, queue->world,
                          MPI_STATUS_IGNORE));
    if (status.MPI_TAG == TAG_REQUEST) {
      const int64_t item = take(queue);
      queue->waiting -= item < 0;
      PetscCallMPI(MPI_Send(&item, 1, MPI_INT64_T, status.MPI_SOURCE, TAG_GRANT, queue->world));
    } else {
      *orders |= value;
      PetscCall(Tell(queue, value));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A leader that does not keep the queue takes in the orders that have come. */
static PetscErrorCode TakeOrders(Queue *queue, int *orders)
{
  int there = 1;

  PetscFunctionBegin;
  while (there) {
    int value;
    PetscCallMPI(MPI_Iprobe(0, TAG_ORDER, queue->world, &there, MPI_STATUS_IGNORE));
    if (!there) break;
    PetscCallMPI(MPI_Recv(&value, 1, MPI_INT, 0, TAG_ORDER, queue->world, MPI_STATUS_IGNORE));
    *orders |= value;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode QueueNext(Queue *queue, int64_t *item)
{
  PetscFunctionBegin;
  if (queue->rank == 0) {
    int orders = 0;
    PetscCall(Answer(queue, &orders));
    *item = take(queue);
  } else if (queue_leads(queue)) {
    const int nothing = 0;
    PetscCallMPI(MPI_Send(&nothing, 1, MPI_INT, 0, TAG_REQUEST, queue->world));
    PetscCallMPI(MPI_Recv(item, 1, MPI_INT64_T, 0, TAG_GRANT, queue->world, MPI_STATUS_IGNORE));
    if (*item >= 0) queue->next = *item + 1;
  }
  PetscCallMPI(MPI_Bcast(item, 1, MPI_INT64_T, 0, queue->group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode QueuePoll(Queue *queue, bool due, int *orders)
{
  int come = 0, mine[2], all[2];

  PetscFunctionBegin;
  if (queue->rank == 0)
    PetscCall(Answer(queue, &come));
  else if (queue_leads(queue))
    PetscCall(TakeOrders(queue, &come));
  mine[0] = signals_seen(), mine[1] = come | (due ? ORDER_SAVE : 0);
  PetscCallMPI(MPI_Allreduce(mine, all, 2, MPI_INT, MPI_BOR, queue->group));
  const int news = all[0] & ~(queue->orders & ORDER_STOP);
  if (news && queue->rank == 0) PetscCall(Tell(queue, news));
  if (news && queue->rank && queue_leads(queue))
    PetscCallMPI(MPI_Send(&news, 1, MPI_INT, 0, TAG_SIGNAL, queue->world));
  queue->orders |= all[0] | all[1];
  *orders = all[0] | all[1] | (queue->orders & ORDER_STOP);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode QueueStop(Queue *queue)
{
  const int stop = ORDER_STOP;

  PetscFunctionBegin;
  if (queue->rank == 0) PetscCall(Tell(queue, stop));
  if (queue->rank && queue_leads(queue))
    PetscCallMPI(MPI_Send(&stop, 1, MPI_INT, 0, TAG_SIGNAL, queue->world));
  queue->orders |= stop;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode QueueDestroy(Queue **queue, int *orders)
{
  Queue *old = *queue;
  const struct timespec moment = {0, 1000000};
  int end = 0;

  PetscFunctionBegin;
  if (old->rank == 0) {
    while (old->waiting > 0) { /* the other groups still work */
      int come = 0;
      const int signals = signals_seen();
      PetscCall(Answer(old, &come));
      if (signals) PetscCall(Tell(old, signals));
      nanosleep(&moment, NULL);
    }
    for (int g = 1; g < old->groups; g++)
      PetscCallMPI(MPI_Send(&end, 1, MPI_INT, old->leader[g], TAG_ORDER, old->world));
  } else if (queue_leads(old)) {
    int value = -1;
    while (value)
      PetscCallMPI(MPI_Recv(&value, 1, MPI_INT, 0, TAG_ORDER, old->world, MPI_STATUS_IGNORE));
  }
  int all = old->orders | signals_seen();
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_BOR, old->world));
  *orders = all;
  PetscCallMPI(MPI_Comm_free(&old->group));
  PetscCallMPI(MPI_Comm_free(&old->world));
  free(old->leader);
  free(old);
  *queue = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
