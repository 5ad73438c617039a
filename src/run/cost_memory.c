/* What a run holds in memory, by the sizes of its arrays. */
#include "run/cost.h"
#include <math.h>

/* Large arrays are whole numbers of 2 MiB, and not all that is freed is taken again. */
#define ROUNDED 1.12

enum {
  SCORE_ROWS = 128 + 64, /* of a step: tokens whose scores are held */
  BLOCK_LEAST = 3072,    /* of k-means: tokens of a rank that are read together */
  BLOCK_MOST = 8192,
  BLOCK_MORE = 2048, /* of other ranks */
  RUN_ATOMS = 256,   /* whose tokens are sorted together, where they are many */
  LEAF = 1024,       /* tokens of a sum, or of units that are read together */
  STORED = 2,        /* bytes of a value of a token in a file, read ahead twice */
  READ = (int)sizeof(float) + 2 * STORED /* bytes of a value of a token here */
};

/* Weights of W that an atom has. */
static double weights(const CostShape *s)
{
  return s->support > 0 ? s->support : s->anchors;
}

/* Parameters that ranks have in slices. */
static double sliced(const CostShape *s)
{
  const double md = s->m * s->d, w = s->m * weights(s);
  const double encoder = s->tied ? 0 : s->m * (s->hidden > 0 ? s->hidden : s->d);
  return (s->anchors > 0 ? w + (s->relaxed ? md : 0) : md) + encoder + 3 * s->m;
}

static void steps_memory(const CostShape *s, const CostGroup *group, Cost *cost)
{
  const double R = group->ranks, md = s->m * s->d, bd = s->batch * s->d;
  const double held = s->batch * s->entries, whole = s->hidden * (s->d + 4),
               parameters = sliced(s) / R + whole;
  cost->rank = 16 * parameters + READ * bd / R + 4 * SCORE_ROWS * s->m + 48 * s->m +
               s->bytes * held / R + 8 * s->points * s->d +
               4 * (double)step_work((int64_t)s->batch, (int64_t)s->m, s->unrolled);
  if (s->tied) cost->rank += 4 * md / R;        /* gradients of rows that are no parameters */
  if (s->anchors > 0) cost->rank += 4 * md / R; /* of atoms that are none */
  if (s->support > 0) cost->rank += s->m * (20 * s->support + 256) / R;
  if (s->averaged) cost->rank += 8 * parameters + 4 * md / R;
  if (s->levels > 1 || s->gate || s->scans > 1) cost->rank += 8 * md / R;
  if (s->revived) cost->rank += 8 * md + 8 * md / R;
  cost->rank +=
      4 * s->hidden * (s->batch + s->d) + /* products of slopes and tokens */
      4 * fmin(s->hidden, LEAF) * (LEAF + (2 + floor(log2(fmax(s->batch / LEAF, 1)))) * s->d);
  if (s->entries > s->m / 4) cost->rank += 16 * md / R; /* sums by dense products */
  if (s->entries > s->m / 8) cost->rank += 4 * bd + 5 * RUN_ATOMS * s->batch; /* by runs */
  if (cost->route == ROUTE_ALLREDUCE) cost->rank += 8 * md;
  /* atoms and encoder, the encoder packed; tokens, residuals of each part; codes of all ranks */
  cost->node = 12 * md + (s->filtered || s->picks > 0 ? 2 * md : 0) +
               4 * bd * (2 + s->levels + s->gate + s->apart) + 16 * s->batch * s->hidden +
               (R > 1 ? 16 * held : 0) + (s->picks > 0 ? 2 * s->m * s->m : 0);
}

static void kmeans_memory(const CostShape *s, const CostGroup *group, Cost *cost)
{
  const double kd = s->m * s->d, R = group->ranks,
               block = fmax(BLOCK_LEAST, fmin(0x1p37 / kd, BLOCK_MOST)),
               tokens = fmin(block, s->n / R),
               pool = s->n / R * s->d; /* tokens that a start keeps */
  double start = 0;
  if (s->drawn + s->oversized > 0) /* 12: how far each token is, and from which */
    start = 12 * s->n / R + 4 * (kd + (pool <= 0x1p27 ? pool : 0));
  start += 8 * s->oversized * s->d;                         /* as it grows */
  cost->rank = 8 * kd + fmax(READ * tokens * s->d, start) + /* sums, and what they are of */
               (R > 1 ? 4.0 * BLOCK_MORE * s->d : 0);
  cost->node = kd * (4 + 4 + 6); /* centroids twice and as whole numbers */
}

static void units_memory(const CostShape *s, const CostGroup *group, Cost *cost)
{
  const MethodWork *w = &s->work;
  const double R = group->ranks;
  const double leaf = w->units > 0 ? fmin(LEAF, s->batch) : 0;
  cost->rank = 12 * s->m * s->d + READ * leaf * s->d + (20 + 8 / R) * w->sums + w->memory +
               w->spread_memory / R;
}

void cost_memory(const CostShape *s, const CostGroup *group, Cost *cost)
{
  static void (*const of[])(const CostShape *, const CostGroup *, Cost *) = {
      [COST_STEPS] = steps_memory, [COST_KMEANS] = kmeans_memory, [COST_UNITS] = units_memory};
  cost->rank = cost->node = 0;
  of[s->kind](s, group, cost);
  cost->rank *= ROUNDED, cost->node *= ROUNDED;
  cost->memory = cost->rank + cost->node / fmax((double)group->ranks / group->nodes, 1);
}
