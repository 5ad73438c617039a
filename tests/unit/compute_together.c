/* Centroids that ranks prepare together answer as those that each prepares alone, and as a brute
   force: with nodes of 1, 2 and all ranks, with and without a prefix, after the centroids have
   moved in their memory, with fewer panels than ranks, and with a rank that brings no token to a
   pilot.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "base/array.h"
#include "base/random.h"
#include "base/shared.h"
#include "compute/backend.h"
#include <stdlib.h>

enum { D = 192, MOST = 1300, N = 150, ROUNDS = 3 };

/* Few directions carry most of it, so that a prefix pays. */
static void fill(int64_t rows, uint64_t seed, float *x)
{
  for (int64_t i = 0; i < rows * D; i++) {
    const double u = (double)random_bits(seed, RANDOM_SAMPLE, (uint64_t)i).word[0] * 0x1p-32 - 0.5;
    x[i] = (float)(u * (i % D < 24 ? 30 : 1) + 2);
  }
}

static int32_t brute(const Kernels *kernels, int64_t K, const float *C, const float *x,
                     double *least)
{
  int32_t best = 0;
  *least = INFINITY;
  for (int64_t j = 0; j < K; j++) {
    const double e = kernels->distance64(D, x, C + j * D);
    if (e < *least) *least = e, best = (int32_t)j;
  }
  return best;
}

static bool right(const Kernels *kernels, Nearest *nearest, int64_t K, const float *C,
                  const float *X)
{
  int32_t index[N];
  double distance[N], least;
  bool same = true;
  kernels->nearest(N, X, D, nearest, index, distance);
  for (int64_t t = 0; t < N; t++)
    same = same && index[t] == brute(kernels, K, C, X + t * D, &least) && distance[t] == least;
  return same;
}

static PetscErrorCode Together(const Kernels *kernels, int64_t K, int64_t prefix, int node_ranks)
{
  char text[16];
  Nodes *nodes;
  Nearest *nearest;
  Directions *directions = NULL;
  float *C, *X;
  int64_t found;
  PetscFunctionBeginUser;
  snprintf(text, sizeof(text), "%d", node_ranks);
  setenv("ARDIS_NODE_RANKS", text, 1);
  PetscCall(NodesCreate(PETSC_COMM_WORLD, &nodes));
  PetscCall(SharedCreate(nodes, K * D, &C));
  PetscCall(ArrayCreate(N * D, &X));
  fill(N, 7 + (uint64_t)tap_rank, X);
  if (nodes_rank(nodes) == 0) fill(K, 1, C);
  PetscCall(NodesBarrier(nodes));
  const NearestWay way = {.first = NEAREST_BYTES, .prefix = prefix, .nodes = nodes};
  PetscCall(NearestCreateAs(kernels, K, D, C, &way, &nearest));
  OK(right(kernels, nearest, K, C, X), "%lld centroids, prefix %lld, %d ranks a node", (long long)K,
     (long long)prefix, node_ranks);
  for (uint64_t round = 1; round <= ROUNDS; round++) {
    PetscCall(NodesBarrier(nodes)); /* nobody reads them */
    if (nodes_rank(nodes) == 0) fill(K, 1 + round, C);
    PetscCall(NodesBarrier(nodes));
    PetscCall(NearestRenew(nearest));
    OK(right(kernels, nearest, K, C, X), "moved");
    PetscCall(NearestPilot(nearest, tap_rank ? N : 0, X, D, &directions, &found));
    SAME_ON_ALL_RANKS(&found, sizeof(found), "a pilot finds the same for all");
    PetscCall(NearestUsePrefix(nearest, directions, round == 2 ? 0 : 64));
    OK(right(kernels, nearest, K, C, X), "moved, with a prefix");
  }
  PetscCall(NearestDestroy(&nearest));
  PetscCall(DirectionsDestroy(&directions));
  PetscCall(SharedDestroy(nodes, &C));
  PetscCall(ArrayDestroy(&X));
  PetscCall(NodesDestroy(&nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By hand, with nothing passing: 64 directions of 768 cost K (64 + 24) + turn 64 768, all of them
   0.9 K (768 + 24), so more than turn 78.67 centroids may pay. */
static PetscErrorCode MayScreen(const Kernels *kernels, int64_t count, int64_t d, bool expected)
{
  Nearest *nearest;
  float *C;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(count * d, &C));
  PetscCall(NearestCreate(kernels, count, d, C, &nearest));
  OK(nearest_may_screen(nearest) == expected, "%lld centroids of width %lld", (long long)count,
     (long long)d);
  PetscCall(NearestDestroy(&nearest));
  PetscCall(ArrayDestroy(&C));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const int64_t sizes[] = {1, 70, MOST};
  const Kernels *kernels;
  TestBegin(&argc, &argv);
  PetscCall(KernelsChoose(NULL, NULL, &kernels));
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
    PetscCall(Together(kernels, sizes[i], 0, tap_size));
    PetscCall(Together(kernels, sizes[i], 64, tap_size));
  }
  const int64_t most = (int64_t)(kernels->screens->turn * 78.67);
  PetscCall(MayScreen(kernels, most, 768, false));
  PetscCall(MayScreen(kernels, most + 1, 768, true));
  PetscCall(MayScreen(kernels, 5000, 100, false));
  PetscCall(Together(kernels, MOST, 64, 1));
  PetscCall(Together(kernels, MOST, 64, 2));
  return TestEnd();
}
