/* k-means|| (Bahmani et al. 2012, arXiv:1203.6402, algorithm 2): in each of five rounds every token
   is drawn with probability 2 K D^2 / sum of D^2; of the tokens drawn, weighted by how many tokens
   are nearest to them, k-means++ takes K. */
#include "learn/kmeans.h"
#include "base/random.h"
#include <string.h>

enum { ROUNDS = 5 };

/* Candidates drawn so far. */
typedef struct {
  int64_t count, space;
  float *rows; /* [count x d] */
} Drawn;

static PetscErrorCode Add(const KMeansStart *start, Drawn *drawn, int64_t count,
                          const int64_t *token)
{
  PetscFunctionBegin;
  if (drawn->count + count > drawn->space) {
    float *grown;
    const int64_t space = drawn->count + count;
    PetscCall(ArrayCreate(space * start->d, &grown));
    if (drawn->count) memcpy(grown, drawn->rows, (size_t)(drawn->count * start->d) * sizeof(float));
    PetscCall(ArrayDestroy(&drawn->rows));
    drawn->rows = grown;
    drawn->space = space;
  }
  PetscCall(KMeansGather(start->task, count, token, drawn->rows + drawn->count * start->d));
  drawn->count += count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's tokens that one round draws, in order; all: the sum of distances of all ranks. */
static PetscErrorCode DrawOwn(const Pool *pool, int round, double all, int *count, int64_t **token)
{
  const KMeansStart *start = pool->start;
  const double factor = 2 * (double)start->K / all;
  int64_t space = 0;
  PetscFunctionBegin;
  *count = 0;
  *token = NULL;
  for (int64_t t = 0; all > 0 && t < pool->count; t++) {
    const uint64_t index = (uint64_t)round << 48 | (uint64_t)(pool->first + t);
    if (!(random_uniform(start->seed, RANDOM_CENTROIDS, index) < factor * pool->distance[t]))
      continue;
    if (*count == space) {
      space = 2 * space + 64;
      PetscCall(PetscRealloc((size_t)space * sizeof(**token), token));
    }
    (*token)[(*count)++] = pool->first + t;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tokens that one round draws, in order, on every rank. */
static PetscErrorCode Round(const Pool *pool, int round, int64_t *count, int64_t **token)
{
  const MPI_Comm comm = pool->start->task->comm;
  int size, mine, *counts, *offsets;
  int64_t *local;
  Exact sum = {0};
  PetscFunctionBegin;
  for (int64_t t = 0; t < pool->count; t++) exact_add(&sum, pool->distance[t]);
  PetscCall(ExactSum(comm, 1, &sum));
  PetscCall(DrawOwn(pool, round, exact_value(&sum), &mine, &local));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(ArrayCreate(size, &counts));
  PetscCall(ArrayCreate(size, &offsets));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, counts, 1, MPI_INT, comm));
  *count = 0;
  for (int r = 0; r < size; r++) {
    offsets[r] = (int)*count;
    *count += counts[r];
  }
  PetscCall(ArrayCreate(*count, token));
  PetscCallMPI(
      MPI_Allgatherv(local, mine, MPI_INT64_T, *token, counts, offsets, MPI_INT64_T, comm));
  PetscCall(PetscFree(local));
  PetscCall(ArrayDestroy(&counts));
  PetscCall(ArrayDestroy(&offsets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Draws the candidates, and how many tokens each one is nearest to (at least 1). */
static PetscErrorCode Draw(const KMeansStart *start, Drawn *drawn, int64_t **weight)
{
  Pool *pool;
  int64_t first, *token;
  PetscFunctionBegin;
  PetscCall(PoolCreate(start, start->n, NULL, NULL, &pool));
  PetscCall(PoolDraw(pool, 0, &first));
  PetscCall(Add(start, drawn, 1, &first));
  PetscCall(PoolUpdate(pool, 1, drawn->rows, 0));
  for (int round = 1; round <= ROUNDS; round++) {
    const int64_t base = drawn->count;
    int64_t count = 0;
    PetscCall(Round(pool, round, &count, &token));
    PetscCall(Add(start, drawn, count, token));
    PetscCall(PoolUpdate(pool, count, drawn->rows + base * start->d, base));
    PetscCall(ArrayDestroy(&token));
  }
  const int64_t found = drawn->count, missing = max_i64(0, start->K - found);
  PetscCall(ArrayCreate(missing, &token));
  for (int64_t j = 0; j < missing; j++)
    token[j] = random_permuted(start->seed, RANDOM_CENTROIDS, 0, start->n, j);
  PetscCall(Add(start, drawn, missing, token));
  PetscCall(ArrayDestroy(&token));
  PetscCall(ArrayCreate(drawn->count, weight));
  for (int64_t t = 0; t < pool->count; t++) (*weight)[pool->near[t]]++;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, *weight, (int)drawn->count, MPI_INT64_T, MPI_SUM,
                             start->task->comm));
  for (int64_t c = 0; c < drawn->count; c++) (*weight)[c] = max_i64(1, (*weight)[c]);
  PetscCall(PoolDestroy(&pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode start(const KMeansStart *start, float *C)
{
  Drawn drawn = {0};
  int64_t *weight;
  Pool *pool;
  PetscFunctionBegin;
  PetscCall(Draw(start, &drawn, &weight));
  PetscCall(PoolCreate(start, drawn.count, drawn.rows, weight, &pool));
  PetscCall(PoolPlusPlus(pool, start->K, C));
  PetscCall(PoolDestroy(&pool));
  PetscCall(ArrayDestroy(&weight));
  PetscCall(ArrayDestroy(&drawn.rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const KMeansInit kmeans_init_scalable = {
    .entry = {"scalable", "k-means||: five rounds over the tokens, then k-means++ on those drawn",
              "Bahmani et al. 2012, arXiv:1203.6402, algorithm 2"},
    .start = start,
};
