/* The tokens that random trees isolate soonest. */
#include "../classical/select.h"
#include "base/math.h"
#include "base/random.h"
#include "compute/forest.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t width, trees, sample;
} IsolationForest;

typedef struct {
  Forest *forest;
  Packed packed; /* tokens that go down it together */
} Trees;

typedef struct {
  const Classical *c;
  const float *rows; /* the sample of this tree */
  int64_t deepest;
  Fork *fork; /* of this tree */
  double *leaf;
  uint64_t drawn;
} Growing;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(IsolationForest, width), NULL, 1, 1e9, "tokens chosen"},
    {"trees", PARAM_INT, offsetof(IsolationForest, trees), "100", 1, 1e5, "random trees"},
    {"sample", PARAM_INT, offsetof(IsolationForest, sample), "256", 2, 1e6,
     "training tokens that a tree is grown from"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return tokens_check(((const IsolationForest *)settings)->width, all);
}

/* Mean path length of an unsuccessful search among n (Liu, Ting and Zhou 2008, eq. 1). */
static double expected_path(int64_t n)
{
  const double m = (double)n;
  if (n < 2) return 0;
  return n == 2 ? 1 : 2 * (math_log(m - 1) + 0.5772156649015329) - 2 * (m - 1) / m;
}

static double drawn(Growing *g)
{
  return random_uniform((uint64_t)g->c->task->seed_init, RANDOM_ENCODER, g->drawn++);
}

/* A dimension in which these rows differ: the first such from a random one on; -1: none. */
static int64_t find_dimension(Growing *g, int64_t n, const int64_t *row, float *least, float *most)
{
  const int64_t d = g->c->d, start = (int64_t)(drawn(g) * (double)d);
  for (int64_t i = 0; i < d; i++) {
    const int64_t at = (start + i) % d;
    *least = *most = g->rows[row[0] * d + at];
    for (int64_t t = 1; t < n; t++) {
      *least = fminf(*least, g->rows[row[t] * d + at]);
      *most = fmaxf(*most, g->rows[row[t] * d + at]);
    }
    if (*least < *most) return at;
  }
  return -1;
}

/* Fills fork number `at` of the tree for rows row [n] of the sample, which are sorted to its sides.
   A float is >= a double where it is >= the next float from there on. */
static void grow(Growing *g, int64_t at, int64_t depth, int64_t n, int64_t *row)
{
  const int64_t d = g->c->d, last = ((int64_t)1 << g->deepest) - 1;
  float least = 0, most = 0;
  const int64_t by = n > 1 && depth < g->deepest ? find_dimension(g, n, row, &least, &most) : -1;
  if (by < 0) {
    while (at < last) at = 2 * at + 1;
    g->leaf[at - last] = (double)depth + expected_path(n);
    return;
  }
  const double cut = (double)least + drawn(g) * ((double)most - (double)least);
  int64_t below = 0;
  for (int64_t t = 0; t < n; t++) {
    const int64_t r = row[t];
    if ((double)g->rows[r * d + by] >= cut) continue;
    row[t] = row[below], row[below++] = r;
  }
  const float near = (float)cut;
  g->fork[at] = (Fork){(int32_t)by, (double)near < cut ? nextafterf(near, INFINITY) : near};
  grow(g, 2 * at + 1, depth + 1, below, row);
  grow(g, 2 * at + 2, depth + 1, n - below, row + below);
}

static PetscErrorCode Prepare(Classical *c, void **model)
{
  const IsolationForest *settings = c->params;
  const int64_t sample = min_i64(settings->sample, c->n);
  int64_t there = settings->trees * sample, *row;
  Trees *trees;
  float *rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &trees));
  *model = trees;
  PetscCall(ArrayCreate(sample, &row));
  PetscCall(SampleTokens(c, &there, &rows));
  Growing growing = {.c = c, .rows = rows};
  while ((int64_t)1 << growing.deepest < sample) growing.deepest++;
  PetscCall(ForestCreate(settings->trees, growing.deepest, &trees->forest));
  for (int64_t t = 0; t < settings->trees; t++) {
    growing.fork = trees->forest->fork + (t << growing.deepest);
    growing.leaf = trees->forest->leaf + (t << growing.deepest);
    for (int64_t i = 0; i < sample; i++) row[i] = (t * sample + i) % there;
    grow(&growing, 0, 0, sample, row);
  }
  PetscCall(ForestReady(trees->forest));
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Less the mean path: short ways to a leaf are the largest scores. */
static PetscErrorCode Score(const Classical *c, void *model, int64_t rows, const float *X,
                            double *score)
{
  Trees *trees = model;

  PetscFunctionBegin;
  memset(score, 0, (size_t)rows * sizeof(*score));
  for (int64_t t = 0; t < rows; t += PACKED_ROWS) {
    c->kernels->pack(min_i64(PACKED_ROWS, rows - t), c->d, X + t * c->d, c->d, &trees->packed);
    c->kernels->walk(trees->forest, &trees->packed, score + t);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Release(void **model)
{
  Trees *trees = *model;

  PetscFunctionBegin;
  if (!trees) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ForestDestroy(&trees->forest));
  packed_clear(&trees->packed);
  PetscCall(ArrayDestroy(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  const IsolationForest *s = settings;
  const double sample = fmin((double)s->sample, n), levels = ceil(log2(fmax(sample, 2))),
               trees = (double)s->trees, nodes = trees * levels, there = fmin(trees * sample, n);
  (void)p;
  MethodWork all =
      select_work(0, nodes, 20 * nodes, 10 * nodes * sample,
                  4 * there * d + trees * exp2(levels) *
                                      (double)(sizeof(Fork) + sizeof(double) + sizeof(TopFork)),
                  (there + (double)s->width) * d);
  work_part(&all, "walk", trees * exp2(levels) / 4, d, 1);
  return all;
}

/* The forks that the trees have, which end where a token is alone. */
static void fitted(const void *self, MethodWork *all)
{
  const Forest *f = ((const Trees *)select_model(self))->forest;
  all->part[0].a = (double)f->start[f->trees * f->top];
}

SELECT_METHOD(isolation_forest, IsolationForest,
              "the tokens that random trees isolate soonest; codes are 1 at the nearest",
              "Liu, Ting and Zhou 2008, ICDM, 413; Fel et al. 2025, arXiv:2502.12892, figure 11",
              .fitted = fitted)
