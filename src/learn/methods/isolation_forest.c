/* The tokens that random trees isolate soonest. */
#include "../classical/select.h"
#include "base/math.h"
#include "base/random.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t width, trees, sample;
} Forest;

/* A node: goes left where x[dimension] < at; dimension -1: a leaf of `at` path length. */
typedef struct {
  int32_t dimension;
  int64_t left; /* number of the left child; the right one follows it */
  double at;
} Node;

/* A node of a tree written out in full: it goes to the second of its children where x[dimension] >=
   cut. Below a leaf all go to the first. */
typedef struct {
  int32_t dimension;
  float cut;
} Fork;

typedef struct {
  int64_t trees, count;
  int64_t *root; /* [trees] */
  Node *node;
  int64_t deepest; /* levels; a tree has 2^deepest - 1 forks */
  Fork *fork;      /* [trees x 2^deepest] */
  double *path;    /* [trees x 2^deepest] lengths */
} Trees;

typedef struct {
  const Classical *c;
  Trees *trees;
  const float *rows; /* the sample of this tree */
  int64_t deepest;
  uint64_t drawn;
} Growing;

enum { TOGETHER = 8 }; /* tokens that go down a tree side by side */

static const Param params[] = {
    {"width", PARAM_INT, offsetof(Forest, width), NULL, 1, 1e9, "tokens chosen"},
    {"trees", PARAM_INT, offsetof(Forest, trees), "100", 1, 1e5, "random trees"},
    {"sample", PARAM_INT, offsetof(Forest, sample), "256", 2, 1e6,
     "training tokens that a tree is grown from"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return tokens_check(((const Forest *)settings)->width, all);
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

/* Fills node number `at` for rows row [n] of the sample, which are sorted to its sides. */
static void grow(Growing *g, int64_t at, int64_t depth, int64_t n, int64_t *row)
{
  const int64_t d = g->c->d;
  Node *node = g->trees->node;
  float least = 0, most = 0;
  const int64_t by = n > 1 && depth < g->deepest ? find_dimension(g, n, row, &least, &most) : -1;
  if (by < 0) {
    node[at] = (Node){-1, 0, (double)depth + expected_path(n)};
    return;
  }
  const double cut = (double)least + drawn(g) * ((double)most - (double)least);
  int64_t below = 0;
  for (int64_t t = 0; t < n; t++) {
    const int64_t r = row[t];
    if ((double)g->rows[r * d + by] >= cut) continue;
    row[t] = row[below], row[below++] = r;
  }
  const int64_t left = g->trees->count;
  g->trees->count += 2;
  node[at] = (Node){(int32_t)by, left, cut};
  grow(g, left, depth + 1, below, row);
  grow(g, left + 1, depth + 1, n - below, row + below);
}

/* Writes node `from` and what is below it as fork `at`; a float is >= a double where it is >= the
   next float from there on. */
static void write_out(const Trees *trees, int64_t from, int64_t at, Fork *fork, double *path)
{
  const Node *node = &trees->node[from];
  const int64_t forks = ((int64_t)1 << trees->deepest) - 1;
  if (at >= forks) {
    path[at - forks] = node->at;
    return;
  }
  const bool leaf = node->dimension < 0;
  float cut = (float)node->at;
  if ((double)cut < node->at) cut = nextafterf(cut, INFINITY);
  fork[at] = leaf ? (Fork){0, INFINITY} : (Fork){node->dimension, cut};
  write_out(trees, leaf ? from : node->left, 2 * at + 1, fork, path);
  if (!leaf) write_out(trees, node->left + 1, 2 * at + 2, fork, path);
}

static PetscErrorCode Prepare(Classical *c, void **model)
{
  const Forest *forest = c->params;
  const int64_t sample = min_i64(forest->sample, c->n), most = forest->trees * sample;
  int64_t there = most, *row;
  Trees *trees;
  float *rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &trees));
  *model = trees;
  trees->trees = forest->trees;
  PetscCall(ArrayCreate(forest->trees, &trees->root));
  PetscCall(ArrayCreate(2 * most, &trees->node));
  PetscCall(ArrayCreate(sample, &row));
  PetscCall(SampleTokens(c, &there, &rows));
  Growing growing = {.c = c, .trees = trees, .rows = rows};
  while ((int64_t)1 << growing.deepest < sample) growing.deepest++;
  for (int64_t t = 0; t < forest->trees; t++) {
    for (int64_t i = 0; i < sample; i++) row[i] = (t * sample + i) % there;
    trees->root[t] = trees->count++;
    grow(&growing, trees->root[t], 0, sample, row);
  }
  trees->deepest = growing.deepest;
  PetscCall(ArrayCreate(trees->trees << trees->deepest, &trees->fork));
  PetscCall(ArrayCreate(trees->trees << trees->deepest, &trees->path));
  for (int64_t t = 0; t < trees->trees; t++)
    write_out(trees, trees->root[t], 0, trees->fork + (t << trees->deepest),
              trees->path + (t << trees->deepest));
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Less the mean path: short ways to a leaf are the largest scores. */
static PetscErrorCode Score(const Classical *c, void *model, int64_t rows, const float *X,
                            double *score)
{
  const Trees *trees = model;
  const int64_t d = c->d;

  PetscFunctionBegin;
  memset(score, 0, (size_t)rows * sizeof(*score));
  for (int64_t t = 0; t < rows; t += TOGETHER) {
    const int64_t count = min_i64(TOGETHER, rows - t);
    const float *x[TOGETHER];
    for (int64_t q = 0; q < TOGETHER; q++) x[q] = X + (q < count ? t + q : t) * d;
    for (int64_t r = 0; r < trees->trees; r++) {
      const Fork *fork = trees->fork + (r << trees->deepest);
      const double *path =
          trees->path + (r << trees->deepest) - (((int64_t)1 << trees->deepest) - 1);
      int64_t at[TOGETHER] = {0};
      for (int64_t level = 0; level < trees->deepest; level++)
#pragma GCC unroll 8
        for (int q = 0; q < TOGETHER; q++) {
          const Fork *now = &fork[at[q]];
          at[q] = 2 * at[q] + 1 + (x[q][now->dimension] >= now->cut);
        }
      for (int64_t q = 0; q < count; q++) score[t + q] -= path[at[q]];
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Release(void **model)
{
  Trees *trees = *model;

  PetscFunctionBegin;
  if (!trees) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&trees->root));
  PetscCall(ArrayDestroy(&trees->node));
  PetscCall(ArrayDestroy(&trees->fork));
  PetscCall(ArrayDestroy(&trees->path));
  PetscCall(ArrayDestroy(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  const Forest *s = settings;
  const double sample = fmin((double)s->sample, n);
  const double nodes = (double)s->trees * ceil(log2(fmax(sample, 2)));
  const double drawn = (double)s->trees * sample, there = fmin(drawn, n);
  (void)p;
  MethodWork all =
      select_work(0, nodes, 20 * nodes, 10 * nodes * sample,
                  4 * there * d + 2 * drawn * (double)sizeof(Node), (there + (double)s->width) * d);
  work_part(&all, "memory read", 20 * nodes, 0, 1);
  return all;
}

SELECT_METHOD(isolation_forest, Forest,
              "the tokens that random trees isolate soonest; codes are 1 at the nearest",
              "Liu, Ting and Zhou 2008, ICDM, 413; Fel et al. 2025, arXiv:2502.12892, figure 11", )
