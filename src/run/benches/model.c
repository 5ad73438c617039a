/* The model of the cost: its numbers measured, then steps of other sizes held against what it
   predicts for them. */
#include "base/clock.h"
#include "learn/method.h"
#include "run/bench_task.h"
#include "run/calibrate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const rows[] = {"prediction", NULL};

static const struct {
  const char *size, *words;
  int64_t n, d, p;
} list[] = {
    {"topk 512 x 112, k = 16, batch 1024",
     "width=512 code.name=topk code.k=16 train.batch=1024 atoms.name=free", 12288, 112, 0},
    {"topk 2048 x 512, k = 64, batch 2048",
     "width=2048 code.name=topk code.k=64 train.batch=2048 atoms.name=free", 8192, 512, 0},
    {"topk 3840 x 768, k = 32, batch 4096",
     "width=3840 code.name=topk code.k=32 train.batch=4096 atoms.name=free", 12288, 768, 0},
    {"hull_relaxed 1536 x 768, p = 4096, batch 2048",
     "width=1536 code.name=topk code.k=32 train.batch=2048 atoms.name=hull_relaxed "
     "atoms.pick=permuted",
     8192, 768, 4096},
    {"k-means 2048 x 512", "method=kmeans width=2048 iterations=1000 init.name=random", 24576, 512,
     0},
};

/* Measured and predicted seconds of one case on all ranks. */
static PetscErrorCode Case(BenchRun *run, const Machine *machine, int i)
{
  const CostGroup group = {.ranks = run->size, .nodes = 1, .busy = run->size};
  const bool kmeans = strstr(list[i].words, "kmeans") != NULL;
  Text words = {0};
  Settings settings = {0};
  CostShape shape;
  double seconds;

  PetscFunctionBegin;
  text_add(&words, kmeans ? "%s" : "method=sae train.epochs=100000 %s", list[i].words);
  PetscCall(BenchStepSeconds(
      run, &(StepCase){words.s, list[i].n, list[i].d, list[i].p, .together = true}, &seconds));
  bench_settings(words.s, &settings);
  PetscCall(CostShapeOf(&settings, list[i].n, list[i].d, list[i].p, &shape));
  const Cost cost = cost_of(machine, &shape, &group);
  const BenchFigure figure = {.row = "prediction",
                              .size = list[i].size,
                              .figure = 1e3 * seconds,
                              .unit = kmeans ? "ms/pass" : "ms/step",
                              .limit = "predicted",
                              .limit_value = 1e3 * cost.step,
                              .goal = "ratio 0.75 to 1.25"};
  PetscCall(BenchRow(run, &figure));
  settings_clear(&settings);
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum {
  METHOD_TOKENS = 8192,
  METHOD_WIDTH = 256,
  METHOD_ATOMS = 48,
  CANDIDATES = 512,
  TURNS = 4,
  ROUNDS = 4
};

/* Seconds of a whole run on all ranks, the least of some. */
static PetscErrorCode WholeRun(BenchRun *run, const char *path, const char *words, double *seconds)
{
  BenchTask *task;

  PetscFunctionBegin;
  *seconds = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    StepReport report = {0};
    PetscCall(BenchTaskOpen(run, run->comm, path, words, CANDIDATES, &task));
    PetscCallMPI(MPI_Barrier(run->comm));
    const double start = clock_seconds() - bench_task_created(task);
    do PetscCall(BenchTaskReport(task, &report));
    while (report.state == STEP_MORE);
    *seconds = fmin(*seconds, clock_seconds() - start);
    PetscCall(BenchTaskClose(&task));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE, MPI_MAX, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A whole run of a method that says what it has to do, with few turns. */
static PetscErrorCode MethodCase(BenchRun *run, const Machine *machine, const Method *method,
                                 const char *path)
{
  const CostGroup group = {.ranks = run->size, .nodes = 1, .busy = run->size};
  Text words = {0}, size = {0};
  Settings settings = {0};
  CostShape shape;
  double seconds;
  bool takes;

  PetscFunctionBegin;
  PetscCall(MethodWords(method, METHOD_ATOMS, TURNS, &words, &takes));
  bench_settings(words.s, &settings);
  PetscCall(CostShapeOf(&settings, METHOD_TOKENS, METHOD_WIDTH, CANDIDATES, &shape));
  if (shape.work.units > 0) {
    PetscCall(WholeRun(run, path, words.s, &seconds));
    text_add(&size, "%s %d x %d", method->entry.name, METHOD_ATOMS, METHOD_WIDTH);
    const BenchFigure figure = {.row = "prediction",
                                .size = size.s,
                                .figure = 1e3 * seconds,
                                .unit = "ms/run",
                                .limit = "predicted",
                                .limit_value = 1e3 * cost_of(machine, &shape, &group).run,
                                .goal = "ratio 0.75 to 1.25"};
    PetscCall(BenchRow(run, &figure));
  }
  settings_clear(&settings);
  text_clear(&words);
  text_clear(&size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MethodCases(BenchRun *run, const Machine *machine)
{
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, METHOD_TOKENS, METHOD_WIDTH, &path));
  for (const Entry *const *e = methods.entries; *e; e++)
    if (((const Method *)*e)->work) PetscCall(MethodCase(run, machine, (const Method *)*e, path));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Mistakes *mistakes;
  Machine machine;

  PetscFunctionBegin;
  PetscCall(MistakesCreate(&mistakes));
  if (run->machine)
    PetscCall(MachineRead(run->machine, mistakes, &machine));
  else
    PetscCall(MachineMeasure(run, &machine));
  if (run->save && run->rank == 0) PetscCall(MachineWrite(&machine, run->save, mistakes));
  if (run->rank == 0) mistakes_print(mistakes, stderr);
  PetscCall(MistakesDestroy(&mistakes));
  for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) PetscCall(Case(run, &machine, (int)i));
  PetscCall(MethodCases(run, &machine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_model = {
    .entry = {"model", "the numbers of the cost model measured, then other steps held against what "
                       "it predicts"},
    .rows = rows,
    .together = true,
    .run = Run,
};
