/* The search for nearest centroids in the passes of k-means: centroids prepared by all ranks of a
   node, pilots that choose how to screen, and what the pass before found as a first guess. */
#include "learn/kmeans.h"

enum { HINTS = 1 << 16, PILOT = 256 }; /* at least; tokens of a pilot */

/* Room for the nearest centroids of so many of each rank's tokens. They only shorten the next
   iteration's search, so they are no part of the state; they take little beside the centroids. */
static PetscErrorCode KeepHints(KMeans *K)
{
  PetscFunctionBegin;
  K->hints = min_i64(max_i64(HINTS, K->K * K->d / 8), K->n / K->size);
  PetscCall(SharedCreate(K->nodes, nodes_size(K->nodes) * K->hints, &K->hint));
  int32_t *own = K->hint + nodes_rank(K->nodes) * K->hints;
  for (int64_t t = 0; t < K->hints; t++) own[t] = -1;
  PetscCall(NodesBarrier(K->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a pilot due? In every iteration at first, then seldom: what it finds changes slowly. */
static bool due(const KMeans *K)
{
  const int64_t iteration = K->number[KMEANS_ITERATION];
  return !K->nearest || (iteration & (iteration - 1)) == 0;
}

/* Looks how to screen by tokens from everywhere, the same for any number of ranks. */
static PetscErrorCode Pilot(KMeans *K)
{
  const int64_t all = min_i64(PILOT, K->n);
  int64_t first, count, row[PILOT];
  float *X;
  PetscFunctionBegin;
  part_of(all, 1, K->rank, K->size, &first, &count);
  for (int64_t t = 0; t < count; t++)
    row[t] = split_row(K->task->view.split, false, (first + t) * K->n / all);
  PetscCall(ArrayScratch(count * K->d, &X));
  PetscCall(ViewRead(&K->task->view, count, row, X));
  PetscCall(NearestPilot(K->nearest, count, X, K->d, &K->directions, &K->prefix));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KMeansPrepare(KMeans *K, int64_t ordinal)
{
  const NearestWay way = {.first = NEAREST_BEST, .nodes = K->nodes};
  const int64_t work = K->n / K->size * K->K;
  const bool pays = work >= ((int64_t)1 << 38) / K->d && work >= 300 * K->d * K->d;
  PetscFunctionBegin;
  K->ordinal = ordinal;
  if (!K->hint) PetscCall(KeepHints(K));
  if (K->nearest && !K->moved) PetscFunctionReturn(PETSC_SUCCESS);
  const bool pilot = pays && due(K);
  if (!K->nearest)
    PetscCall(NearestCreateAs(K->task->view.kernels, K->K, K->d, K->centroids, &way, &K->nearest));
  else
    PetscCall(NearestRenew(K->nearest));
  if (pilot && nearest_may_screen(K->nearest)) PetscCall(Pilot(K));
  if (pays) PetscCall(NearestUsePrefix(K->nearest, K->directions, K->prefix));
  K->moved = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int32_t *kmeans_hints(const KMeans *K, int rank, int64_t at, int64_t count)
{
  if (K->ordinal + at + count > K->hints) return NULL;
  return K->hint + rank * K->hints + K->ordinal + at;
}
