/* The route `allreduce`: each rank has summed its own leaves for all atoms; here the sums become
   those of the whole batch, each atom's on the rank that owns it. The tree over leaves is joined
   first as far as a rank's leaves go, then as far as a node's, then over nodes, always as
   docs/numerics.md section 1 says. */
#include "base/array.h"
#include "batch.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TAG = 1000 };

/* Sums of one part of the tree for all atoms, or for some. */
typedef struct {
  float *x;
  int64_t atoms;
} Sums;

struct SAEReduce {
  AtomSet atoms;         /* that the sums are for */
  int64_t leaves, space; /* of this batch, and there is room for */
  TreePart *rank_part, *node_part;
  int64_t rank_parts, node_parts;
  int *owner; /* [leaves] scratch, as the next three */
  int64_t *left, *right;
  Sums *sums;  /* [node_parts] */
  float *slot; /* [slots][m (d + inputs + SUMS - 2)] the parts of this node's ranks, once on the
                  node */
  int64_t slots;
  unsigned wanted; /* as in SAESums */
  float *got; /* [node_parts][rows (d + inputs + SUMS - 2)] from other nodes, for the atoms here */
  int64_t got_space;
};

static int64_t segment_cols(const SAE *sae, int s)
{
  return s == SUM_GD ? sae->d : s == SUM_GE ? sae->inputs : 1;
}

static float *segment(const SAE *sae, Sums sums, int s, int64_t atom)
{
  const int64_t before = s < 2 ? s * sae->d : sae->d + sae->inputs + s - 2;
  return sums.x + before * sums.atoms + atom * segment_cols(sae, s);
}

/* Numbers of an atom. */
static int64_t atom_size(const SAE *sae)
{
  return sae->d + sae->inputs + SUMS - 2;
}

static int64_t slot_size(const SAE *sae)
{
  return (sae->m * atom_size(sae) + 15) / 16 * 16;
}

PetscErrorCode ReduceDestroy(SAE *sae)
{
  SAEReduce *reduce = sae->batch->reduce;

  PetscFunctionBegin;
  if (!reduce) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SharedDestroy(sae->nodes, &reduce->slot));
  void **arrays[] = {(void **)&reduce->rank_part, (void **)&reduce->node_part,
                     (void **)&reduce->owner,     (void **)&reduce->left,
                     (void **)&reduce->right,     (void **)&reduce->sums,
                     (void **)&reduce->got};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscCall(ArrayDestroy(&sae->batch->reduce));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(SAE *sae)
{
  SAEReduce *reduce;
  const int64_t most = route_leaves(sae->params.batch);

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &sae->batch->reduce));
  reduce = sae->batch->reduce;
  PetscCall(ArrayCreate(most, &reduce->rank_part));
  PetscCall(ArrayCreate(most, &reduce->node_part));
  PetscCall(ArrayCreate(most, &reduce->owner));
  PetscCall(ArrayCreate(most, &reduce->left));
  PetscCall(ArrayCreate(most, &reduce->right));
  PetscCall(ArrayCreate(most, &reduce->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Who has which part of the tree in this batch, and room for what this rank will hold. */
static PetscErrorCode LayOut(SAE *sae)
{
  SAEReduce *reduce = sae->batch->reduce;
  int64_t slots = 0;

  PetscFunctionBegin;
  reduce->leaves = route_leaves(sae->batch->b);
  for (int r = 0; r < sae->size; r++) {
    int64_t first, count;
    part_of(reduce->leaves, 1, r, sae->size, &first, &count);
    for (int64_t l = first; l < first + count; l++) reduce->owner[l] = r;
  }
  reduce->rank_parts = tree_parts(reduce->leaves, reduce->owner, reduce->rank_part);
  for (int64_t l = 0; l < reduce->leaves; l++)
    reduce->owner[l] = nodes_of(sae->nodes, reduce->owner[l]);
  reduce->node_parts = tree_parts(reduce->leaves, reduce->owner, reduce->node_part);
  for (int64_t i = 0; i < reduce->rank_parts; i++)
    slots += nodes_of(sae->nodes, reduce->rank_part[i].owner) == nodes_number(sae->nodes);
  if (slots > reduce->slots) {
    PetscCall(SharedDestroy(sae->nodes, &reduce->slot));
    PetscCall(SharedCreate(sae->nodes, slots * slot_size(sae), &reduce->slot));
    reduce->slots = slots;
  }
  const int64_t got =
      nodes_count(sae->nodes) > 1 ? reduce->node_parts * sae->rows * atom_size(sae) : 0;
  if (got > reduce->got_space) {
    PetscCall(ArrayDestroy(&reduce->got));
    PetscCall(ArrayCreate(got, &reduce->got));
    reduce->got_space = got;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The sums of the i-th part of ranks, which must be of this node. */
static Sums slot_of(const SAE *sae, int64_t i)
{
  const SAEReduce *reduce = sae->batch->reduce;
  int64_t slot = 0;
  for (int64_t p = 0; p < i; p++)
    slot += nodes_of(sae->nodes, reduce->rank_part[p].owner) == nodes_number(sae->nodes);
  return (Sums){reduce->slot + slot * slot_size(sae), reduce->atoms.count};
}

/* This rank's parts, each summed for all atoms. */
static PetscErrorCode SumParts(SAE *sae, const SAETerm *own)
{
  SAEBatch *batch = sae->batch;
  const SAEReduce *reduce = batch->reduce;
  const int64_t atoms = reduce->atoms.count;

  PetscFunctionBegin;
  for (int64_t i = 0; i < reduce->rank_parts; i++) {
    const TreePart *part = &reduce->rank_part[i];
    if (part->owner != sae->rank) continue;
    const Sums to = slot_of(sae, i);
    const int64_t from = part->first * LEAF_TOKENS - batch->first,
                  count = min_i64(part->count * LEAF_TOKENS, batch->b - part->first * LEAF_TOKENS);
    const Codes codes = {.rows = count,
                         .start = own->codes->start + from,
                         .atom = own->codes->atom,
                         .value = own->codes->value};
    const SAETerm term = {
        &codes, own->g, own->own, own->e + from * sae->d, own->in + from * sae->inputs, own->picks};
    SAESums sums = {reduce->wanted, {NULL}};
    for (int k = 0; k < SUMS; k++)
      if (sums_want(&sums, k)) sums.to[k] = segment(sae, to, k, 0);
    PetscCall(BatchSums(sae, &term, 0, atoms, &sums));
    float *fired = sums.to[SUM_FIRED];
    if (!fired) continue;
    memset(fired, 0, (size_t)atoms * sizeof(*fired));
    for (int64_t q = codes.start[0]; q < codes.start[count]; q++)
      if (codes.value[q] != 0) fired[codes.atom[q]] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to [count] = the sum of two, or of one where b is NULL. */
static void add(int64_t count, const float *a, const float *b, float *to)
{
  if (!b && a != to && count) memcpy(to, a, (size_t)count * sizeof(*to));
  for (int64_t i = 0; b && i < count; i++) to[i] = a[i] + b[i];
}

/* Inside each part of this node's the parts of its ranks are joined; its ranks share the atoms. The
 * sum is left where the first was. */
static PetscErrorCode JoinNode(SAE *sae)
{
  SAEReduce *reduce = sae->batch->reduce;
  int64_t first, rows;

  PetscFunctionBegin;
  part_of(reduce->atoms.count, 1, nodes_rank(sae->nodes), nodes_size(sae->nodes), &first, &rows);
  for (int64_t n = 0, at = 0; n < reduce->node_parts; n++) {
    const TreePart *whole = &reduce->node_part[n];
    const int64_t begin = at;
    while (at < reduce->rank_parts && reduce->rank_part[at].first < whole->first + whole->count)
      at++;
    if (whole->owner != nodes_number(sae->nodes)) continue;
    reduce->sums[n] = slot_of(sae, begin);
    const int64_t joins = tree_joins(reduce->leaves, at - begin, reduce->rank_part + begin,
                                     reduce->left, reduce->right);
    for (int64_t j = 0; j < joins; j++) {
      const Sums to = slot_of(sae, begin + reduce->left[j]),
                 from = slot_of(sae, begin + reduce->right[j]);
      for (int s = 0; s < SUMS; s++)
        if (reduce->wanted >> s & 1)
          add(rows * segment_cols(sae, s), segment(sae, to, s, first), segment(sae, from, s, first),
              segment(sae, to, s, first));
    }
  }
  PetscCall(NodesBarrier(sae->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The messages of one part of the tree: from its node, for the atoms of rank `owner`. */
static PetscErrorCode Pass(SAE *sae, int64_t n, bool send, int other, int owner,
                           MPI_Request *request, int *requests)
{
  const Sums sums = sae->batch->reduce->sums[n];
  const int64_t *starts = sae->batch->reduce->atoms.starts, first = starts[owner],
                rows = starts[owner + 1] - first;
  const MPI_Comm comm = nodes_comm(sae->nodes);

  PetscFunctionBegin;
  for (int s = 0; s < SUMS; s++) {
    const int64_t count = rows * segment_cols(sae, s);
    const int tag = TAG + SUMS * (int)n + s;
    PetscCheck(count < INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
               "%lld numbers are too many for a message; take more ranks", (long long)count);
    if (!(sae->batch->reduce->wanted >> s & 1)) continue;
    float *x = segment(sae, sums, s, send ? first : 0);
    if (send)
      PetscCallMPI(MPI_Isend(x, (int)count, MPI_FLOAT, other, tag, comm, &request[(*requests)++]));
    else
      PetscCallMPI(MPI_Irecv(x, (int)count, MPI_FLOAT, other, tag, comm, &request[(*requests)++]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each rank gets the sums of its atoms from the other nodes. */
static PetscErrorCode PassNodes(SAE *sae)
{
  SAEReduce *reduce = sae->batch->reduce;
  const Nodes *nodes = sae->nodes;
  const int64_t rows = reduce->atoms.rows, most = SUMS * reduce->node_parts * sae->size;
  MPI_Request *request;
  int requests = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(most, &request));
  for (int64_t n = 0; n < reduce->node_parts; n++) {
    const int node = reduce->node_part[n].owner;
    if (node != nodes_number(nodes)) {
      reduce->sums[n] = (Sums){reduce->got + n * rows * atom_size(sae), rows};
      PetscCall(
          Pass(sae, n, false, nodes_peer(nodes, node, sae->rank), sae->rank, request, &requests));
    }
  }
  for (int64_t n = 0; n < reduce->node_parts; n++)
    for (int r = 0; r < sae->size && reduce->node_part[n].owner == nodes_number(nodes); r++)
      if (nodes_of(nodes, r) != nodes_number(nodes) &&
          nodes_peer(nodes, nodes_number(nodes), r) == sae->rank)
        PetscCall(Pass(sae, n, true, r, r, request, &requests));
  PetscCallMPI(MPI_Waitall(requests, request, MPI_STATUSES_IGNORE));
  PetscCall(ArrayDestroy(&request));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is left of the tree, for the atoms here: parts [count] with their sums. */
static void join_atoms(SAE *sae, int64_t count, const TreePart *part, float *const to[SUMS])
{
  SAEReduce *reduce = sae->batch->reduce;
  const AtomSet *atoms = &reduce->atoms;
  const int64_t joins = tree_joins(reduce->leaves, count, part, reduce->left, reduce->right);
  for (int s = 0; s < SUMS; s++) {
    const int64_t numbers = atoms->rows * segment_cols(sae, s);
    if (!(reduce->wanted >> s & 1)) continue;
    for (int64_t j = 0; j < joins || j == 0; j++) {
      const Sums a = reduce->sums[joins ? reduce->left[j] : 0],
                 b = reduce->sums[joins ? reduce->right[j] : 0];
      float *x = segment(sae, a, s, a.atoms == atoms->count ? atoms->first : 0);
      const float *y =
          joins ? segment(sae, b, s, b.atoms == atoms->count ? atoms->first : 0) : NULL;
      add(numbers, x, y, j + 1 >= joins ? to[s] : x);
    }
  }
}

PetscErrorCode BatchReduce(SAE *sae, const SAETerm *own, const AtomSet *atoms, const SAESums *sums)
{
  float *const *to = sums->to;

  PetscFunctionBegin;
  if (!sae->batch->reduce) PetscCall(Create(sae));
  SAEReduce *reduce = sae->batch->reduce;
  reduce->atoms = *atoms;
  reduce->wanted = sums->wanted;
  PetscCall(LayOut(sae));
  if (own) PetscCall(SumParts(sae, own));
  PetscCall(NodesBarrier(sae->nodes));
  if (nodes_count(sae->nodes) == 1) {
    for (int64_t i = 0; i < reduce->rank_parts; i++) reduce->sums[i] = slot_of(sae, i);
    join_atoms(sae, reduce->rank_parts, reduce->rank_part, to);
  } else {
    PetscCall(JoinNode(sae));
    PetscCall(PassNodes(sae));
    join_atoms(sae, reduce->node_parts, reduce->node_part, to);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
