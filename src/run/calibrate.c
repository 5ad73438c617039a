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
                            .rounds = (kmeans ? 2 : 3) + one->together, /* a row's own */
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

/* Seconds for each active atom of a token and each of its values. */
static PetscErrorCode Sparse(BenchRun *run, int64_t m, int64_t d, double *many, double *sparse)
{
  double active;

  PetscFunctionBegin;
  setenv("ARDIS_ENCODER", "int16", 1); /* else it may depend on how many are active */
  PetscCall(Step(run, m, d, 16, LARGE, 0, many));
  PetscCall(Step(run, m, d, 80, LARGE, 0, &active));
  unsetenv("ARDIS_ENCODER");
  *sparse = fmax(active - *many, 0) / (LARGE * 64.0 * (double)d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Three steps of one dictionary: few tokens, more tokens, more active atoms. */
static PetscErrorCode StepPoint(BenchRun *run, int64_t m, int64_t d, Machine *machine)
{
  const double md = (double)(m * d);
  double few, many, sparse;

  PetscFunctionBegin;
  PetscCall(Sparse(run, m, d, &many, &sparse));
  PetscCall(Step(run, m, d, 16, SMALL, 0, &few));
  const double token = (many - few) / (LARGE - SMALL); /* of one, with 16 active atoms */
  add_point(&machine->sparse, md, sparse);
  add_point(&machine->score, md,
            (token - 16 * (double)d * sparse - (double)d * machine->token) / md);
  add_point(&machine->update, md, (few - SMALL * token - machine->step) / md);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Steps(BenchRun *run, Machine *machine)
{
  static const int64_t sizes[][2] = {{512, 128}, {1536, 384}, {3840, 768}, {10240, 768}};
  double few, many;

  PetscFunctionBegin;
  machine->score = machine->sparse = machine->update = (Curve){0};
  PetscCall(Step(run, 16, 768, 1, SMALL, 0, &few));
  PetscCall(Step(run, 16, 768, 1, LARGE, 0, &many));
  machine->token = (many - few) / ((LARGE - SMALL) * 768.0);
  machine->step = fmax(few - SMALL * 768.0 * machine->token, 0);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
    PetscCall(StepPoint(run, sizes[i][0], sizes[i][1], machine));
  PetscCall(Sparse(run, 2048, 512, &many, &few));
  machine->stride = fmax(few / curve_at(&machine->sparse, 2048 * 512), 1);
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

/* Centroids drawn one after another. */
static PetscErrorCode Drawing(BenchRun *run, Machine *machine)
{
  enum { DRAWN = 64, N = 9216, D = 768 };
  BenchTask *task;
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  if (run->rank == 0) {
    PetscCall(BenchTaskOpen(run, PETSC_COMM_SELF, path, "method=kmeans width=64 init.name=plusplus",
                            0, &task));
    machine->drawn = bench_task_created(task) / ((double)DRAWN * N * D);
    PetscCall(BenchTaskClose(&task));
  }
  PetscCall(BenchMeet(run));
  PetscCallMPI(MPI_Bcast(&machine->drawn, 1, MPI_DOUBLE, 0, run->comm));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Iterations with hardly a centroid, with many, and with many on half the tokens. */
static PetscErrorCode Centroids(BenchRun *run, Machine *machine)
{
  enum { COUNTS = 3 };
  static const int64_t counts[COUNTS] = {1024, 4096, 8192};
  const double n = CENTRED, d = 768;
  double least, half, whole[COUNTS];

  PetscFunctionBegin;
  machine->assign = (Curve){0};
  PetscCall(Pass(run, 8, CENTRED, &least));
  machine->sum = least / (n * d);
  PetscCall(Pass(run, counts[1], CENTRED / 2, &half));
  for (size_t i = 0; i < COUNTS; i++) PetscCall(Pass(run, counts[i], CENTRED, &whole[i]));
  machine->renew = fmax(2 * half - whole[1], 0) / ((double)counts[1] * d);
  for (size_t i = 0; i < COUNTS; i++) {
    const double kd = (double)counts[i] * d;
    add_point(&machine->assign, kd,
              (whole[i] - n * d * machine->sum - kd * machine->renew) / (n * kd));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Going through codes that other ranks found, for those of the atoms here: one of them. */
static double list_seconds(void)
{
  enum { CODES = 1 << 20, ATOMS = 4096, HERE = ATOMS / 4 };
  static int32_t atom[CODES];
  static int64_t bucket[HERE + 1];
  for (int64_t q = 0; q < CODES; q++) atom[q] = (int32_t)((uint64_t)q * 2654435761U >> 8) % ATOMS;
  const double start = thread_seconds();
  for (int pass = 0; pass < 2; pass++) /* counted, then sorted */
    for (int64_t q = 0; q < CODES; q++)
      if ((uint32_t)atom[q] < HERE) atom[q] += (int32_t)(bucket[atom[q]]++ & 1);
  return (thread_seconds() - start) / CODES;
}

/* A step on rank 0 alone and on all, the least of some. */
static PetscErrorCode AloneAndAll(BenchRun *run, const char *words, int64_t d, double *alone,
                                  double *all)
{
  StepCase one = {.words = words, .n = TOKENS, .d = d};
  double seconds;

  PetscFunctionBegin;
  *alone = *all = INFINITY;
  for (int round = 0; round < 2; round++) { /* in turns, so that both meet the same neighbours */
    one.together = false;
    PetscCall(BenchStepSeconds(run, &one, &seconds));
    *alone = fmin(*alone, seconds);
    one.together = true;
    PetscCall(BenchStepSeconds(run, &one, &seconds));
    *all = fmin(*all, seconds);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the second step adds to the first, on all ranks for each second on one. */
static double added(const BenchRun *run, const double alone[2], const double all[2])
{
  return run->size * (all[1] - all[0]) / (alone[1] - alone[0]);
}

/* Steps of few tokens, on which the optimizer is most of the work, of more, and with more active
   atoms, on one core and on all. */
static PetscErrorCode Crowd(BenchRun *run, Machine *machine)
{
  static const struct {
    int batch, active;
  } steps[] = {{128, 8}, {1536, 8}, {1536, 104}};
  const double more = machine->cores > 1 ? (machine->cores - 1) / (run->size - 1) : 1;
  double alone[3], all[3];

  PetscFunctionBegin;
  for (int i = 0; i < 3; i++) {
    Text words = {0};
    text_add(&words,
             "method=sae width=3840 code.name=topk code.k=%d train.batch=%d train.epochs=100000 "
             "atoms.name=free",
             steps[i].active, steps[i].batch);
    PetscCall(AloneAndAll(run, words.s, 768, &alone[i], &all[i]));
    text_clear(&words);
  }
  machine->crowd_update = 1 + more * fmax(run->size * all[0] / alone[0] - 1, 0);
  machine->crowd = 1 + more * fmax(added(run, alone, all) - 1, 0);
  machine->crowd_rows = 1 + more * fmax(added(run, alone + 1, all + 1) - 1, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step with hardly any work: what the ranks lose by waiting for each other. */
static PetscErrorCode Waiting(BenchRun *run, Machine *machine)
{
  const double sharers = fmin(run->size, machine->cores);
  double alone, all;

  PetscFunctionBegin;
  PetscCall(AloneAndAll(run,
                        "method=sae width=256 code.name=topk code.k=4 train.batch=256 "
                        "train.epochs=100000 atoms.name=free",
                        64, &alone, &all));
  *(run->size > machine->cores ? &machine->turns : &machine->meet) =
      fmax(all - machine->crowd * alone / sharers, 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What ranks of a node are to each other. */
static PetscErrorCode Together(BenchRun *run, Machine *machine)
{
  double rate;

  PetscFunctionBegin;
  machine->list = list_seconds();
  if (run->size < 2) PetscFunctionReturn(PETSC_SUCCESS);
  if (run->size <= (int)machine->cores) PetscCall(Crowd(run, machine));
  PetscCall(Waiting(run, machine));
  if (run->size > (int)machine->cores) PetscFunctionReturn(PETSC_SUCCESS);
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
  machine->process = run->process;
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
  PetscCall(Drawing(run, machine));
  PetscCall(MethodsMeasure(run, machine));
  PetscCall(Together(run, machine));
  PetscFunctionReturn(PETSC_SUCCESS);
}
