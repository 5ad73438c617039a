/* Corners of the tokens' convex hull in their leading principal directions. */
#include "../classical/lanes.h"
#include "../classical/select.h"
#include "../classical/work.h"
#include "base/random.h"
#include "learn/kmeans.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STAGE_GRAM, STAGE_CORNERS };

typedef struct {
  int64_t width, components, directions;
} HullParams;

/* The token that is farthest along a direction. */
typedef struct {
  double far;
  int64_t token; /* -1: none yet */
} Corner;

typedef struct {
  int64_t k, count; /* principal directions; directions among them */
  double *values, *vectors;
  float *shift;
  Packed axes, directions;
  bool ready;
  Corner *corner; /* [count] */
  int64_t ld;     /* count, up to a multiple of 4 */
  float *far;     /* [ld] how far they are, - infinity where there is none yet */
} Hull;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(HullParams, width), NULL, 1, 1e9, "tokens chosen"},
    {"components", PARAM_INT, offsetof(HullParams, components), "10", 1, 1e6,
     "leading principal directions (at most as many as dimensions)"},
    {"directions", PARAM_INT, offsetof(HullParams, directions), "4", 1, 1e6,
     "random directions for each token chosen, along which the farthest token is a corner"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return tokens_check(((const HullParams *)settings)->width, all);
}

static PetscErrorCode Again(Classical *c)
{
  Hull *hull = c->own;

  PetscFunctionBegin;
  hull->ready = false;
  for (int64_t i = 0; i < hull->count; i++)
    hull->corner[i] = (Corner){0, -1}, hull->far[i] = -INFINITY;
  for (int64_t i = hull->count; i < hull->ld; i++) hull->far[i] = INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(Classical *c)
{
  const HullParams *p = c->params;
  Hull *hull;
  void *array[2];
  float *rows;
  int64_t drawn = c->m;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &hull));
  c->own = hull;
  hull->k = min_i64(p->components, c->d);
  hull->count = 2 * hull->k + p->directions * c->m;
  PetscCall(ClassicalArray(c, "axes/values", H5_F64, 1, hull->k, 1, false, &array[0]));
  PetscCall(ClassicalArray(c, "axes/vectors", H5_F64, 2, hull->k, c->d, false, &array[1]));
  hull->values = array[0], hull->vectors = array[1];
  PetscCall(ArrayCreate(c->d, &hull->shift));
  PetscCall(ArrayCreate(hull->count, &hull->corner));
  hull->ld = (hull->count + 3) / 4 * 4;
  PetscCall(ArrayCreate(hull->ld, &hull->far));
  shift_of(&c->task->view, hull->shift);
  PetscCall(SampleTokens(c, &drawn, &rows));
  memcpy(c->atoms, rows, (size_t)(drawn * c->d) * sizeof(*rows));
  PetscCall(ArrayDestroy(&rows));
  PetscCall(Again(c));
  c->units = 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t count(const Classical *c)
{
  return c->number[CLASSICAL_STAGE] == STAGE_GRAM ? gram_count(c->d) : 1;
}

/* Whitened axes, and directions among them: both ways along each, then normals. */
static PetscErrorCode Prepare(Classical *c, Hull *hull)
{
  const int64_t k = hull->k, d = c->d;
  float *rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(max_i64(k * d, hull->count * k), &rows));
  for (int64_t i = 0; i < k * d; i++) {
    const double value = hull->values[i / d];
    rows[i] = value > 0 ? (float)(hull->vectors[i] / sqrt(value)) : 0;
  }
  c->kernels->pack(k, d, rows, d, &hull->axes);
  memset(rows, 0, (size_t)(2 * k * k) * sizeof(*rows));
  for (int64_t i = 0; i < 2 * k; i++) rows[i * k + i / 2] = i % 2 ? -1 : 1;
  for (int64_t i = 2 * k * k; i < hull->count * k; i++)
    rows[i] =
        (float)random_normal((uint64_t)c->task->seed_init, RANDOM_ATOMS, (uint64_t)(i - 2 * k * k));
  c->kernels->pack(hull->count, k, rows, k, &hull->directions);
  PetscCall(ArrayDestroy(&rows));
  hull->ready = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void improve(Corner *corner, double far, int64_t token)
{
  if (corner->token < 0 || far > corner->far || (far == corner->far && token < corner->token))
    *corner = (Corner){far, token};
}

/* Is a token with these products farther along any direction? */
static bool any_farther(const Hull *hull, const float *s)
{
  FloatMask farther = {0};
  for (int64_t i = 0; i < hull->ld; i += 4)
    farther |= *(const FloatLanes *)(s + i) > *(const FloatLanes *)(hull->far + i);
  return (farther[0] | farther[1] | farther[2] | farther[3]) != 0;
}

/* Tokens come in order, so the first of equals stays. S [rows x ld] */
static void find_corners(Hull *hull, int64_t first, int64_t rows, const float *S)
{
  for (int64_t t = 0; t < rows; t++) {
    const float *s = S + t * hull->ld;
    if (!any_farther(hull, s)) continue;
    for (int64_t i = 0; i < hull->count; i++)
      if (s[i] > hull->far[i]) {
        hull->far[i] = s[i];
        hull->corner[i] = (Corner){(double)s[i], first + t};
      }
  }
}

static PetscErrorCode Leaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums)
{
  Hull *hull = c->own;
  const int64_t d = c->d, chunk = CLASSICAL_FEW;
  float *xc, *Y, *S;

  PetscFunctionBegin;
  if (c->number[CLASSICAL_STAGE] == STAGE_GRAM) {
    gram_leaf(c, hull->shift, rows, X, sums);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!hull->ready) PetscCall(Prepare(c, hull));
  PetscCall(ClassicalScratch(c, 0, chunk * d, &xc));
  PetscCall(ClassicalScratch(c, 1, chunk * hull->k, &Y));
  PetscCall(ClassicalScratch(c, 2, chunk * hull->ld, &S));
  for (int64_t t = 0; t < rows; t += chunk) {
    const int64_t count = min_i64(chunk, rows - t);
    less_shift(count, d, X + t * d, hull->shift, xc);
    c->kernels->scores(count, xc, d, &hull->axes, NULL, Y, hull->k);
    c->kernels->scores(count, Y, hull->k, &hull->directions, NULL, S, hull->ld);
    find_corners(hull, first + t, count, S);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The corners of all ranks. */
static PetscErrorCode Join(Classical *c)
{
  Hull *hull = c->own;
  const int bytes = (int)(hull->count * (int64_t)sizeof(Corner));
  Corner *all;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(c->size * hull->count, &all));
  PetscCallMPI(MPI_Allgather(hull->corner, bytes, MPI_BYTE, all, bytes, MPI_BYTE, c->task->comm));
  for (int64_t i = 0; i < c->size * hull->count; i++)
    if (all[i].token >= 0) improve(&hull->corner[i % hull->count], all[i].far, all[i].token);
  PetscCall(ArrayDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int by_token(const void *a, const void *b)
{
  const int64_t x = ((const Corner *)a)->token, y = ((const Corner *)b)->token;
  return (x > y) - (x < y);
}

static int by_wins(const void *a, const void *b)
{
  const Corner *x = a, *y = b;
  return x->far == y->far ? by_token(a, b) : x->far > y->far ? -1 : 1;
}

/* Corners, that of most directions first; where there are fewer than atoms, random tokens that are
   none. */
static PetscErrorCode Choose(Classical *c)
{
  Hull *hull = c->own;
  Corner *corner = hull->corner;
  int64_t corners = 0, *token;

  PetscFunctionBegin;
  qsort(corner, (size_t)hull->count, sizeof(*corner), by_token);
  for (int64_t i = 0; i < hull->count; i++) {
    if (!corners || corner[corners - 1].token != corner[i].token)
      corner[corners++] = (Corner){0, corner[i].token};
    corner[corners - 1].far++;
  }
  PetscCall(ArrayCreate(c->m, &token));
  int64_t chosen = min_i64(corners, c->m);
  for (int64_t t = 0; t < c->n && chosen < c->m; t++) {
    const Corner one = {0, random_permuted((uint64_t)c->task->seed_init, RANDOM_PICK, 0, c->n, t)};
    if (!bsearch(&one, corner, (size_t)corners, sizeof(one), by_token)) token[chosen++] = one.token;
  }
  qsort(corner, (size_t)corners, sizeof(*corner), by_wins);
  for (int64_t j = 0; j < min_i64(corners, c->m); j++) token[j] = corner[j].token;
  PetscCall(KMeansGather(c->task, c->m, token, c->atoms));
  PetscCall(ArrayDestroy(&token));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Classical *c, const double *sums, double objective, StepReport *report)
{
  Hull *hull = c->own;
  double *mean;

  PetscFunctionBegin;
  (void)objective, (void)report;
  if (c->number[CLASSICAL_STAGE] == STAGE_GRAM) {
    PetscCall(ArrayCreate(c->d, &mean));
    PetscCall(
        SpectrumOfGram(c->n, c->d, sums, hull->shift, hull->k, mean, hull->values, hull->vectors));
    PetscCall(ArrayDestroy(&mean));
    c->number[CLASSICAL_STAGE] = STAGE_CORNERS;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Join(c));
  PetscCall(Choose(c));
  c->number[CLASSICAL_ENDED] = CLASSICAL_SOLVED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Classical *c)
{
  Hull *hull = c->own;

  PetscFunctionBegin;
  packed_clear(&hull->axes);
  packed_clear(&hull->directions);
  PetscCall(ArrayDestroy(&hull->shift));
  PetscCall(ArrayDestroy(&hull->corner));
  PetscCall(ArrayDestroy(&hull->far));
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  const HullParams *hull = settings;
  const double k = fmin((double)hull->components, d),
               count = 2 * k + (double)(hull->directions * hull->width);
  MethodWork all = gram_work(d);
  (void)n, (void)p;
  all.part[0] = (WorkPart){"less_shift", 0, d, 1};
  work_part(&all, "scores", k, d, 1);
  work_part(&all, "scores", count, k, 1);
  all.units = 2;
  all.first = 1;
  all.before = all.products;
  all.products = 2 * k * d + 2 * k * count;
  all.touched = 8 * count; /* products, and the corners so far */
  all.memory += 2 * (double)sizeof(Corner) * count;
  all.gathered = (double)hull->width * d;
  return all;
}

static const ClassicalParts parts = {.start = Start,
                                     .count = count,
                                     .leaf = Leaf,
                                     .finish = Finish,
                                     .destroy = Destroy,
                                     .again = Again};

extern const Method method_data_hull;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_data_hull.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_data_hull = {
    .entry = {"data_hull",
              "corners of the tokens' hull in leading principal directions; codes are 1 at the "
              "nearest",
              "Fel et al. 2025, arXiv:2502.12892, figure 11", params, sizeof(HullParams), SEED_INIT,
              .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeNearest,
    .work = work,
};
