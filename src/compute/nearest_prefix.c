/* The level in front of a grid: only the leading directions of the centroids, as whole numbers, and
   for what passes the whole vectors, one by one.

   Against the names of nearest.c and nearest_grid.c: let V [p x d] be nearly orthonormal, |V V^T -
   1|
   <= delta (Frobenius, so that it bounds every eigenvalue). Then B = 1 - V^T V + delta is positive
   semi-definite: its eigenvalues are 1 + delta outside of V's rows and within 0 and 2 delta in
   them. a.b = Va.Vb + a.(1 - V^T V) b = Va.Vb + a.B b - delta a.b and |a.B b| <= sqrt(a.B a)
   sqrt(b.B b) (Cauchy-Schwarz), where a.B a = (1 + delta) |a|^2 - |Va|^2. So with tail(a) = sqrt((1
   + delta) |a|^2 - |Va|^2), |a.b - Va.Vb| <= tail(a) tail(b) + delta n R. y = Va is computed by
   chains of d fused multiply-adds, each within gamma |v| |fl(a)| of the truth, |v|^2 <= 1 + delta:
   |y - Va| <= sqrt(p) gamma (1 + delta) n; theta has it. |Va| >= |y| - theta n goes into tail(a).
   The rest is as for a whole grid with T = V, |T a| <= (1 + delta) n: e = (p(a) (1 + delta) + (32 u
   (1 + delta) + delta) n) R + ((1 + delta) n + p(a)) p(b)
         + tail(a) tail(b) + (8 u + 4 eps) R^2 + 4 eps n^2 + 2^-100.
   Such lower bounds are too weak to raise low. Tokens without a hint first see some centroids by
   the whole grid. Groups come in chunks; what a token keeps of one is compared by the dot products
   of whole vectors, whose bounds are those of the whole grid. */
#include "nearest_parts.h"
#include <math.h>
#include <string.h>

enum { BATCH = 4 * PANEL };

/* The first p directions, shared out among the blocks that are mixed. */
static PetscErrorCode PackDirections(const Nearest *N, const Directions *directions, Prefix *P)
{
  const int64_t blocks = P->p / P->front->block;
  float *V;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(P->p * N->d, &V));
  for (int64_t i = 0; i < P->p; i++)
    memcpy(V + (i % blocks * P->front->block + i / blocks) * N->d, directions->V + i * N->d,
           (size_t)N->d * sizeof(float));
  N->kernels->pack(P->p, N->d, V, N->d, &P->rows);
  PetscCall(ArrayDestroy(&V));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = V (x - mean) of at most BATCH rows, in P->turned. */
static void turn(const Nearest *N, const Prefix *P, int64_t count, const float *const *x)
{
  for (int64_t r = 0; r < count; r++)
    for (int64_t i = 0; i < N->d; i++) P->centred[r * N->d + i] = x[r][i] - N->mean[i];
  N->kernels->scores(count, P->centred, N->d, &P->rows, NULL, P->turned, P->p);
}

/* This rank's turned centroids, and what the directions leave of each. */
static PetscErrorCode TurnCentroids(const Nearest *N, Prefix *P)
{
  const float *x[BATCH];
  int64_t begin, mine;
  PetscFunctionBegin;
  nearest_part(N->nodes, N->K, BATCH, &begin, &mine);
  for (int64_t first = begin; first < begin + mine; first += BATCH) {
    const int64_t count = min_i64(BATCH, begin + mine - first);
    for (int64_t r = 0; r < count; r++) x[r] = N->C + (int64_t)N->order[first + r] * N->d;
    turn(N, P, count, x);
    memcpy(P->Y + first * P->p, P->turned, (size_t)(count * P->p) * sizeof(*P->Y));
  }
  for (int64_t j = begin; j < begin + mine; j++)
    P->left[j] =
        (float)fmax(0, N->norm[j] * N->norm[j] - N->kernels->square64(P->p, P->Y + j * P->p));
  PetscCall(NearestMeet(N->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In the order of what the directions leave of them, which makes groups of like tails. */
static PetscErrorCode PutCentroids(const Nearest *N, Prefix *P)
{
  const float *y[PANEL];
  double norm[PANEL];
  int64_t begin, mine;
  PetscFunctionBegin;
  PetscCall(NearestSort(N->K, P->left, P->whole_place));
  for (int64_t j = N->K; j < N->places; j++) P->whole_place[j] = -1;
  nearest_part(N->nodes, N->places, PANEL, &begin, &mine);
  for (int64_t first = begin; first < begin + mine; first += PANEL) {
    const int64_t count = max_i64(0, min_i64(PANEL, N->K - first));
    for (int64_t r = 0; r < count; r++) {
      y[r] = P->Y + (int64_t)P->whole_place[first + r] * P->p;
      norm[r] = N->norm[P->whole_place[first + r]];
    }
    grid_put_centroids(N, P->front, first, count, y, norm, NULL);
  }
  PetscCall(NearestMeet(N->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrefixCentroids(const Nearest *N, const Directions *directions, Prefix *P)
{
  const double du = (double)N->d * ROUNDING;
  PetscFunctionBegin;
  PetscCall(NearestMeet(N->nodes)); /* nobody reads what is made anew */
  P->front->delta = directions->delta;
  P->front->theta =
      16 * ROUNDING + 4 * ROUNDING + sqrt((double)P->p) * du / (1 - du) * (1 + P->front->delta);
  PetscCall(PackDirections(N, directions, P));
  PetscCall(TurnCentroids(N, P));
  PetscCall(PutCentroids(N, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrefixCreate(const Nearest *N, int64_t p, Prefix **prefix)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, prefix));
  Prefix *P = *prefix;
  P->p = p;
  P->nodes = N->nodes;
  P->whole = N->grid[N->whole];
  P->list = N->list < LIST ? N->list : FRONT;
  PetscCall(GridCreate(N, N->nodes, P->whole->bytes, p, &P->front));
  PetscCall(NearestArray(N->nodes, N->K * p, sizeof(*P->Y), (void **)&P->Y));
  PetscCall(NearestArray(N->nodes, N->K, sizeof(*P->left), (void **)&P->left));
  PetscCall(ArrayCreate(BLOCK * P->whole->ld, &P->token));
  PetscCall(ArrayCreate(BATCH * N->d, &P->centred));
  PetscCall(ArrayCreate(BATCH * p, &P->turned));
  PetscCall(ArrayCreate(BLOCK * P->list, &P->place));
  PetscCall(ArrayCreate(BLOCK * P->list, &P->upper));
  PetscCall(ArrayCreate(P->list, &P->dot));
  PetscCall(ArrayCreate(BLOCK, &P->kept));
  PetscCall(ArrayCreate(N->places, &P->whole_place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PrefixDestroy(Prefix **prefix)
{
  Prefix *P = *prefix;
  PetscFunctionBegin;
  if (!P) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(GridDestroy(&P->front));
  PetscCall(NearestArrayDestroy(P->nodes, (void **)&P->Y));
  PetscCall(NearestArrayDestroy(P->nodes, (void **)&P->left));
  packed_clear(&P->rows);
  PetscCall(ArrayDestroy(&P->token));
  PetscCall(ArrayDestroy(&P->centred));
  PetscCall(ArrayDestroy(&P->turned));
  PetscCall(ArrayDestroy(&P->place));
  PetscCall(ArrayDestroy(&P->upper));
  PetscCall(ArrayDestroy(&P->dot));
  PetscCall(ArrayDestroy(&P->kept));
  PetscCall(ArrayDestroy(&P->whole_place));
  PetscCall(ArrayDestroy(prefix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens in both grids, and as rows of the whole one. */
static void prepare_tokens(Nearest *N, Prefix *P)
{
  const Grid *W = P->whole;
  const float *y[BATCH];
  grid_tokens(N, P->whole);
  for (int64_t first = 0; first < N->now.count; first += PANEL) {
    const uint32_t *panel = W->panels + first * W->steps;
    for (int64_t l = 0; l < PANEL; l++) {
      uint32_t *to = (uint32_t *)(void *)(P->token + (first + l) * W->ld);
      for (int64_t i = 0; i < W->steps; i++) to[i] = panel[i * PANEL + l];
    }
  }
  for (int64_t r = 0; r < BATCH; r++) y[r] = P->turned + r * P->p;
  for (int64_t first = 0; first < N->now.count; first += BATCH) {
    const int64_t count = min_i64(BATCH, N->now.count - first);
    turn(N, P, count, N->now.x + first);
    for (int64_t r = 0; r < count; r += PANEL)
      grid_put_tokens(N, P->front, first + r, min_i64(PANEL, count - r), y + r, NULL);
  }
  memset(P->kept, 0, BLOCK * sizeof(*P->kept));
}

/* A first threshold for tokens of a panel that have none: about every 64th group. */
static void first_threshold(Nearest *N, const Prefix *P, int64_t first)
{
  const int64_t end = min_i64(first + PANEL, N->now.count), step = max_i64(1, N->groups / 64);
  uint64_t lanes[PANEL_ROWS];
  bool none = false;
  for (int64_t t = first; t < end; t++) none |= N->low[t] == -INFINITY;
  if (!none) return;
  for (int64_t g = step / 2; g < N->groups; g += step)
    if (grid_screen(N, P->whole, g, first, lanes)) nearest_take(N, g, first, lanes);
  for (int64_t t = first; t < end; t++)
    if (!N->out[t]) nearest_settle(N, t);
}

/* Leaves out what low has excluded since it was kept. */
static int32_t prune(const Nearest *N, Prefix *P, int64_t t)
{
  int32_t *place = P->place + t * P->list, kept = 0;
  float *upper = P->upper + t * P->list;
  for (int32_t q = 0; q < P->kept[t]; q++) {
    if (upper[q] < N->low[t]) continue;
    place[kept] = place[q];
    upper[kept++] = upper[q];
  }
  return P->kept[t] = kept;
}

/* The whole vectors of the last count places that a token keeps. */
static void look(Nearest *N, Prefix *P, int64_t t, int32_t count)
{
  const Grid *W = P->whole;
  const int32_t *place = P->place + t * P->list + (P->kept[t] -= count);
  N->kernels->screens->dots[W->bytes - 1](W->ld, P->token + t * W->ld, W->rows, count, place,
                                          P->dot);
  for (int32_t q = 0; q < count && !N->out[t]; q++) {
    const int64_t g = place[q] / PANEL_ROWS;
    const float e = W->reach[t] * W->radius[g] + W->span[t] * W->rest[g] + W->slack[g] + N->room[t];
    const float sum = (float)(P->dot[q] + W->init[place[q]]) * W->unit[t];
    const float s = sum * W->scale[place[q]] + W->half[place[q]];
    if (s + e < N->low[t]) continue;
    if (s - e > N->low[t]) N->low[t] = s - e;
    nearest_push(N, t, place[q], s + e);
  }
  N->seen[t] += count;
  if (N->seen[t] > N->groups) { /* the whole grid is cheaper */
    N->out[t] = true;
    N->low[t] = INFINITY;
  }
}

/* The four that promise most go to the end. */
static void best_last(Prefix *P, int64_t t)
{
  int32_t *place = P->place + t * P->list, kept = P->kept[t];
  float *upper = P->upper + t * P->list;
  for (int r = 1; r <= 4; r++) {
    int32_t best = 0;
    for (int32_t q = 1; q <= kept - r; q++) best = upper[q] > upper[best] ? q : best;
    const int32_t p = place[best], last = kept - r;
    const float u = upper[best];
    place[best] = place[last], place[last] = p;
    upper[best] = upper[last], upper[last] = u;
  }
}

/* Whole vectors: of many places first those that promise most, as they may exclude the others. */
static void look_closer(Nearest *N, Prefix *P, int64_t t)
{
  if (prune(N, P, t) > 8) {
    best_last(P, t);
    look(N, P, t, 4);
    nearest_settle(N, t);
    prune(N, P, t);
  }
  if (P->kept[t]) look(N, P, t, P->kept[t]);
}

static void keep(Nearest *N, Prefix *P, int64_t group, int64_t first, const uint64_t *lanes)
{
  const int64_t count = min_i64(PANEL, N->now.count - first);
  const uint64_t there = ((uint64_t)1 << count) - 1;
  for (int q = 0; q < PANEL_ROWS; q++) {
    const int32_t place = P->whole_place[group * PANEL_ROWS + q];
    if (place < 0) continue;
    for (uint64_t left = lanes[q] & there; left; left &= left - 1) {
      const int64_t t = first + __builtin_ctzll(left);
      if (P->kept[t] == P->list) look_closer(N, P, t);
      const float upper = N->score[q * PANEL + t - first] + N->bound[t - first];
      if (upper < N->low[t]) continue;
      P->upper[t * P->list + P->kept[t]] = upper;
      P->place[t * P->list + P->kept[t]++] = place;
    }
  }
}

void prefix_search(Nearest *N, Prefix *P)
{
  uint64_t lanes[PANEL_ROWS];
  prepare_tokens(N, P);
  for (int64_t t = 0; t < N->now.count; t += PANEL) first_threshold(N, P, t);
  for (int64_t begin = 0; begin < N->groups; begin += CHUNK) {
    for (int64_t g = begin; g < min_i64(begin + CHUNK, N->groups); g++)
      for (int64_t t = 0; t < N->now.count; t += PANEL)
        if (grid_screen(N, P->front, g, t, lanes)) keep(N, P, g, t, lanes);
    for (int64_t t = 0; t < N->now.count; t++) look_closer(N, P, t);
  }
}
