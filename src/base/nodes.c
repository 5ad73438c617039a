/* Who runs where, and how the ranks of a node wait for each other. */
#include "nodes.h"
#include "base/array.h"
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int nodes_count(const Nodes *nodes)
{
  return nodes->count;
}

int nodes_number(const Nodes *nodes)
{
  return nodes->number;
}

int nodes_rank(const Nodes *nodes)
{
  return nodes ? nodes->node_rank : 0;
}

int nodes_size(const Nodes *nodes)
{
  return nodes ? nodes->node_size : 1;
}

int nodes_of(const Nodes *nodes, int rank)
{
  return nodes->node_of[rank];
}

int nodes_peer(const Nodes *nodes, int node, int rank)
{
  const int first = nodes->first[node], size = nodes->first[node + 1] - first;
  return nodes->members[first + nodes->place[rank] % size];
}

MPI_Comm nodes_comm(const Nodes *nodes)
{
  return nodes->comm;
}

const char *nodes_word(const Nodes *nodes)
{
  return nodes->refused ? "private" : nodes->size == 1 ? "one rank" : "shared";
}

/* One look at the phase after the other: first at once, then letting others run, then asleep. */
static void pause_for(int64_t round, int spins)
{
  const struct timespec moment = {0, 50000};
  if (round < spins)
    __builtin_ia32_pause();
  else if (round < spins + 5000)
    sched_yield();
  else
    nanosleep(&moment, NULL);
}

PetscErrorCode NodesBarrier(Nodes *nodes)
{
  PetscFunctionBegin;
  if (nodes_size(nodes) == 1) PetscFunctionReturn(PETSC_SUCCESS);
  Meeting *meeting = nodes->meeting;
  const unsigned phase = atomic_load_explicit(&meeting->phase, memory_order_relaxed);
  if (atomic_fetch_add(&meeting->arrived, 1) + 1 == (unsigned)nodes->node_size) {
    atomic_store_explicit(&meeting->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&meeting->phase, phase + 1, memory_order_release);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int64_t round = 0; atomic_load_explicit(&meeting->phase, memory_order_acquire) == phase;
       round++)
    pause_for(round, nodes->spins);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number in [1, most] from the environment; most where it says nothing. */
static int node_ranks_wanted(int most)
{
  const char *text = getenv("ARDIS_NODE_RANKS");
  const long wanted = text ? strtol(text, NULL, 10) : 0;
  return wanted >= 1 && wanted < most ? (int)wanted : most;
}

/* The communicator of this rank's node: of at most `most` ranks. */
static PetscErrorCode SplitNode(Nodes *nodes, int most)
{
  MPI_Comm whole;
  int rank;

  PetscFunctionBegin;
  if (nodes->node != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&nodes->node));
  PetscCallMPI(
      MPI_Comm_split_type(nodes->comm, MPI_COMM_TYPE_SHARED, nodes->rank, MPI_INFO_NULL, &whole));
  PetscCallMPI(MPI_Comm_rank(whole, &rank));
  PetscCallMPI(MPI_Comm_split(whole, rank / most, rank, &nodes->node));
  PetscCallMPI(MPI_Comm_free(&whole));
  PetscCallMPI(MPI_Comm_rank(nodes->node, &nodes->node_rank));
  PetscCallMPI(MPI_Comm_size(nodes->node, &nodes->node_size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The counters and slots that the ranks of a node meet by; *good: memory can be shared. */
static PetscErrorCode Meet(Nodes *nodes, int *good)
{
  const size_t bytes = sizeof(Meeting) + (size_t)nodes->node_size * 2 * SUM_WORDS * sizeof(int64_t);
  void *x = NULL;

  PetscFunctionBegin;
  *good = 1;
  if (nodes->node_size > 1) {
    PetscCall(MapTogether(nodes, bytes, &x));
    *good = x != NULL;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, good, 1, MPI_INT, MPI_MIN, nodes->comm));
  if (!*good && x) munmap(x, bytes);
  if (*good && x) nodes->meeting = x, nodes->slots = (int64_t *)((char *)x + sizeof(Meeting));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who is where, in the order of the nodes' first ranks. */
static PetscErrorCode FindNodes(Nodes *nodes)
{
  int lead = nodes->rank, *leader;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(nodes->size, &nodes->node_of));
  PetscCall(ArrayCreate(nodes->size, &nodes->place));
  PetscCall(ArrayCreate(nodes->size, &nodes->members));
  PetscCall(ArrayCreate(nodes->size + 1, &nodes->first));
  PetscCall(ArrayCreate(nodes->size, &leader));
  PetscCallMPI(MPI_Bcast(&lead, 1, MPI_INT, 0, nodes->node));
  PetscCallMPI(MPI_Allgather(&lead, 1, MPI_INT, leader, 1, MPI_INT, nodes->comm));
  int at = 0;
  for (int r = 0; r < nodes->size; r++) {
    if (leader[r] != r) continue;
    nodes->first[nodes->count] = at;
    for (int q = r; q < nodes->size; q++) {
      if (leader[q] != r) continue;
      nodes->node_of[q] = nodes->count, nodes->place[q] = at - nodes->first[nodes->count];
      nodes->members[at++] = q;
    }
    nodes->count++;
  }
  nodes->first[nodes->count] = at;
  nodes->number = nodes->node_of[nodes->rank];
  PetscCallMPI(MPI_Comm_split(nodes->comm, nodes->node_rank ? MPI_UNDEFINED : 0, nodes->rank,
                              &nodes->leaders));
  PetscCall(ArrayDestroy(&leader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodesCreate(MPI_Comm comm, Nodes **out)
{
  int good;
  cpu_set_t cores;

  PetscFunctionBegin;
  Nodes *nodes = calloc(1, sizeof(*nodes));
  PetscCheck(nodes, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  nodes->node = nodes->leaders = MPI_COMM_NULL;
  PetscCallMPI(MPI_Comm_dup(comm, &nodes->comm));
  PetscCallMPI(MPI_Comm_rank(comm, &nodes->rank));
  PetscCallMPI(MPI_Comm_size(comm, &nodes->size));
  PetscCall(SplitNode(nodes, node_ranks_wanted(nodes->size)));
  PetscCall(Meet(nodes, &good));
  if (!good) {
    nodes->refused = true;
    PetscCall(SplitNode(nodes, 1));
  }
  PetscCall(FindNodes(nodes));
  const int online = (int)sysconf(_SC_NPROCESSORS_ONLN),
            mine = sched_getaffinity(0, sizeof(cores), &cores) ? online : CPU_COUNT(&cores);
  /* a rank bound to one core has it to itself */
  nodes->spins = online >= nodes->node_size && (mine == 1 || mine >= nodes->node_size) ? 2000 : 0;
  *out = nodes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodesDestroy(Nodes **nodes)
{
  Nodes *old = *nodes;

  PetscFunctionBegin;
  if (!old) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!old->segments, PETSC_COMM_SELF, PETSC_ERR_ORDER, "shared arrays are still there");
  if (old->meeting)
    munmap(old->meeting,
           sizeof(Meeting) + (size_t)old->node_size * 2 * SUM_WORDS * sizeof(int64_t));
  PetscCallMPI(MPI_Comm_free(&old->node));
  if (old->leaders != MPI_COMM_NULL) PetscCallMPI(MPI_Comm_free(&old->leaders));
  PetscCallMPI(MPI_Comm_free(&old->comm));
  PetscCall(ArrayDestroy(&old->node_of));
  PetscCall(ArrayDestroy(&old->place));
  PetscCall(ArrayDestroy(&old->members));
  PetscCall(ArrayDestroy(&old->first));
  free(old);
  *nodes = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums over the ranks of this node, of n <= SUM_WORDS numbers, on its first rank (*sum: on all,
 * where it is the only node). Two halves of slots take turns: who writes one half has passed the
 * barrier after which the others read the other, and they have read this one before it. */
static PetscErrorCode SumNode(Nodes *nodes, int64_t n, const int64_t *slots, int64_t *values)
{
  PetscFunctionBegin;
  PetscCall(NodesBarrier(nodes));
  if (nodes->count > 1 && nodes->node_rank) PetscFunctionReturn(PETSC_SUCCESS);
  memset(values, 0, (size_t)n * sizeof(*values));
  for (int r = 0; r < nodes->node_size; r++)
    for (int64_t i = 0; i < n; i++) values[i] += slots[r * SUM_WORDS + i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SumFew(Nodes *nodes, int64_t n, int64_t *values)
{
  int64_t *slots = nodes->slots + (int64_t)nodes->turn * nodes->node_size * SUM_WORDS;
  const bool meet = nodes->node_size > 1;

  PetscFunctionBegin;
  nodes->turn = !nodes->turn;
  if (meet) {
    memcpy(slots + nodes->node_rank * SUM_WORDS, values, (size_t)n * sizeof(*values));
    PetscCall(SumNode(nodes, n, slots, values));
  }
  if (nodes->count == 1) PetscFunctionReturn(PETSC_SUCCESS);
  if (nodes->node_rank == 0)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_INT64_T, MPI_SUM, nodes->leaders));
  if (meet) {
    if (nodes->node_rank == 0) memcpy(slots, values, (size_t)n * sizeof(*values));
    PetscCall(NodesBarrier(nodes));
    memcpy(values, slots, (size_t)n * sizeof(*values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NodesSum(Nodes *nodes, int64_t n, int64_t *values)
{
  PetscFunctionBegin;
  for (int64_t first = 0; first < n; first += SUM_WORDS)
    PetscCall(SumFew(nodes, min_i64(SUM_WORDS, n - first), values + first));
  PetscFunctionReturn(PETSC_SUCCESS);
}
