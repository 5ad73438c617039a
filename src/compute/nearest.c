/* Exact nearest centroids by cheap screening: scores with a proved bound leave out the centroids
   that cannot win, float64 distances of the original values settle the rest.

   Let mu be any vector, a = x - mu, b = c - mu, and u = 2^-24. The nearest centroid has the largest
   t(c) = a.b - |b|^2 / 2, since |x - c|^2 = |a|^2 - 2 t(c). Every level of screening computes a
   score s and a bound e such that t(c) lies within s - e and s + e. low, the larger of all s - e
   and of the t that settled distances give, is a lower bound of the largest t, so a centroid with s
   + e < low has the larger distance and is left out. The verdict is distance64 and not |x - c|^2:
   its relative error is at most eps = (d / 8 + 8) 2^-53, and |x - c|^2 <= 2 (|a|^2 + |b|^2); 4 eps
   of this sum in e of each makes the order of t that of distance64. |a|^2 is a distance64 too.
   Levels: a prefix of the leading directions (nearest_prefix.c, where a pilot found that it pays),
   bytes, 16-bit numbers (nearest_grid.c), float32 (nearest_floats.c). A token whose list of
   candidates does not come down by their distances goes on to the next level; the last one settles
   everything. Centroids are taken in the order of |b|, so that groups have bounds that fit all of
   them. */
#include "nearest_parts.h"
#include <math.h>

enum { SAMPLE = 4096 };

/* The mean of some centroids: near enough to that of all, and the same on every rank. */
static PetscErrorCode MeanCentroid(Nearest *N)
{
  const int64_t count = min_i64(SAMPLE, N->K);
  int64_t first, mine;
  double *sum;
  PetscFunctionBegin;
  nearest_part(N->nodes, N->d, 16, &first, &mine);
  PetscCall(ArrayCreate(mine, &sum));
  for (int64_t j = 0; j < count; j++) {
    const float *c = N->C + j * N->K / count * N->d + first;
    for (int64_t i = 0; i < mine; i++) sum[i] += (double)c[i];
  }
  for (int64_t i = 0; i < mine; i++) N->mean[first + i] = (float)(sum[i] / (double)count);
  PetscCall(NearestMeet(N->nodes));
  PetscCall(ArrayDestroy(&sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Places by distance from the mean. */
static PetscErrorCode Order(Nearest *N)
{
  int64_t first, count;
  float *key;
  PetscFunctionBegin;
  nearest_part(N->nodes, N->K, 1, &first, &count);
  for (int64_t j = first; j < first + count; j++) {
    const double square = N->kernels->distance64(N->d, N->C + j * N->d, N->mean);
    N->apart[j] = square < 1e300 ? sqrt(square) : (double)INFINITY;
  }
  PetscCall(NearestMeet(N->nodes));
  PetscCall(ArrayCreate(N->K, &key));
  for (int64_t j = 0; j < N->K; j++) key[j] = (float)N->apart[j];
  PetscCall(NearestSort(N->K, key, N->order));
  PetscCall(ArrayDestroy(&key));
  N->largest = 0;
  for (int64_t j = 0; j < N->places; j++) {
    if (j >= N->K) N->order[j] = -1;
    if (j < N->K) N->norm[j] = N->apart[N->order[j]] * (1 + 2 * N->eps);
    if (j < N->K && N->norm[j] > N->largest) N->largest = N->norm[j];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Few centroids are not worth the rounding of tokens; float32 takes any size. */
static int first_level(const Nearest *N, int first)
{
  const int bytes = N->kernels->screens->best();
  if (!(N->largest < 1e18) || N->d > 65536) return LEVEL_FLOATS;
  if (first == NEAREST_BYTES) return LEVEL_BYTES;
  if (first == NEAREST_WORDS) return LEVEL_WORDS;
  if (first == NEAREST_FLOATS || N->K < 64) return LEVEL_FLOATS;
  return bytes == 1 ? LEVEL_BYTES : bytes == 2 ? LEVEL_WORDS : LEVEL_FLOATS;
}

/* What a level needs: together, where nodes are given, or by this rank at the level's first use. */
static PetscErrorCode Prepare(Nearest *N, int level, Nodes *nodes)
{
  PetscFunctionBegin;
  if (level == LEVEL_PREFIX) PetscFunctionReturn(PETSC_SUCCESS); /* NearestUsePrefix made it */
  if (level == LEVEL_FLOATS) {
    if (!N->floats) PetscCall(FloatsCreate(N, &N->floats));
  } else if (!N->grid[level]) {
    PetscCall(GridCreate(N, nodes, level == LEVEL_BYTES ? 1 : 2, N->d, &N->grid[level]));
    PetscCall(GridCentroids(N, N->grid[level]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestUsePrefix(Nearest *N, const Directions *directions, int64_t prefix)
{
  PetscFunctionBegin;
  if (N->prefix && N->prefix->p != prefix) PetscCall(PrefixDestroy(&N->prefix));
  if (prefix && !N->prefix) PetscCall(PrefixCreate(N, prefix, &N->prefix));
  if (prefix) PetscCall(PrefixCentroids(N, directions, N->prefix));
  N->level = prefix ? LEVEL_PREFIX : N->whole;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestRenew(Nearest *N)
{
  PetscFunctionBegin;
  PetscCall(NearestMeet(N->nodes)); /* nobody reads what is made anew */
  PetscCall(MeanCentroid(N));
  PetscCall(Order(N));
  const int before = N->whole;
  N->whole = N->level = first_level(N, N->first);
  if (N->whole != before) PetscCall(PrefixDestroy(&N->prefix));
  PetscCall(FloatsDestroy(&N->floats));
  for (int level = 0; level < LEVEL_FLOATS; level++)
    if (level != N->whole) PetscCall(GridDestroy(&N->grid[level]));
  if (N->whole != LEVEL_FLOATS && N->grid[N->whole])
    PetscCall(GridCentroids(N, N->grid[N->whole]));
  else
    PetscCall(Prepare(N, N->whole, N->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestCreateAs(const Kernels *kernels, int64_t K, int64_t d, const float *C,
                               const NearestWay *way, Nearest **centroids)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, centroids));
  Nearest *N = *centroids;
  N->kernels = kernels;
  N->nodes = way->nodes;
  N->first = way->first;
  N->K = K;
  N->d = d;
  N->groups = (K + PANEL_ROWS - 1) / PANEL_ROWS;
  N->places = N->groups * PANEL_ROWS;
  N->C = C;
  N->eps = ((double)d / 8 + 8) * 0x1p-53;
  N->list = way->list ? way->list : LIST;
  N->settled = way->list ? way->list : SETTLED;
  PetscCall(ArrayCreate(N->places, &N->order));
  PetscCall(ArrayCreate(N->places, &N->norm));
  PetscCall(ArrayCreate(BLOCK * N->list, &N->candidate));
  PetscCall(ArrayCreate(BLOCK * N->list, &N->upper));
  PetscCall(ArrayCreate(PANEL_ROWS * PANEL, &N->score));
  PetscCall(ArrayCreate(PANEL, &N->bound));
  PetscCall(NearestArray(N->nodes, d, sizeof(*N->mean), (void **)&N->mean));
  PetscCall(NearestArray(N->nodes, K, sizeof(*N->apart), (void **)&N->apart));
  PetscCall(NearestRenew(N));
  if (way->prefix && nearest_may_turn(N) && 2 * way->prefix <= d) {
    PetscCall(DirectionsCreate(N, &N->directions));
    PetscCall(NearestUsePrefix(N, N->directions, way->prefix));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestCreate(const Kernels *kernels, int64_t K, int64_t d, const float *C,
                             Nearest **centroids)
{
  const NearestWay way = {.first = NEAREST_BEST};
  PetscFunctionBegin;
  PetscCall(NearestCreateAs(kernels, K, d, C, &way, centroids));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestDestroy(Nearest **centroids)
{
  Nearest *N = *centroids;
  PetscFunctionBegin;
  if (!N) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PrefixDestroy(&N->prefix));
  PetscCall(DirectionsDestroy(&N->directions));
  for (int level = 0; level < LEVEL_FLOATS; level++) PetscCall(GridDestroy(&N->grid[level]));
  PetscCall(FloatsDestroy(&N->floats));
  PetscCall(NearestArrayDestroy(N->nodes, (void **)&N->mean));
  PetscCall(ArrayDestroy(&N->order));
  PetscCall(ArrayDestroy(&N->norm));
  PetscCall(NearestArrayDestroy(N->nodes, (void **)&N->apart));
  PetscCall(ArrayDestroy(&N->candidate));
  PetscCall(ArrayDestroy(&N->upper));
  PetscCall(ArrayDestroy(&N->score));
  PetscCall(ArrayDestroy(&N->bound));
  PetscCall(ArrayDestroy(centroids));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes up the first tokens of a list: their sizes, and what is known of their nearest centroid. */
static void begin_block(Nearest *N, Todo *todo)
{
  Todo *now = &N->now;
  now->count = min_i64(BLOCK, todo->count);
  for (int64_t t = 0; t < now->count; t++) {
    now->x[t] = todo->x[t];
    now->at[t] = todo->at[t];
    N->square[t] = N->kernels->distance64(N->d, now->x[t], N->mean);
    N->size[t] = sqrt(N->square[t]) * (1 + 2 * N->eps);
    N->low[t] = -INFINITY;
    N->out[t] = false;
    N->kept[t] = N->cost[t] = N->seen[t] = 0;
    const int64_t at = now->at[t];
    if (N->index[at] < 0) N->index[at] = ~N->index[at];
    const int32_t known = N->distance[at] < (double)INFINITY ? N->index[at] : -1;
    N->wild[t] = false;
    if (known >= 0)
      nearest_raise(N, t, N->distance[at]);
    else if (N->hint && N->hint[at] >= 0 && N->hint[at] < N->K)
      nearest_settle_one(N, t, N->hint[at]);
  }
  for (int64_t t = now->count; t < (now->count + PANEL - 1) / PANEL * PANEL; t++)
    N->low[t] = INFINITY;
  todo->count -= now->count;
  for (int64_t t = 0; t < todo->count; t++) {
    todo->x[t] = todo->x[t + now->count];
    todo->at[t] = todo->at[t + now->count];
  }
}

static void drain(Nearest *N, int level, int64_t least);

/* Screens the first tokens of a level's list and settles them, or lists them for a later level. */
static void search_block(Nearest *N, int level)
{
  begin_block(N, &N->later[level]);
  PetscCallAbort(PETSC_COMM_SELF, Prepare(N, level, NULL));
  N->limit = level == LEVEL_FLOATS ? INT32_MAX : N->settled;
  if (level == LEVEL_PREFIX)
    prefix_search(N, N->prefix);
  else if (level == LEVEL_FLOATS)
    floats_search(N, N->floats);
  else
    grid_search(N, N->grid[level]);
  for (int64_t t = 0; t < N->now.count; t++) {
    if (!N->out[t]) {
      nearest_settle(N, t);
      continue;
    }
    Todo *later = &N->later[N->wild[t]              ? LEVEL_FLOATS
                            : level == LEVEL_PREFIX ? N->whole
                                                    : level + 1];
    N->index[N->now.at[t]] = ~N->index[N->now.at[t]]; /* it waits */
    later->x[later->count] = N->now.x[t];
    later->at[later->count++] = N->now.at[t];
  }
  for (int other = LEVEL_FLOATS; other > level; other--) drain(N, other, BLOCK);
}

/* Works a list off until fewer than least tokens are left: there is room for two blocks in each. */
static void drain(Nearest *N, int level, int64_t least)
{
  while (N->later[level].count >= least) search_block(N, level);
}

void nearest_begin(Nearest *N, const int32_t *hint, int32_t *index, double *distance)
{
  N->hint = hint;
  N->index = index;
  N->distance = distance;
  N->begun = true;
}

void nearest_end(Nearest *N)
{
  for (int level = N->level; level < LEVELS; level++) drain(N, level, 1);
  N->hint = NULL;
  N->begun = false;
}

void nearest_search(int64_t n, const float *X, int64_t ldX, const Nearest *centroids,
                    int32_t *index, double *distance)
{
  Nearest *N = (Nearest *)centroids; /* what is borrowed of it is scratch */
  Todo *todo = &N->later[N->level];
  const bool alone = !N->begun;
  if (alone) nearest_begin(N, NULL, index, distance);
  for (int64_t t = 0; t < n; t++) {
    index[t] = 0;
    distance[t] = INFINITY;
    todo->x[todo->count] = X + t * ldX;
    todo->at[todo->count++] = index - N->index + t;
    drain(N, N->level, BLOCK);
  }
  drain(N, N->level, 1);
  if (alone) nearest_end(N);
}
