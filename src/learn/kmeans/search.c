/* The search for nearest centroids in the passes of k-means: a pilot that chooses how to screen,
   and what the pass before found as a first guess. */
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

PetscErrorCode KMeansPrepare(KMeans *K, int64_t ordinal)
{
  const int64_t work = K->n / K->size * K->K;
  PetscFunctionBegin;
  K->ordinal = ordinal;
  if (!K->hint) PetscCall(KeepHints(K));
  if (K->nearest) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NearestCreate(K->task->view.kernels, K->K, K->d, K->centroids, &K->nearest));
  K->pilot = work >= ((int64_t)1 << 38) / K->d && work >= 300 * K->d * K->d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Chooses a prefix by every 12th token of the first tile. */
static PetscErrorCode Pilot(KMeans *K, int64_t tile, const float *X)
{
  int64_t prefix;
  PetscFunctionBegin;
  K->pilot = false;
  PetscCall(NearestPilot(K->nearest, tile / 12, X, 12 * K->d, &K->directions, &prefix));
  PetscCall(NearestUsePrefix(K->nearest, K->directions, prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode KMeansSearch(KMeans *K, int64_t tile, const float *X)
{
  const bool known = K->ordinal + tile <= K->hints;
  PetscFunctionBegin;
  if (K->pilot) PetscCall(Pilot(K, tile, X));
  if (known) nearest_hint(K->nearest, K->hint + K->ordinal);
  K->task->view.kernels->nearest(tile, X, K->d, K->nearest, K->index, K->distance);
  if (known) memcpy(K->hint + K->ordinal, K->index, (size_t)tile * sizeof(*K->index));
  K->ordinal += tile;
  PetscFunctionReturn(PETSC_SUCCESS);
}
