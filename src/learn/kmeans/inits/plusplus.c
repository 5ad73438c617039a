/* k-means++ (Arthur and Vassilvitskii, SODA 2007): each token is drawn with probability as its
   squared distance to those drawn before. One pass over the tokens for each centroid. */
#include "learn/kmeans.h"

static PetscErrorCode start(const KMeansStart *start, float *C)
{
  Pool *pool;
  PetscFunctionBegin;
  PetscCall(PoolCreate(start, start->n, NULL, NULL, &pool));
  PetscCall(PoolPlusPlus(pool, start->K, C));
  PetscCall(PoolDestroy(&pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const KMeansInit kmeans_init_plusplus = {
    .entry = {"plusplus",
              "tokens far from those drawn before are likelier; one pass for each centroid",
              "Arthur and Vassilvitskii 2007, SODA"},
    .start = start,
};
