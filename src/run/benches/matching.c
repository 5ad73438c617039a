/* Matching of two unrelated dictionaries: the optimal assignment and the cosines that it needs. */
#include "base/array.h"
#include "compare/assignment.h"
#include "data/generator.h"
#include "run/bench.h"
#include <math.h>

static const char *const rows[] = {"matching", "cosines", "matching_blocks", NULL};
enum { D = 768, LARGE = 32768, LARGE_D = 128 };

typedef struct {
  const Kernels *kernels;
  int64_t m;
  float *a, *b, *cosine;
  int32_t *weight;
  int64_t *partner, sum;
  Packed packed;
} Pair;

static PetscErrorCode Match(void *context)
{
  Pair *p = context;

  PetscFunctionBegin;
  PetscCall(AssignmentSolve(p->m, p->m, p->weight, p->partner, &p->sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeCosines(void *context)
{
  Pair *p = context;

  PetscFunctionBegin;
  p->kernels->pack(p->m, D, p->b, D, &p->packed);
  p->kernels->scores(p->m, p->a, D, &p->packed, NULL, p->cosine, p->m);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(BenchRun *run, int64_t m, const char *size, const char *goal)
{
  Pair p = {.kernels = run->kernels, .m = m};
  BenchWork work = {.context = &p, .rounds = m > 4096 ? 1 : 3};
  BenchFigure figure = {.size = size};
  BenchTiming timing;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * D, &p.a));
  PetscCall(ArrayCreate(m * D, &p.b));
  PetscCall(ArrayCreate(m * m, &p.cosine));
  PetscCall(ArrayCreate(m * m, &p.weight));
  PetscCall(ArrayCreate(m, &p.partner));
  random_directions(1, 1, m, D, p.a);
  random_directions(2, 1, m, D, p.b);
  work.work = MakeCosines, work.limit = LIMIT_FMA;
  PetscCall(BenchTime(run, &work, &timing));
  figure.row = "cosines";
  bench_rate(&figure, LIMIT_FMA, &timing, 2.0 * (double)(m * m) * D);
  PetscCall(BenchRow(run, &figure));
  for (int64_t i = 0; i < m * m; i++) p.weight[i] = (int32_t)llrint((double)p.cosine[i] * 0x1p30);
  work.work = Match, work.limit = LIMIT_READ;
  PetscCall(BenchTime(run, &work, &timing));
  figure = (BenchFigure){.row = "matching",
                         .size = size,
                         .figure = timing.seconds,
                         .unit = "s",
                         .limit = "memory read, the weights once",
                         .limit_value = 4.0 * (double)(m * m) / timing.rate,
                         .goal = goal};
  PetscCall(BenchRow(run, &figure));
  packed_clear(&p.packed);
  PetscCall(ArrayDestroy(&p.partner));
  PetscCall(ArrayDestroy(&p.weight));
  PetscCall(ArrayDestroy(&p.cosine));
  PetscCall(ArrayDestroy(&p.b));
  PetscCall(ArrayDestroy(&p.a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MatchBlocks(void *context)
{
  Pair *p = context;

  PetscFunctionBegin;
  PetscCall(AssignmentOfCosines(&(Cosines){p->kernels, p->m, p->m, LARGE_D, p->a, p->b},
                                WEIGHTS_ROOM, p->partner, &p->sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the atoms on, the weights held. */
static PetscErrorCode MeasureLarge(BenchRun *run)
{
  const double m = LARGE;
  Pair p = {.kernels = run->kernels, .m = LARGE};
  const BenchWork work = {
      .work = MatchBlocks, .context = &p, .rounds = 1, .first = true, .limit = LIMIT_FMA};
  BenchTiming timing;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(LARGE * LARGE_D, &p.a));
  PetscCall(ArrayCreate(LARGE * LARGE_D, &p.b));
  PetscCall(ArrayCreate(LARGE, &p.partner));
  random_directions(1, 1, LARGE, LARGE_D, p.a);
  random_directions(2, 1, LARGE, LARGE_D, p.b);
  PetscCall(BenchTime(run, &work, &timing));
  const BenchFigure figure = {.row = "matching_blocks",
                              .size = "32768 x 32768, d = 128, with cosines",
                              .figure = timing.seconds,
                              .unit = "s",
                              .limit = "multiply-add peak, the cosines",
                              .limit_value = 2 * m * m * LARGE_D / timing.rate,
                              .goal = "figure <= 60"};
  PetscCall(BenchRow(run, &figure));
  PetscCall(ArrayDestroy(&p.partner));
  PetscCall(ArrayDestroy(&p.b));
  PetscCall(ArrayDestroy(&p.a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  PetscFunctionBegin;
  PetscCall(Measure(run, 2000, "2000 x 2000, d = 768", "figure <= 0.1"));
  PetscCall(Measure(run, 8192, "8192 x 8192, d = 768", "figure <= 2"));
  PetscCall(MeasureLarge(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_matching = {
    .entry = {"matching", "two dictionaries of random directions matched one to one, one core"},
    .rows = rows,
    .run = Run,
};
