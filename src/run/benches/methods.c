/* Every method of the registry that goes through the tokens in passes or batches: the time of a
   token within a pass, and of what follows a pass, beside the work that the method says it is at
   the peak of the kernels that it names. One core. */
#include "run/bench_task.h"
#include "run/calibrate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 768, LEAVES = 6, LEAF = 1024, N = (LEAVES + 2) * LEAF, ANCHORS = 1024, ROUNDS = 5 };

static const char *const rows[] = {
#define X(name) #name,
#include "method.def" /* written by the Makefile from the folder's listing */
#undef X
    NULL,
};

/* A method at work. */
typedef struct {
  BenchRun *run;
  const Method *method;
  const char *path;
  Text words;
  BenchTask *task;
  MethodWork work;
  double unit, done; /* tokens of a unit; steps of the present one */
  double steps;      /* of a unit */
  bool over;         /* the learner has ended */
  double end;        /* seconds of the last end of a unit, with a step */
} Data;

/* What the method has to do with settings at which a row takes a second or so; false: it takes no
   such settings. */
static PetscErrorCode FindWork(Data *b, bool *takes)
{
  Settings settings = {0};
  CostShape shape;

  PetscFunctionBegin;
  PetscCall(MethodWords(b->method, 64, 1000, &b->words, takes));
  bench_settings(b->words.s, &settings);
  PetscCall(CostShapeOf(&settings, N, D, ANCHORS, &shape));
  b->work = shape.work;
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(Data *b)
{
  PetscFunctionBegin;
  PetscCall(BenchTaskClose(&b->task));
  PetscCall(BenchTaskOpen(b->run, MPI_COMM_SELF, b->path, b->words.s, ANCHORS, &b->task));
  b->done = 0, b->over = false;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(Data *b)
{
  const double start = thread_seconds();
  StepReport report;

  PetscFunctionBegin;
  PetscCall(BenchTaskReport(b->task, &report));
  b->over = report.state != STEP_MORE;
  if (++b->done < b->steps) PetscFunctionReturn(PETSC_SUCCESS);
  b->done = 0;
  b->end = thread_seconds() - start;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Batches are steps with their end; of passes the end is left out. */
static PetscErrorCode Leaves(void *context)
{
  Data *b = context;

  PetscFunctionBegin;
  for (int i = 0; i < (b->work.batch > 0 ? LEAVES * b->steps : LEAVES); i++) PetscCall(Step(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* To the start of a pass: the rest of this one, or a new learner where there is no other. */
static PetscErrorCode Rewind(void *context)
{
  Data *b = context;
  const double first = b->work.first;

  PetscFunctionBegin;
  if (b->work.batch > 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (b->done > 0 && b->work.units > first + 1)
    while (b->done > 0) PetscCall(Step(b));
  if (b->done > 0 || b->over) {
    PetscCall(Open(b));
    for (double i = 0; i < first * b->steps; i++) PetscCall(Step(b));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the kernels would take at their peaks: float32, float64 at half of it, bytes from memory. */
static double at_peak(const MethodWork *w, double rate, double read)
{
  return w->products / rate + 2 * w->exact / rate + w->touched / read;
}

static PetscErrorCode TokenRow(Data *b, const BenchTiming *timing, double read, double tokens)
{
  const MethodWork *w = &b->work;
  const double after = w->batch > 0 ? (w->after + w->spread + 2 * w->after_exact) / w->batch : 0;
  Text size = {0}, limit = {0};

  PetscFunctionBegin;
  text_add(&size, "64 atoms of %d%s", D, w->batch > 0 ? ", by batches" : ", a pass");
  text_add(&limit, "peak of %s", w->bound);
  const BenchFigure figure = {.row = b->method->entry.name,
                              .size = size.s,
                              .figure = 1e6 * timing->seconds / tokens,
                              .unit = "us/token",
                              .limit = limit.s,
                              .limit_value =
                                  1e6 * (at_peak(w, timing->rate, read) + after / timing->rate),
                              .goal = "ratio <= 1.5"};
  PetscCall(BenchRow(b->run, &figure));
  text_clear(&size);
  text_clear(&limit);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EndRow(Data *b, const BenchTiming *timing, double leaf)
{
  const MethodWork *w = &b->work;
  const BenchFigure figure = {.row = b->method->entry.name,
                              .size = "64 atoms, end of a pass",
                              .figure = 1e3 * fmax(b->end - leaf, 0),
                              .unit = "ms",
                              .limit = "peak",
                              .limit_value =
                                  1e3 * (w->after + w->spread + 2 * w->after_exact) / timing->rate};

  PetscFunctionBegin;
  if (w->batch == 0 && w->units > w->first + 1 && figure.limit_value > 0)
    PetscCall(BenchRow(b->run, &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MethodRow(Data *b)
{
  const BenchWork work = {.work = Leaves,
                          .before = Rewind,
                          .context = b,
                          .limit = LIMIT_FMA,
                          .seconds = 0.1,
                          .rounds = ROUNDS};
  BenchTiming timing;
  double read;
  bool takes;

  PetscFunctionBegin;
  PetscCall(FindWork(b, &takes));
  if (!takes || b->work.units == 0) {
    PetscCall(BenchSkip(b->run, b->method->entry.name,
                        takes ? "no pass over the tokens" : "it takes no such settings"));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  b->steps = b->work.batch > 0 ? ceil(b->work.batch / 128) : N / LEAF;
  b->over = true;
  PetscCall(Open(b));
  for (double i = 0; i < b->work.first * b->steps; i++) PetscCall(Step(b));
  PetscCall(LimitProbe(b->run->limits, LIMIT_READ, &read));
  PetscCall(BenchTime(b->run, &work, &timing));
  const double tokens = LEAVES * (b->work.batch > 0 ? b->work.batch : LEAF);
  PetscCall(TokenRow(b, &timing, read, tokens));
  PetscCall(EndRow(b, &timing, timing.seconds / LEAVES));
  PetscCall(BenchTaskClose(&b->task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.run = run};
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  data.path = path;
  for (const char *const *row = rows; *row && run->rank == 0; row++) {
    data.method = (const Method *)family_find(&methods, *row);
    if (!bench_wants(run, *row)) continue;
    if (data.method->work)
      PetscCall(MethodRow(&data));
    else
      PetscCall(BenchSkip(run, *row, "it has benches of its own: step, pass"));
  }
  PetscCall(BenchMeet(run));
  text_clear(&data.words);
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_methods = {
    .entry = {"methods", "every method: a token of a pass, and the end of a pass, one core"},
    .rows = rows,
    .together = true,
    .run = Run,
};
