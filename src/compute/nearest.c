/* Exact nearest centroids by cheap screening: float32 scores with a proved bound leave out the
   centroids that cannot win, float64 distances of the original values settle the rest.

   Let mu be any vector, a = x - mu, b = c - mu, x' = fl(a) and c' = fl(b) element by element, and
   u = 2^-24. The nearest centroid has the largest t(c) = a.b - |b|^2 / 2, since |x - c|^2 = |a|^2 -
   2 t(c). The screen computes s = chain of d fused multiply-adds of x' and c' from h = fl(-|c'|^2 /
   2). With n >= |x'|, R >= |c'|, gamma = d u / (1 - d u):
     - the chain: |s - (h + x'.c')| <= gamma (|h| + sum |x'_i c'_i|) + d 2^-149
                                    <= gamma (R^2 / 2 + n R) (1 + u) + d 2^-149   (Cauchy-Schwarz);
     - centring: |a - x'| <= u |x'| and |b - c'| <= u |c'|, so |x'.c' - a.b| <= (2 u + u^2) n R;
     - h: | |b|^2 - |c'|^2 | / 2 <= (u + u^2 / 2) R^2, and rounding h adds u R^2 / 2 and 2^-150;
     - the verdict is distance64 and not |x - c|^2: its relative error is at most eps = (d / 8 + 8)
       2^-53, and |x - c|^2 <= (1 + u)^2 (n + R)^2 <= 2 (1 + u)^2 (n^2 + R^2);
     - s + e and s - e are rounded: u (|s| + e), where |s| <= (1 + gamma) (n R + R^2).
   Together t(c) and s differ by less than
     e = (gamma + 8 u) n R + (gamma / 2 + 8 u + 4 eps) R^2 + 4 eps n^2 + 2^-100,
   taken larger by 2^-18 of itself for the rounding of e, n and R. A centroid with s + e < s* - e*
   for some other one has the larger distance64 and is left out; NaN never is. Where n + R is not
   below 10^18 a float32 sum could overflow, and e is infinite: everything is settled. */
#include "compute/backend.h"
#include "base/array.h"
#include <math.h>
#include <string.h>

#define BLOCK (16 * PANEL) /* tokens screened together: their panels stay in the cache */
#define LIST 32            /* candidates remembered for a token */

struct Nearest {
  int64_t K, d, groups;
  const float *C;        /* [K x d] borrowed */
  float *mean;           /* [d] */
  float *centred;        /* [groups][d][PANEL_ROWS] */
  float *init;           /* [groups][PANEL_ROWS] */
  float *radius, *slack; /* [groups] */
  double gamma, eps, largest;
  float *panels;             /* [BLOCK / PANEL][d][PANEL], scratch from here on */
  float *reach, *room, *low; /* [BLOCK] */
  float *score;              /* [PANEL_ROWS][PANEL] */
  int32_t *candidate;        /* [BLOCK][LIST] */
  float *upper;              /* [BLOCK][LIST] */
  int32_t *kept;             /* [BLOCK] */
};

static double above(double x)
{
  return x * (1 + 0x1p-18);
}

/* Carves count elements of 4 bytes out of the block at *at; with NULL it only counts. */
static void *carve(char *block, size_t *at, int64_t count)
{
  void *here = block ? block + *at : NULL;
  *at += ((size_t)count * 4 + 63) / 64 * 64;
  return here;
}

static size_t lay_out(Nearest *N, char *block)
{
  const int64_t d = N->d, groups = N->groups;
  size_t at = (sizeof(Nearest) + 63) / 64 * 64;
  N->mean = carve(block, &at, d);
  N->centred = carve(block, &at, groups * d * PANEL_ROWS);
  N->init = carve(block, &at, groups * PANEL_ROWS);
  N->radius = carve(block, &at, groups);
  N->slack = carve(block, &at, groups);
  N->panels = carve(block, &at, BLOCK * d);
  N->reach = carve(block, &at, BLOCK);
  N->room = carve(block, &at, BLOCK);
  N->low = carve(block, &at, BLOCK);
  N->score = carve(block, &at, PANEL_ROWS * PANEL);
  N->candidate = carve(block, &at, BLOCK * LIST);
  N->upper = carve(block, &at, BLOCK * LIST);
  N->kept = carve(block, &at, BLOCK);
  return at;
}

static PetscErrorCode mean_centroid(const Nearest *N)
{
  double *sum;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(N->d, &sum));
  for (int64_t j = 0; j < N->K; j++) {
    for (int64_t i = 0; i < N->d; i++) sum[i] += (double)N->C[j * N->d + i];
  }
  for (int64_t i = 0; i < N->d; i++) N->mean[i] = (float)(sum[i] / (double)N->K);
  PetscCall(ArrayDestroy(&sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Centred rows, -|c'|^2 / 2 and the bounds of one group of PANEL_ROWS centroids. */
static void prepare_group(Nearest *N, int64_t g)
{
  const int64_t d = N->d;
  float *to = N->centred + g * d * PANEL_ROWS;
  double widest = 0;
  for (int64_t q = 0; q < PANEL_ROWS; q++) {
    const int64_t j = g * PANEL_ROWS + q;
    const float *c = N->C + (j < N->K ? j : 0) * d;
    double square = 0;
    for (int64_t i = 0; i < d; i++) {
      const float v = j < N->K ? c[i] - N->mean[i] : 0.0f;
      to[i * PANEL_ROWS + q] = v;
      square += (double)v * (double)v;
    }
    N->init[g * PANEL_ROWS + q] = j < N->K ? (float)(-0.5 * square) : -INFINITY;
    if (!(sqrt(square) <= widest)) widest = above(sqrt(square)); /* NaN stays */
  }
  const bool wild = !(widest < 1e18);
  N->radius[g] = wild ? 0.0f : (float)above(widest);
  N->slack[g] =
      wild ? INFINITY : (float)above((N->gamma / 2 + 8 * 0x1p-24 + 4 * N->eps) * widest * widest);
  if (!wild && widest > N->largest) N->largest = widest;
}

PetscErrorCode NearestCreate(const Kernels *kernels, int64_t K, int64_t d, const float *C,
                             Nearest **centroids)
{
  PetscFunctionBegin;
  (void)kernels;
  const double du = (double)d * 0x1p-24;
  Nearest plan = {.K = K, .d = d, .groups = (K + PANEL_ROWS - 1) / PANEL_ROWS, .C = C};
  plan.gamma = du < 0.5 ? du / (1 - du) : (double)INFINITY;
  plan.eps = ((double)d / 8 + 8) * 0x1p-53;
  char *block;
  PetscCall(ArrayCreate((int64_t)lay_out(&plan, NULL), &block));
  lay_out(&plan, block);
  PetscCall(mean_centroid(&plan));
  for (int64_t g = 0; g < plan.groups; g++) prepare_group(&plan, g);
  memcpy(block, &plan, sizeof(plan));
  *centroids = (Nearest *)(void *)block;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestDestroy(Nearest **centroids)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(centroids));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Centred tokens as panels, with what their bounds need. */
static void prepare_tokens(const Nearest *N, int64_t count, const float *X, int64_t ldX)
{
  const int64_t d = N->d, lanes = (count + PANEL - 1) / PANEL * PANEL;
  for (int64_t t = 0; t < lanes; t++) {
    float *to = N->panels + t / PANEL * PANEL * d + t % PANEL;
    double square = 0;
    for (int64_t i = 0; i < d; i++) {
      const float v = t < count ? X[t * ldX + i] - N->mean[i] : 0.0f;
      to[i * PANEL] = v;
      square += (double)v * (double)v;
    }
    const double norm = above(sqrt(square));
    const bool wild = !(norm + N->largest < 1e18);
    N->reach[t] = wild ? 0.0f : (float)above((N->gamma + 8 * 0x1p-24) * norm);
    N->room[t] = wild ? INFINITY : (float)above(4 * N->eps * norm * norm + 0x1p-100);
    N->low[t] = t < count ? -INFINITY : +INFINITY;
    N->kept[t] = 0;
  }
}

/* One search: the tokens of a block, and where their answers go. */
typedef struct {
  const Nearest *N;
  int64_t count, ldX;
  const float *X;
  int32_t *index;
  double *distance;
  double (*distance64)(int64_t, const float *, const float *);
} Search;

/* Leaves out what a better lower bound has excluded since; gives how many stay. */
static int32_t prune(const Nearest *N, int64_t t)
{
  int32_t *candidate = N->candidate + t * LIST, kept = 0;
  float *upper = N->upper + t * LIST;
  for (int32_t q = 0; q < N->kept[t]; q++) {
    if (upper[q] < N->low[t]) continue;
    candidate[kept] = candidate[q];
    upper[kept++] = upper[q];
  }
  return N->kept[t] = kept;
}

/* Compares the listed centroids, which are all after those settled before, and empties the list. */
static void settle(const Search *S, int64_t t)
{
  const Nearest *N = S->N;
  const int32_t kept = prune(N, t);
  for (int32_t q = 0; q < kept; q++) {
    const int32_t j = N->candidate[t * LIST + q];
    const double distance = S->distance64(N->d, S->X + t * S->ldX, N->C + j * N->d);
    if (distance < S->distance[t]) {
      S->distance[t] = distance;
      S->index[t] = j;
    }
  }
  N->kept[t] = 0;
}

/* Lists the centroids of a group that may win for the tokens of a panel. A full list is pruned, and
   settled if that does not help, so that nothing is ever lost. */
static void take(const Search *S, int64_t group, int64_t first, unsigned hits)
{
  const Nearest *N = S->N;
  const int64_t lanes = min_i64(PANEL, S->count - first);
  for (int q = 0; q < PANEL_ROWS; q++) {
    const int64_t j = group * PANEL_ROWS + q;
    if (!(hits >> q & 1u) || j >= N->K) continue;
    for (int64_t t = first; t < first + lanes; t++) {
      const float e = N->reach[t] * N->radius[group] + N->slack[group] + N->room[t];
      const float upper = N->score[q * PANEL + t - first] + e;
      if (upper < N->low[t]) continue;
      if (N->kept[t] == LIST && prune(N, t) > LIST / 2) settle(S, t);
      N->candidate[t * LIST + N->kept[t]] = (int32_t)j;
      N->upper[t * LIST + N->kept[t]++] = upper;
    }
  }
}

static void search_block(const Search *S, Screen screen)
{
  const Nearest *N = S->N;
  prepare_tokens(N, S->count, S->X, S->ldX);
  for (int64_t t = 0; t < S->count; t++) {
    S->index[t] = 0;
    S->distance[t] = INFINITY;
  }
  for (int64_t g = 0; g < N->groups; g++) {
    ScreenTile tile = {.d = N->d,
                       .centroids = N->centred + g * N->d * PANEL_ROWS,
                       .init = N->init + g * PANEL_ROWS,
                       .radius = N->radius[g],
                       .slack = N->slack[g],
                       .score = N->score};
    for (int64_t t = 0; t < S->count; t += PANEL) {
      tile.tokens = N->panels + t * N->d;
      tile.reach = N->reach + t;
      tile.room = N->room + t;
      tile.low = N->low + t;
      const unsigned hits = screen(&tile);
      if (hits) take(S, g, t, hits);
    }
  }
  for (int64_t t = 0; t < S->count; t++) settle(S, t);
}

void nearest_search(int64_t n, const float *X, int64_t ldX, const Nearest *centroids, Screen screen,
                    double (*distance64)(int64_t, const float *, const float *), int32_t *index,
                    double *distance)
{
  for (int64_t t = 0; t < n; t += BLOCK) {
    const Search S = {.N = centroids,
                      .count = min_i64(BLOCK, n - t),
                      .ldX = ldX,
                      .X = X + t * ldX,
                      .index = index + t,
                      .distance = distance + t,
                      .distance64 = distance64};
    search_block(&S, screen);
  }
}
