/* Measuring the numbers of the cost model: each from steps that differ in one size. */
#include "run/calibrate.h"
#include "base/clock.h"
#include "run/bench_task.h"
#include "run/version.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOKENS = 9216, SMALL = 128, LARGE = 3072, CENTRED = 32768 };

PetscErrorCode BenchStepSeconds(BenchRun *run, const StepCase *one, double *seconds)
{
  const bool kmeans = strstr(one->words, "method=kmeans") != NULL;
  BenchTask *task;
  BenchTiming timing;
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, one->n, one->d, &path));
  *seconds = 0;
  if (one->together || one->crowd || run->rank == 0) {
    PetscCall(BenchTaskOpen(run, one->together ? run->comm : PETSC_COMM_SELF, path, one->words,
                            one->p, &task));
    const BenchWork work = {.work = kmeans ? BenchTaskPass : BenchTaskStep,
                            .context = task,
                            .wall = true,
                            .together = one->together || one->crowd,
                            .rounds = kmeans ? 3 : 4,
                            .seconds = 0.4};
    PetscCall(BenchTime(run, &work, &timing));
    PetscCall(BenchTaskClose(&task));
    *seconds = timing.best; /* what others do on the machine only makes it longer */
  }
  PetscCall(BenchMeet(run));
  PetscCallMPI(MPI_Bcast(seconds, 1, MPI_DOUBLE, 0, run->comm));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds of a TopK step on rank 0. atoms: "free", or with p candidates "hull_relaxed", of so many
   nearest ones (0: all). */
static PetscErrorCode StepOf(BenchRun *run, int64_t m, int64_t d, int64_t k, int64_t b, int64_t p,
                             int64_t support, double *seconds)
{
  Text words = {0};

  PetscFunctionBegin;
  text_add(&words,
           "method=sae width=%lld code.name=topk code.k=%lld train.batch=%lld "
           "train.epochs=100000 atoms.name=%s%s",
           (long long)m, (long long)k, (long long)b, p ? "hull_relaxed" : "free",
           p ? " atoms.pick=permuted" : "");
  if (support) text_add(&words, " atoms.support=%lld", (long long)support);
  PetscCall(
      BenchStepSeconds(run, &(StepCase){.words = words.s, .n = TOKENS, .d = d, .p = p}, seconds));
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(BenchRun *run, int64_t m, int64_t d, int64_t k, int64_t b, int64_t p,
                           double *seconds)
{
  PetscFunctionBegin;
  PetscCall(StepOf(run, m, d, k, b, p, 0, seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_point(Curve *curve, double size, double cost)
{
  curve->size[curve->count] = size;
  curve->cost[curve->count++] = fmax(cost, 0);
}

/* Three steps of one dictionary: few tokens, more tokens, more active atoms. */
static PetscErrorCode StepPoint(BenchRun *run, int64_t m, int64_t d, Machine *machine)
{
  const double md = (double)(m * d);
  double few, many, active;

  PetscFunctionBegin;
  PetscCall(Step(run, m, d, 16, SMALL, 0, &few));
  PetscCall(Step(run, m, d, 16, LARGE, 0, &many));
  PetscCall(Step(run, m, d, 80, LARGE, 0, &active));
  const double token = (many - few) / (LARGE - SMALL), /* of one, with 16 active atoms */
      sparse = (active - many) / (LARGE * 64.0 * (double)d);
  add_point(&machine->sparse, md, sparse);
  add_point(&machine->score, md,
            (token - 16 * (double)d * sparse - (double)d * machine->token) / md);
  add_point(&machine->update, md, (few - SMALL * token - machine->step) / md);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Steps(BenchRun *run, Machine *machine)
{
  static const int64_t sizes[][2] = {{512, 128}, {1536, 384}, {3840, 768}, {8192, 1024}};
  double few, many;

  PetscFunctionBegin;
  machine->score = machine->sparse = machine->update = (Curve){0};
  PetscCall(Step(run, 16, 768, 1, SMALL, 0, &few));
  PetscCall(Step(run, 16, 768, 1, LARGE, 0, &many));
  machine->token = (many - few) / ((LARGE - SMALL) * 768.0);
  machine->step = fmax(few - SMALL * 768.0 * machine->token, 0);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
    PetscCall(StepPoint(run, sizes[i][0], sizes[i][1], machine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps with and without W, at two widths: what grows with the width is mixing. */
static PetscErrorCode Mixing(BenchRun *run, Machine *machine)
{
  enum { M = 1024, P = 2048, ANCHORS = 8192, SUPPORT = 128 };
  static const int64_t widths[2] = {128, 768};
  double free, mixed, each[2]; /* seconds for each weight */

  PetscFunctionBegin;
  for (int i = 0; i < 2; i++) {
    PetscCall(Step(run, M, widths[i], 8, SMALL, 0, &free));
    PetscCall(Step(run, M, widths[i], 8, SMALL, P, &mixed));
    each[i] = (mixed - free) / ((double)M * P);
  }
  machine->mix = fmax((each[1] - each[0]) / (4.0 * (double)(widths[1] - widths[0])), 0);
  machine->weight = fmax(each[0] - 4.0 * (double)widths[0] * machine->mix, 0);
  PetscCall(StepOf(run, M, 768, 8, SMALL, ANCHORS, SUPPORT, &mixed));
  machine->gather = fmax((mixed - free) / ((double)M * SUPPORT) - machine->weight, 0) / 768;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Pass(BenchRun *run, int64_t K, int64_t n, double *seconds)
{
  Text words = {0};

  PetscFunctionBegin;
  text_add(&words, "method=kmeans width=%lld iterations=1000 init.name=random", (long long)K);
  PetscCall(BenchStepSeconds(run, &(StepCase){.words = words.s, .n = n, .d = 768}, seconds));
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Iterations with hardly a centroid, with many, and with many on half the tokens. */
static PetscErrorCode Centroids(BenchRun *run, Machine *machine)
{
  static const int64_t counts[] = {1024, 4096, 8192};
  const double n = CENTRED, d = 768;
  double least, half, whole;

  PetscFunctionBegin;
  machine->assign = (Curve){0};
  PetscCall(Pass(run, 8, CENTRED, &least));
  machine->sum = least / (n * d);
  PetscCall(Pass(run, 4096, CENTRED / 2, &half));
  PetscCall(Pass(run, 4096, CENTRED, &whole));
  machine->renew = fmax(2 * half - whole, 0) / (4096 * d);
  for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
    const double kd = (double)counts[i] * d;
    PetscCall(Pass(run, counts[i], CENTRED, &whole));
    add_point(&machine->assign, kd,
              (whole - n * d * machine->sum - kd * machine->renew) / (n * kd));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a step of all ranks takes longer than predicted so far. */
static PetscErrorCode Longer(BenchRun *run, const Machine *machine, const char *words, int64_t d,
                             CostShape *shape, double *seconds)
{
  const StepCase one = {.words = words, .n = TOKENS, .d = d, .together = true};
  const CostGroup group = {.ranks = run->size, .nodes = 1, .busy = run->size};
  Settings settings = {0};

  PetscFunctionBegin;
  PetscCall(BenchStepSeconds(run, &one, seconds));
  bench_settings(words, &settings);
  *shape = cost_shape(&settings, TOKENS, d, 0);
  *seconds = fmax(*seconds - cost_of(machine, shape, &group).step, 0);
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step with hardly any work, and one with many active atoms for its size. */
static PetscErrorCode Meeting(BenchRun *run, Machine *machine)
{
  const double others = (double)(run->size - 1) / run->size;
  CostShape shape;
  double longer;

  PetscFunctionBegin;
  machine->meet = machine->list = 0;
  PetscCall(Longer(run, machine,
                   "method=sae width=256 code.name=topk code.k=4 train.batch=256 "
                   "train.epochs=100000 atoms.name=free",
                   64, &shape, &machine->meet));
  PetscCall(Longer(run, machine,
                   "method=sae width=512 code.name=topk code.k=16 train.batch=1024 "
                   "train.epochs=100000 atoms.name=free",
                   128, &shape, &longer));
  machine->list = longer / (shape.batch * shape.active * others);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same step on one core and on all. */
static PetscErrorCode Crowd(BenchRun *run, Machine *machine)
{
  StepCase one = {.words = "method=sae width=3840 code.name=topk code.k=32 train.batch=1024 "
                           "train.epochs=100000 atoms.name=free",
                  .n = TOKENS,
                  .d = 768};
  double alone, crowded, rate;

  PetscFunctionBegin;
  if (run->size < 2 || run->size > (int)machine->cores) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(BenchStepSeconds(run, &one, &alone));
  one.crowd = true;
  PetscCall(BenchStepSeconds(run, &one, &crowded));
  machine->crowd = fmax(crowded / alone, 1);
  if (run->size < (int)machine->cores)
    machine->crowd = 1 + (machine->crowd - 1) * (machine->cores - 1) / (run->size - 1);
  PetscCall(Meeting(run, machine));
  PetscCall(LimitProbe(run->limits, LIMIT_PING, &rate));
  if (rate > 0) machine->latency = 1 / rate;
  PetscCall(LimitProbe(run->limits, LIMIT_LINK, &rate));
  if (rate > 0) machine->link = rate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MachineMeasure(BenchRun *run, Machine *machine)
{
  PetscFunctionBegin;
  machine_builtin(machine);
  machine->measured = true;
  cpu_name(machine->cpu);
  clock_utc(machine->date);
  snprintf(machine->kernels, sizeof(machine->kernels), "%s", run->kernels->entry.name);
  snprintf(machine->commit, sizeof(machine->commit), "%.*s", (int)sizeof(machine->commit) - 1,
           ardis_commit);
  machine->cores = fmax((double)sysconf(_SC_NPROCESSORS_ONLN), 1);
  machine->memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (run->rank == 0) PetscCall(LimitProbe(run->limits, LIMIT_READ, &machine->read));
  PetscCallMPI(MPI_Bcast(&machine->read, 1, MPI_DOUBLE, 0, run->comm));
  PetscCall(Steps(run, machine));
  PetscCall(Mixing(run, machine));
  PetscCall(Centroids(run, machine));
  PetscCall(Crowd(run, machine));
  PetscFunctionReturn(PETSC_SUCCESS);
}
