/* Archetypal atoms with many anchors: the two products, what zeros in W save, whole steps. */
#include "base/array.h"
#include "base/random.h"
#include "learn/sae.h"
#include "run/bench_task.h"
#include <stdlib.h>

enum { ROWS = 960, ANCHORS = 8192, D = 768, ALL = 32000, M = 3840, B = 4096, SUPPORT = 128 };

static const char *const rows[] = {"hull_combine", "hull_gradient", "hull_zeros",
                                   "hull_step",    "hull_support",  NULL};

typedef struct {
  const Kernels *kernels;
  float *W, *C, *X;
  Packed packed;
} Products;

static PetscErrorCode Combine(void *context)
{
  Products *a = context;
  PetscFunctionBegin;
  a->kernels->combine(ROWS, ANCHORS, D, a->W, ANCHORS, a->C, D, a->X, D);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(void *context)
{
  Products *a = context;
  PetscFunctionBegin;
  a->kernels->scores(ROWS, a->C, D, &a->packed, NULL, a->W, ANCHORS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each element is 0 with this probability in percent. */
static void fill_weights(Products *a, int zeros)
{
  for (int64_t i = 0; i < ROWS * ANCHORS; i++)
    a->W[i] = random_below(1, RANDOM_SAMPLE, (uint64_t)i, 100) < zeros ? 0 : 1e-4f;
}

static PetscErrorCode OneProduct(BenchRun *run, Products *a, const char *row, const char *size,
                                 PetscErrorCode (*work)(void *), const char *goal)
{
  const BenchWork timed = {.work = work, .context = a, .limit = LIMIT_FMA, .seconds = 1};
  BenchTiming timing;
  BenchFigure figure = {.row = row, .size = size, .goal = goal};

  PetscFunctionBegin;
  PetscCall(BenchTime(run, &timed, &timing));
  bench_rate(&figure, LIMIT_FMA, &timing, 2.0 * ROWS * ANCHORS * D);
  PetscCall(BenchRow(run, &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunProducts(BenchRun *run)
{
  static const struct {
    int percent;
    const char *size;
  } zeros[] = {{50, "960 x 8192 x 768, 50 % of W is 0"},
               {90, "960 x 8192 x 768, 90 % of W is 0"},
               {99, "960 x 8192 x 768, 99 % of W is 0"}};
  Products a = {.kernels = run->kernels};

  PetscFunctionBegin;
  PetscCall(ArrayCreate(ROWS * ANCHORS, &a.W));
  PetscCall(ArrayCreate(ANCHORS * D, &a.C));
  PetscCall(ArrayCreate(ROWS * D, &a.X));
  for (int64_t i = 0; i < ANCHORS * D; i++)
    a.C[i] = (float)(random_uniform(2, RANDOM_SAMPLE, (uint64_t)i) - 0.5);
  a.kernels->pack(ANCHORS, D, a.C, D, &a.packed);
  fill_weights(&a, 0);
  if (bench_wants(run, "hull_combine"))
    PetscCall(OneProduct(run, &a, "hull_combine", "960 x 8192 x 768", Combine, "ratio >= 0.9"));
  for (int i = 0; i < 3 && bench_wants(run, "hull_zeros"); i++) {
    fill_weights(&a, zeros[i].percent);
    PetscCall(OneProduct(run, &a, "hull_zeros", zeros[i].size, Combine, NULL));
  }
  if (bench_wants(run, "hull_gradient"))
    PetscCall(OneProduct(run, &a, "hull_gradient", "960 x 768 x 8192", Gradient, "ratio >= 0.9"));
  PetscCall(ArrayDestroy(&a.W));
  PetscCall(ArrayDestroy(&a.C));
  PetscCall(ArrayDestroy(&a.X));
  packed_clear(&a.packed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps of TopK models with such atoms, in turns. */
typedef struct {
  const char *atoms;
  int64_t p;
} Steps;
enum { MODELS = 3 };

static PetscErrorCode TimeSteps(BenchRun *run, const char *tokens, int count, const Steps *steps,
                                BenchTiming *timing)
{
  BenchTask *task[MODELS];
  BenchWork work[MODELS] = {{.rounds = count < MODELS ? 3 : 4}}; /* all anchors: seconds a step */

  PetscFunctionBegin;
  for (int i = 0; i < count; i++) {
    Text words = {0};
    text_add(&words,
             "method=sae train.epochs=100000 width=%d code.name=topk code.k=32 train.batch=%d %s",
             M, B, steps[i].atoms);
    PetscCall(BenchTaskOpen(run, PETSC_COMM_SELF, tokens, words.s, steps[i].p, &task[i]));
    text_clear(&words);
    work[i].work = BenchTaskStep, work[i].context = task[i], work[i].limit = LIMIT_FMA;
    work[i].first = count < MODELS && steps[i].p;
  }
  PetscCall(BenchTimeTurns(run, count, work, timing));
  for (int i = 0; i < count; i++) PetscCall(BenchTaskClose(&task[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunAll(BenchRun *run, const char *tokens)
{
  static const Steps steps[] = {{"atoms.name=free", 0}, {"atoms.name=hull_relaxed", ALL}};
  BenchTiming time[2];

  PetscFunctionBegin;
  PetscCall(TimeSteps(run, tokens, 2, steps, time));
  const BenchFigure figure = {
      .row = "hull_step",
      .size = "hull_relaxed, p = 32000, m = 3840, d = 768, k = 32, batch 4096",
      .figure = 1e3 * time[1].seconds,
      .unit = "ms/step",
      .limit = "1.25 x both products at peak, and a topk step",
      .limit_value = 1e3 * (1.25 * 4.0 * M * ALL * D / time[1].rate + time[0].seconds),
      .goal = "ratio <= 1"};
  PetscCall(BenchRow(run, &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunSupport(BenchRun *run, const char *tokens)
{
  static const Steps steps[] = {{"atoms.name=free", 0},
                                {"atoms.name=hull_relaxed atoms.support=128", ALL},
                                {"atoms.name=hull_relaxed atoms.support=128 atoms.renew=1", ALL}};
  BenchTiming time[3];

  PetscFunctionBegin;
  PetscCall(TimeSteps(run, tokens, 3, steps, time));
  const double few = time[1].seconds, renewal = time[2].seconds - few;
  const BenchFigure figure = {.row = "hull_support",
                              .size = "the same, 128 nearest anchors, renewed every 100 steps",
                              .figure = 1e3 * (few + renewal / 100),
                              .unit = "ms/step",
                              .limit = "topk step",
                              .limit_value = 1e3 * time[0].seconds,
                              .goal = "ratio <= 1.5"};
  PetscCall(BenchRow(run, &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  char *tokens;

  PetscFunctionBegin;
  const bool products = bench_wants(run, "hull_combine") || bench_wants(run, "hull_gradient") ||
                        bench_wants(run, "hull_zeros"),
             steps = bench_wants(run, "hull_step") || bench_wants(run, "hull_support");
  if (products && run->rank == 0) PetscCall(RunProducts(run));
  if (steps) {
    PetscCall(BenchTokensFile(run, BENCH_NOISE, ALL + B, D, &tokens));
    if (run->rank == 0 && bench_wants(run, "hull_step")) PetscCall(RunAll(run, tokens));
    if (run->rank == 0 && bench_wants(run, "hull_support")) PetscCall(RunSupport(run, tokens));
    free(tokens);
  }
  PetscCall(BenchMeet(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_hull = {
    .entry = {"hull", "archetypal atoms with many anchors, one core"},
    .rows = rows,
    .together = true,
    .run = Run,
};
