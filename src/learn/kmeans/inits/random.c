/* Distinct training tokens drawn at random. */
#include "learn/kmeans.h"
#include "base/random.h"

static PetscErrorCode start(const KMeansStart *start, float *C)
{
  int64_t *token;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(start->K, &token));
  for (int64_t j = 0; j < start->K; j++)
    token[j] = random_permuted(start->seed, RANDOM_CENTROIDS, 0, start->n, j);
  PetscCall(KMeansGather(start->task, start->K, token, C));
  PetscCall(ArrayDestroy(&token));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const KMeansInit kmeans_init_random = {
    .entry = {"random", "distinct training tokens drawn at random"},
    .start = start,
};
