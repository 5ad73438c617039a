/* Drawing points by their squared distance to those drawn before, the same on any number of ranks:
   probabilities are whole numbers, and their sums exact. */
#include "learn/kmeans.h"
#include "base/random.h"
#include <math.h>
#include <string.h>

enum { TILE = 3072 };
#define KEPT ((int64_t)1 << 27) /* floats of tokens kept in memory */

PetscErrorCode PoolCreate(const KMeansStart *start, int64_t n, const float *rows,
                          const int64_t *weight, Pool **pool)
{
  int rank, size;
  double most;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, pool));
  Pool *p = *pool;
  PetscCallMPI(MPI_Comm_rank(start->task->comm, &rank));
  PetscCallMPI(MPI_Comm_size(start->task->comm, &size));
  *p = (Pool){.start = start, .n = n, .rows = rows, .weight = weight};
  part_of(n, 1, rank, size, &p->first, &p->count);
  /* tokens in all (the sum of the weights) times a distance of at most d (2 M)^2 stays below 2^62,
     and adding 1 for each below 2^63 */
  (void)kmeans_exponent(&start->task->view, start->n, &most);
  int exponent;
  frexp(2 * (double)start->n * (double)start->d * 4 * most * most, &exponent);
  p->quantum = ldexp(1, most > 0 ? exponent - 62 : 0);
  p->whole = rows || p->count * start->d <= KEPT;
  const int64_t kept = rows ? 0 : p->whole ? p->count : TILE;
  PetscCall(ArrayCreate(p->count, &p->distance));
  PetscCall(ArrayCreate(p->count, &p->near));
  PetscCall(ArrayCreate(kept * start->d, &p->X));
  PetscCall(ArrayCreate(TILE, &p->row));
  PetscCall(ArrayCreate(TILE, &p->tile_distance));
  PetscCall(ArrayCreate(TILE, &p->tile_near));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PoolDestroy(Pool **pool)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&(*pool)->distance));
  PetscCall(ArrayDestroy(&(*pool)->near));
  PetscCall(ArrayDestroy(&(*pool)->X));
  PetscCall(ArrayDestroy(&(*pool)->row));
  PetscCall(ArrayDestroy(&(*pool)->tile_distance));
  PetscCall(ArrayDestroy(&(*pool)->tile_near));
  PetscCall(ArrayDestroy(pool));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points at .. at + count - 1 of this rank. */
static PetscErrorCode Tile(Pool *pool, int64_t at, int64_t count, const float **X)
{
  const KMeansStart *start = pool->start;
  PetscFunctionBegin;
  if (pool->rows) {
    *X = pool->rows + (pool->first + at) * start->d;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  float *to = pool->whole ? pool->X + at * start->d : pool->X;
  if (!pool->whole || !pool->begun) {
    for (int64_t t = 0; t < count; t++)
      pool->row[t] = split_row(start->task->view.split, false, pool->first + at + t);
    PetscCall(ViewRead(&start->task->view, count, pool->row, to));
  }
  *X = to;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PoolUpdate(Pool *pool, int64_t count, const float *C, int64_t base)
{
  const Kernels *kernels = pool->start->task->view.kernels;
  const int64_t d = pool->start->d;
  Nearest *nearest = NULL;
  PetscFunctionBegin;
  if (count == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (count > 1) PetscCall(NearestCreate(kernels, count, d, C, &nearest));
  for (int64_t at = 0; at < pool->count; at += TILE) {
    const int64_t tile = min_i64(TILE, pool->count - at);
    const float *X = NULL;
    PetscCall(Tile(pool, at, tile, &X));
    if (nearest) {
      kernels->nearest(tile, X, d, nearest, pool->tile_near, pool->tile_distance);
    } else {
      memset(pool->tile_near, 0, TILE * sizeof(*pool->tile_near));
      for (int64_t t = 0; t < tile; t++)
        pool->tile_distance[t] = kernels->distance64(d, X + t * d, C);
    }
    for (int64_t t = 0; t < tile; t++) {
      if (pool->begun && !(pool->tile_distance[t] < pool->distance[at + t])) continue;
      pool->distance[at + t] = pool->tile_distance[t];
      pool->near[at + t] = (int32_t)base + pool->tile_near[t];
    }
  }
  pool->begun = true;
  PetscCall(NearestDestroy(&nearest));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t share(const Pool *pool, int64_t t, bool even)
{
  const int64_t weight = pool->weight ? pool->weight[pool->first + t] : 1;
  return even ? weight : weight * (int64_t)(pool->distance[t] / pool->quantum);
}

/* The sum of all ranks' shares, and of those before this one. */
static PetscErrorCode Total(const Pool *pool, bool even, int64_t *before, int64_t *all)
{
  const MPI_Comm comm = pool->start->task->comm;
  int rank;
  int64_t mine = 0;
  PetscFunctionBegin;
  for (int64_t t = 0; t < pool->count; t++) mine += share(pool, t, even);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Exscan(&mine, before, 1, MPI_INT64_T, MPI_SUM, comm));
  if (rank == 0) *before = 0;
  PetscCallMPI(MPI_Allreduce(&mine, all, 1, MPI_INT64_T, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PoolDraw(Pool *pool, uint64_t index, int64_t *point)
{
  bool even = !pool->begun;
  int64_t before, all, found = -1;
  PetscFunctionBegin;
  PetscCall(Total(pool, even, &before, &all));
  if (all == 0) PetscCall(Total(pool, even = true, &before, &all));
  const int64_t at = random_below(pool->start->seed, RANDOM_CENTROIDS, index, all);
  for (int64_t t = 0; t < pool->count && before <= at; t++) {
    before += share(pool, t, even);
    if (before > at) found = pool->first + t;
  }
  PetscCallMPI(MPI_Allreduce(&found, point, 1, MPI_INT64_T, MPI_MAX, pool->start->task->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PoolPlusPlus(Pool *pool, int64_t count, float *C)
{
  const KMeansStart *start = pool->start;
  PetscFunctionBegin;
  for (int64_t j = 0; j < count; j++) {
    int64_t point;
    float *c = C + j * start->d;
    PetscCall(PoolDraw(pool, (uint64_t)j, &point));
    if (pool->rows)
      memcpy(c, pool->rows + point * start->d, (size_t)start->d * sizeof(float));
    else
      PetscCall(KMeansGather(start->task, 1, &point, c));
    PetscCall(PoolUpdate(pool, 1, c, j));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
