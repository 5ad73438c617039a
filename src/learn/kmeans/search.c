/* The search for nearest centroids in the passes of k-means: centroids prepared by all ranks of a
   node, pilots that choose how to screen, and what the pass before found as a first guess. */
#include "learn/kmeans.h"
#include <string.h>

enum { HINTS = 1 << 16 }; /* at least */

/* Room for the nearest centroids of so many of this rank's tokens. They only shorten the next
   iteration's search, so they are no part of the state; they take little beside the centroids. */
static PetscErrorCode KeepHints(KMeans *K)
{
  PetscFunctionBegin;
  K->hints = min_i64(max_i64(HINTS, K->K * K->d / 8), K->n / K->size);
  PetscCall(ArrayCreate(K->hints, &K->hint));
  for (int64_t t = 0; t < K->hints; t++) K->hint[t] = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is a pilot due? In every iteration at first, then seldom: what it finds changes slowly. */
static bool due(const KMeans *K)
{
  const int64_t iteration = K->number[KMEANS_ITERATION];
  return !K->nearest || (iteration & (iteration - 1)) == 0;
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
  K->pilot = pilot && nearest_may_screen(K->nearest);
  if (pays && !K->pilot) PetscCall(NearestUsePrefix(K->nearest, K->directions, K->prefix));
  K->moved = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KMeansPilot(KMeans *K, int64_t tile, const float *X)
{
  PetscFunctionBegin;
  if (!K->pilot) PetscFunctionReturn(PETSC_SUCCESS);
  K->pilot = false;
  PetscCall(NearestPilot(K->nearest, tile / 12, X, 12 * K->d, &K->directions, &K->prefix));
  PetscCall(NearestUsePrefix(K->nearest, K->directions, K->prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KMeansSearch(KMeans *K, int64_t tile, const float *X)
{
  const bool known = K->ordinal + tile <= K->hints;
  PetscFunctionBegin;
  if (known) nearest_hint(K->nearest, K->hint + K->ordinal);
  K->task->view.kernels->nearest(tile, X, K->d, K->nearest, K->index, K->distance);
  if (known) memcpy(K->hint + K->ordinal, K->index, (size_t)tile * sizeof(*K->index));
  K->ordinal += tile;
  PetscFunctionReturn(PETSC_SUCCESS);
}
