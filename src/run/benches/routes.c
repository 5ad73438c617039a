/* Training and k-means spread over ranks, and what a step costs beside its computing: with memory
   that the ranks share, and as if each were on a node of its own. */
#include "base/array.h"
#include "learn/sae.h"
#include "run/bench_task.h"
#include <stdio.h>
#include <stdlib.h>

enum { M = 3840, D = 768, BATCH = 4096, N = 4 * BATCH, PROBE = 1 << 22 };

static const char *const rows[] = {"spread training", "spread k-means", "routes", "step exchange",
                                   NULL};
static const char training[] = "method=sae width=3840 code.name=topk code.k=32 train.batch=4096 "
                               "train.steps=1000000";
static const char assigning[] = "method=kmeans width=16384 iterations=1000000 init.name=random";

/* A route, and whether each rank counts as a node. */
typedef struct {
  Route route;
  bool apart;
  const char *size;
} Way;
static const Way ways[] = {{ROUTE_OWNER, false, "owner, shared memory"},
                           {ROUTE_OWNER, true, "owner, every rank a node"},
                           {ROUTE_ALLREDUCE, false, "allreduce, shared memory"},
                           {ROUTE_ALLREDUCE, true, "allreduce, every rank a node"}};
enum { WAYS = sizeof(ways) / sizeof(*ways) };

/* What rank 0 does alone, while the others sleep, and what all ranks do: steps of a learner each,
   and multiply-adds in registers. */
typedef struct {
  BenchRun *run;
  PetscErrorCode (*work)(void *task);
  BenchTask *single, *all;
} Spreading;

static PetscErrorCode Meet(void *context)
{
  PetscFunctionBegin;
  PetscCall(BenchMeet(((Spreading *)context)->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WorkAlone(void *context)
{
  const Spreading *s = context;

  PetscFunctionBegin;
  if (s->run->rank == 0) PetscCall(s->work(s->single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WorkAll(void *context)
{
  const Spreading *s = context;

  PetscFunctionBegin;
  PetscCall(s->work(s->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PeakAll(void *context)
{
  PetscFunctionBegin;
  ((Spreading *)context)->run->kernels->probe(PROBE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PeakAlone(void *context)
{
  PetscFunctionBegin;
  if (((Spreading *)context)->run->rank == 0) PetscCall(PeakAll(context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rank's time over that of all, beside the same of the multiply-add peak, the most that all
   cores together can give: medians of works that take turns, as the machine's clock changes. */
static PetscErrorCode Spread(BenchRun *run, const char *row, const char *size, const char *words,
                             int64_t n, const char *goal)
{
  const bool kmeans = words == assigning;
  Spreading s = {.run = run, .work = kmeans ? BenchTaskPass : BenchTaskStep};
  BenchWork work[] = {{.work = WorkAlone, .rounds = kmeans ? 3 : 15}, /* passes take seconds */
                      {.work = PeakAlone},
                      {.work = WorkAll, .together = true},
                      {.work = PeakAll, .together = true}};
  BenchTiming time[4];
  char *path;

  PetscFunctionBegin;
  if (!bench_wants(run, row)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, n, D, &path));
  if (run->rank == 0) PetscCall(BenchTaskOpen(run, PETSC_COMM_SELF, path, words, 0, &s.single));
  PetscCall(BenchTaskOpen(run, run->comm, path, words, 0, &s.all));
  for (int i = 0; i < 4; i++) work[i].before = Meet, work[i].context = &s, work[i].wall = true;
  PetscCall(BenchTimeTurns(run, 4, work, time));
  const BenchFigure figure = {.row = row,
                              .size = size,
                              .figure = time[0].seconds / time[2].seconds,
                              .unit = "x",
                              .limit = "multiply-add peak of all ranks, of one",
                              .limit_value = run->size * time[1].seconds / time[3].seconds,
                              .goal = run->size == 2 ? goal : NULL};
  PetscCall(BenchRow(run, &figure));
  PetscCall(BenchTaskClose(&s.single));
  PetscCall(BenchTaskClose(&s.all));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(BenchRun *run, const Way *way, BenchTask **task)
{
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  setenv("ARDIS_ROUTE", route_words[way->route], 1);
  if (way->apart) setenv("ARDIS_NODE_RANKS", "1", 1);
  PetscCall(BenchTaskOpen(run, run->comm, path, training, 0, task));
  unsetenv("ARDIS_ROUTE");
  unsetenv("ARDIS_NODE_RANKS");
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rehearse(void *task)
{
  PetscFunctionBegin;
  PetscCall(SAERehearse(bench_task_learner(task)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a step would be without rank-independent bits: gradients added by MPI, and all of the
 * optimizer on every rank. */
typedef struct {
  BenchRun *run;
  float *p, *g, *m, *v;
} Plain;
enum { PARAMETERS = 2 * M * D + M + D };

static PetscErrorCode PlainStep(void *context)
{
  Plain *x = context;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, x->g, PARAMETERS, MPI_FLOAT, MPI_SUM, x->run->comm));
  x->run->kernels->adam(PARAMETERS, x->p, x->m, x->v, x->g, 1, 1e-9f, 1, 0.9f, 0.999f, 1e-8f);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlainSeconds(BenchRun *run, double *seconds)
{
  Plain x = {.run = run};
  const BenchWork work = {.work = PlainStep, .context = &x, .together = true, .rounds = 15};
  BenchTiming timing;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(PARAMETERS, &x.p));
  PetscCall(ArrayCreate(PARAMETERS, &x.g));
  PetscCall(ArrayCreate(PARAMETERS, &x.m));
  PetscCall(ArrayCreate(PARAMETERS, &x.v));
  for (int64_t i = 0; i < PARAMETERS; i++) x.g[i] = 1e-3f * (float)(i % 7);
  PetscCall(BenchTime(run, &work, &timing));
  *seconds = timing.best;
  PetscCall(ArrayDestroy(&x.p));
  PetscCall(ArrayDestroy(&x.g));
  PetscCall(ArrayDestroy(&x.m));
  PetscCall(ArrayDestroy(&x.v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step each way, and what of it is not there on one rank, with the optimizer. */
static PetscErrorCode Ways(BenchRun *run)
{
  double first = 0, plain = 0;

  PetscFunctionBegin;
  if (!bench_wants(run, "routes") && !bench_wants(run, "step exchange"))
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PlainSeconds(run, &plain));
  for (int w = 0; w < WAYS; w++) {
    BenchTask *task;
    BenchTiming step, exchange;
    PetscCall(Open(run, &ways[w], &task));
    BenchWork work = {.work = BenchTaskStep, .context = task, .together = true, .rounds = 6};
    PetscCall(BenchTime(run, &work, &step));
    work.work = Rehearse, work.rounds = 15;
    PetscCall(BenchTime(run, &work, &exchange));
    PetscCall(BenchTaskClose(&task));
    if (w == 0) first = step.best;
    PetscCall(BenchRow(run, &(BenchFigure){.row = "routes",
                                           .size = ways[w].size,
                                           .figure = 1e3 * step.best,
                                           .unit = "ms/step",
                                           .limit = ways[0].size,
                                           .limit_value = 1e3 * first}));
    PetscCall(BenchRow(run, &(BenchFigure){.row = "step exchange",
                                           .size = ways[w].size,
                                           .figure = 1e3 * exchange.best,
                                           .unit = "ms/step",
                                           .limit = "MPI_Allreduce + Adam everywhere",
                                           .limit_value = 1e3 * plain,
                                           .goal = w ? NULL : "ratio <= 1"}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  PetscFunctionBegin;
  if (run->size == 1) {
    for (const char *const *row = rows; *row; row++)
      PetscCall(BenchSkip(run, *row, "needs 2 ranks: mpiexec -n 2 ardis bench"));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Spread(run, "spread training", "TopK 3840 x 768, k = 32, batch 4096, free atoms",
                   training, N, "figure >= 1.85"));
  PetscCall(Spread(run, "spread k-means", "pass of 98304 x 768, K = 16384", assigning, 6 * N,
                   "figure >= 1.9"));
  PetscCall(Ways(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_routes = {
    .entry = {"routes", "training and k-means on all ranks, and the routes of a training step"},
    .rows = rows,
    .together = true,
    .run = Run,
};
