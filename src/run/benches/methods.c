/* Every method of the registry that goes through the tokens in passes or batches: the time of a
   token within a pass, beside what the kernels that the method names take at its sizes, timed in
   turns with it; beside its operations at the machine's peak; and what follows a pass. One core.
 */
#include "run/bench_parts.h"
#include "run/calibrate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 768, LEAVES = 6, LEAF = 1024, N = (LEAVES + 2) * LEAF, ANCHORS = 1024, ROUNDS = 5 };

static const char *const rows[] = {
#define X(name) #name,
#include "method.def" /* written by the Makefile from the folder's listing */
#undef X
    BENCH_PARTS, /* each beside the first method that needs it */
    NULL,
};

/* A method at work. */
typedef struct {
  BenchRun *run;
  const Method *method;
  const char *path;
  Text words;
  BenchTask *task;
  BenchParts *parts;
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

/* The kernels that the method needs, by batches with what their end needs; gives how many. */
static int kernels_of(const Data *b, WorkPart *part)
{
  int count = 1;
  part[0] = (WorkPart){"read_tokens", b->work.batch > 0 ? b->work.leaf : 0, D, 1};
  for (int i = 0; i < WORK_PARTS && b->work.part[i].kernel; i++) part[count++] = b->work.part[i];
  return count;
}

/* Each name once. */
static void name_kernels(int count, const WorkPart *part, Text *names)
{
  for (int i = 0; i < count; i++) {
    int named = i - 1;
    while (named >= 0 && strcmp(part[named].kernel, part[i].kernel)) named--;
    if (named < 0) text_add(names, "%s%s", names->s ? ", " : "", part[i].kernel);
  }
}

/* Its operations at the peak, float64 at half of it, and what it reads from memory. */
static double at_peak(const MethodWork *w, double rate, double read)
{
  const double after = w->batch > 0 ? (w->after + w->spread + 2 * w->after_exact) / w->batch : 0;
  return (w->products + 2 * w->exact + after) / rate + w->touched / read;
}

static PetscErrorCode TokenRows(Data *b, const BenchTiming *timing, double bound, double read,
                                double tokens)
{
  const char *by = b->work.batch > 0 ? ", by batches" : ", a pass";
  Text size = {0}, names = {0};
  WorkPart part[WORK_PARTS + 1];

  PetscFunctionBegin;
  name_kernels(kernels_of(b, part), part, &names);
  text_add(&size, "64 atoms of %d%s", D, by);
  BenchFigure figure = {.row = b->method->entry.name,
                        .size = size.s,
                        .figure = 1e6 * timing->seconds / tokens,
                        .unit = "us/token",
                        .limit = names.s,
                        .limit_value = 1e6 * bound,
                        .goal = "ratio <= 1.5"};
  PetscCall(BenchRow(b->run, &figure));
  figure.limit = "multiply-add peak, memory read", figure.goal = NULL;
  figure.limit_value = 1e6 * at_peak(&b->work, timing->rate, read);
  PetscCall(BenchRow(b->run, &figure));
  text_clear(&size);
  text_clear(&names);
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
  const BenchWork work = {
      .work = Leaves, .before = Rewind, .context = b, .limit = LIMIT_FMA, .rounds = ROUNDS};
  WorkPart part[WORK_PARTS + 1];
  BenchTiming timing;
  double read, bound = 0, seconds[WORK_PARTS + 1];
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
  if (b->method->fitted) b->method->fitted(bench_task_learner(b->task), &b->work);
  PetscCall(LimitProbe(b->run->limits, LIMIT_READ, &read));
  const int count = kernels_of(b, part);
  PetscCall(BenchPartsTime(b->parts, &work, count, part, &timing, seconds));
  for (int i = 0; i < count; i++) bound += part[i].times * seconds[i];
  const double tokens = LEAVES * (b->work.batch > 0 ? b->work.batch : LEAF);
  PetscCall(EndRow(b, &timing, timing.seconds / LEAVES));
  PetscCall(TokenRows(b, &timing, bound, read, tokens));
  PetscCall(BenchTaskClose(&b->task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.run = run};
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  if (run->rank == 0) PetscCall(BenchPartsCreate(run, path, &data.parts));
  data.path = path;
  for (const char *const *row = rows; *row && run->rank == 0; row++) {
    data.method = (const Method *)family_find(&methods, *row);
    if (!data.method || !bench_wants(run, *row)) continue;
    if (data.method->work)
      PetscCall(MethodRow(&data));
    else
      PetscCall(BenchSkip(run, *row, "it has benches of its own: step, pass"));
  }
  PetscCall(BenchPartsDestroy(&data.parts));
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
