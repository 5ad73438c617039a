/* Levels of whole numbers: dot products of bytes or 16-bit numbers, whose sums are exact.

   Against the names of nearest.c: T is the rotation that grid_write applies, times 1 / sqrt(block).
   Let g(a) be the computed mixed vector over sqrt(block), and q(a) = unit times numbers over
   sqrt(block). With n >= |a|, R >= |b|:
     - centring: |fl(a) - a| <= u n;
     - mixing is at most 8 stages of additions (no block is longer than 256), each within u of the
       norm: |g(a) - T fl(a)| <= 9 u n; sums do not underflow, and unit is at least 2^-100;
     - |g(a) - q(a)| is computed in float32 from differences with an error of 2 u n, by a sum of
       squares with a relative error of at most 2 length u and 2^-149 for each element: r(a).
   So |T a - q(a)| <= p(a) = r(a) + theta n with theta = 16 u, and |q(a)| <= n + p(a). Since T keeps
   dot products,
     |a.b - q(a).q(b)| <= |T a - q(a)| |T b| + |q(a)| |T b - q(b)| <= p(a) R + (n + p(a)) p(b).
   The sum of the numbers' products is exact: of bytes because 127^2 d < 2^31, of 16-bit numbers
   because their norms are below 46,000 (Cauchy-Schwarz), whatever wraps on the way. As no remainder
   is larger than what it remains of, p(a) <= 1.01 n, so |q(a).q(b)| <= 4.1 n R. It becomes the
   score s by three roundings of the product and one of the sum: 4 u 4.1 n R + u R^2; h costs (u +
   eps) R^2 / 2, the limit that s is compared with u |s| <= u (4.2 n R + R^2), the verdict 4 eps
   (n^2
   + R^2). Together t(c) and s differ by less than
     e = (p(a) + 32 u n) R + (n + p(a)) p(b) + (8 u + 4 eps) R^2 + 4 eps n^2 + 2^-100,
   taken larger by 2^-18 of itself for the rounding of e and its parts. The tokens of which n + R is
   not below 10^18 go to float32 at once, and so do all where a centroid is that far off. */
#include "nearest_parts.h"
#include "base/random.h"
#include <math.h>

PetscErrorCode GridCreate(const Nearest *N, Nodes *nodes, int bytes, int64_t d, Grid **grid)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, grid));
  Grid *G = *grid;
  G->nodes = nodes;
  G->bytes = bytes;
  G->d = d;
  G->length = (d + 63) / 64 * 64;
  for (G->block = 64; G->block < 256 && G->length % (2 * G->block) == 0;) G->block *= 2;
  G->steps = G->length * bytes / 4;
  G->ld = G->length * bytes;
  if (G->ld % 1024 == 0) G->ld += 64; /* neighbours in other parts of the cache */
  G->theta = 16 * ROUNDING;
  PetscCall(NearestArray(nodes, N->places * G->ld, 1, (void **)&G->rows));
  PetscCall(NearestArray(nodes, N->places, sizeof(*G->init), (void **)&G->init));
  PetscCall(NearestArray(nodes, N->places, sizeof(*G->scale), (void **)&G->scale));
  PetscCall(NearestArray(nodes, N->places, sizeof(*G->half), (void **)&G->half));
  PetscCall(NearestArray(nodes, N->groups, sizeof(*G->radius), (void **)&G->radius));
  PetscCall(NearestArray(nodes, N->groups, sizeof(*G->rest), (void **)&G->rest));
  PetscCall(NearestArray(nodes, N->groups, sizeof(*G->tail), (void **)&G->tail));
  PetscCall(NearestArray(nodes, N->groups, sizeof(*G->slack), (void **)&G->slack));
  PetscCall(ArrayCreate(d, &G->sign));
  PetscCall(ArrayCreate(G->length * PANEL, &G->work));
  PetscCall(ArrayCreate(BLOCK * G->steps, &G->panels));
  PetscCall(ArrayCreate(BLOCK, &G->unit));
  PetscCall(ArrayCreate(BLOCK, &G->reach));
  PetscCall(ArrayCreate(BLOCK, &G->span));
  PetscCall(ArrayCreate(BLOCK, &G->beyond));
  for (int64_t i = 0; i < d; i++)
    G->sign[i] = random_bits(1, RANDOM_SAMPLE, (uint64_t)i).word[0] & 1u ? 1.0f : -1.0f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GridDestroy(Grid **grid)
{
  Grid *G = *grid;
  PetscFunctionBegin;
  if (!G) PetscFunctionReturn(PETSC_SUCCESS);
  void **arrays[] = {(void **)&G->rows,  (void **)&G->init,   (void **)&G->scale,
                     (void **)&G->half,  (void **)&G->radius, (void **)&G->rest,
                     (void **)&G->tail,  (void **)&G->slack,  (void **)&G->sign,
                     (void **)&G->work,  (void **)&G->panels, (void **)&G->unit,
                     (void **)&G->reach, (void **)&G->span,   (void **)&G->beyond};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(NearestArrayDestroy(i < 8 ? G->nodes : NULL, arrays[i]));
  PetscCall(ArrayDestroy(grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* p(a) of above, from the squared norm of the remainder and n. */
static double error_of(const Grid *G, float rest, double n)
{
  const double length = (double)G->length,
               square = (double)rest * (1 + 2 * length * ROUNDING) + length * 0x1p-149;
  return above(sqrt(square / (double)G->block) + G->theta * n + 0x1p-100);
}

/* What the directions of a prefix leave of a vector, nearest_prefix.c; square is of what they keep.
 */
static double tail_of(const Grid *G, float square, double n)
{
  if (G->delta == 0) return 0;
  const double kept = sqrt((double)square * (1 - 2 * (double)G->length * ROUNDING)) - G->theta * n,
               left = (1 + G->delta) * n * n * (1 + 0x1p-40) - (kept > 0 ? kept * kept : 0);
  return left > 0 ? above(sqrt(left)) : 0;
}

/* Numbers of count vectors at the panel to, and their units and remainders. */
static void write_panel(const Nearest *N, const Grid *G, int64_t count, const float *const *x,
                        const float *mean, bool tokens, uint32_t *to, float *unit, float *square,
                        float *rest)
{
  const Screens *screens = N->kernels->screens;
  const GridPanel panel = {.bytes = G->bytes,
                           .d = G->d,
                           .length = G->length,
                           .block = G->block,
                           .count = count,
                           .x = x,
                           .mean = mean,
                           .sign = G->sign,
                           .most = G->bytes == 2 ? 32766
                                   : tokens      ? screens->token
                                                 : screens->centroid,
                           .shift = G->bytes == 1 && tokens ? screens->token + 1 : 0,
                           .work = G->work,
                           .to = to,
                           .unit = unit,
                           .square = square,
                           .rest = rest};
  screens->write(&panel);
}

/* Row l of a panel; for bytes, also what the tokens' shift adds to its products, less than 0. */
static int32_t copy_row(const Grid *G, int32_t shift, const uint32_t *panel, int l, char *row)
{
  uint32_t *to = (uint32_t *)(void *)row;
  int32_t sum = 0;
  for (int64_t i = 0; i < G->steps; i++) to[i] = panel[i * PANEL + l];
  if (G->bytes == 1)
    for (int64_t i = 0; i < G->length; i++) sum += (int8_t)row[i];
  return -shift * sum;
}

/* Bounds of a group are the largest of its places. */
static void widen(float *most, double x)
{
  if ((float)above(x) > *most) *most = (float)above(x);
}

void grid_put_centroids(const Nearest *N, Grid *G, int64_t first, int64_t count,
                        const float *const *x, const double *norm, const float *mean)
{
  float unit[PANEL], square[PANEL], rest[PANEL];
  write_panel(N, G, count, x, mean, false, G->panels, unit, square, rest);
  for (int l = 0; l < PANEL && first + l < N->places; l++) {
    const int64_t place = first + l, g = place / PANEL_ROWS;
    if (l % PANEL_ROWS == 0) G->radius[g] = G->rest[g] = G->tail[g] = G->slack[g] = 0;
    G->half[place] = -INFINITY;
    if (l >= count) continue;
    const double R = norm[l];
    G->init[place] =
        copy_row(G, N->kernels->screens->token + 1, G->panels, l, G->rows + place * G->ld);
    G->scale[place] = unit[l];
    G->half[place] = (float)(-0.5 * R * R);
    widen(&G->radius[g], R);
    widen(&G->rest[g], error_of(G, rest[l], R));
    widen(&G->tail[g], tail_of(G, square[l], R));
    widen(&G->slack[g], (8 * ROUNDING + 4 * N->eps) * R * R);
  }
}

PetscErrorCode GridCentroids(const Nearest *N, Grid *G)
{
  const float *x[PANEL];
  int64_t begin, mine;
  PetscFunctionBegin;
  nearest_part(G->nodes, N->places, PANEL, &begin, &mine);
  for (int64_t first = begin; first < begin + mine; first += PANEL) {
    int64_t count = 0;
    for (; count < PANEL && first + count < N->K; count++)
      x[count] = N->C + (int64_t)N->order[first + count] * N->d;
    grid_put_centroids(N, G, first, count, x, N->norm + first, N->mean);
  }
  PetscCall(NearestMeet(G->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void grid_put_tokens(Nearest *N, Grid *G, int64_t first, int64_t count, const float *const *x,
                     const float *mean)
{
  float square[PANEL], rest[PANEL];
  write_panel(N, G, count, x, mean, true, G->panels + first * G->steps, G->unit + first, square,
              rest);
  for (int l = 0; l < PANEL; l++) {
    const int64_t t = first + l;
    const double n = l < count ? N->size[t] : 0, more = 1 + G->delta;
    const bool wild = !(n + N->largest < 1e18);
    const double p = wild ? 0 : error_of(G, rest[l], n);
    G->unit[t] /= (float)G->block;
    G->reach[t] = wild ? 0.0f : (float)above(more * p + (32 * more * ROUNDING + G->delta) * n);
    G->span[t] = wild ? 0.0f : (float)above(more * n + p);
    G->beyond[t] = wild ? 0.0f : (float)above(tail_of(G, square[l], n));
    N->room[t] = wild ? 0.0f : (float)above(4 * N->eps * n * n + 0x1p-100);
    if (l < count && wild) N->out[t] = N->wild[t] = true;
    if (l >= count || wild) N->low[t] = INFINITY;
  }
}

void grid_tokens(Nearest *N, Grid *G)
{
  for (int64_t first = 0; first < N->now.count; first += PANEL)
    grid_put_tokens(N, G, first, min_i64(PANEL, N->now.count - first), N->now.x + first, N->mean);
}

bool grid_screen(Nearest *N, Grid *G, int64_t group, int64_t first, uint64_t *lanes)
{
  const int64_t place = group * PANEL_ROWS;
  const GridTile tile = {.steps = G->steps,
                         .tokens = G->panels + first * G->steps,
                         .centroids = G->rows + place * G->ld,
                         .ld = G->ld,
                         .init = G->init + place,
                         .scale = G->scale + place,
                         .half = G->half + place,
                         .radius = G->radius[group],
                         .rest = G->rest[group],
                         .tail = G->tail[group],
                         .slack = G->slack[group],
                         .unit = G->unit + first,
                         .reach = G->reach + first,
                         .span = G->span + first,
                         .beyond = G->beyond + first,
                         .room = N->room + first,
                         .raise = G->delta == 0,
                         .low = N->low + first,
                         .score = N->score,
                         .bound = N->bound};
  return N->kernels->screens->grid[G->bytes - 1](&tile, lanes);
}

void grid_search(Nearest *N, Grid *G)
{
  uint64_t lanes[PANEL_ROWS];
  grid_tokens(N, G);
  for (int64_t g = 0; g < N->groups; g++)
    for (int64_t t = 0; t < N->now.count; t += PANEL)
      if (grid_screen(N, G, g, t, lanes)) nearest_take(N, g, t, lanes);
}
