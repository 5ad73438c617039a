/* Measuring the methods that say themselves what they have to do: how many times longer their parts
   take than that at the machine's rates. */
#include "base/array.h"
#include "run/bench_task.h"
#include "run/calibrate.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 4096, LEAF = 1024, CANDIDATES = 1024, UNITS = 3, ROUNDS = 3 };
#define LONG 1 /* seconds of two rounds */

static void write_words(const Method *method, int64_t m, int iterations, bool least, Text *words)
{
  text_clear(words);
  text_add(words,
           "method=%s width=%lld iterations=%d tolerance=0 epochs=%d pick=permuted "
           "normalise.center=%s",
           method->entry.name, (long long)m, iterations, iterations, least ? "min" : "mean");
}

static PetscErrorCode Takes(const Method *method, const char *words, bool *takes)
{
  const Entry *entry = &method->entry;
  Settings settings = {0};
  const char *about = NULL;
  void *params;

  PetscFunctionBegin;
  bench_settings(words, &settings);
  PetscCall(ArrayCreateBytes((int64_t)entry->params_size, 1, &params));
  PetscCall(ParamsRead(&settings, "", entry->params, params));
  char *why = entry->check ? entry->check(params, &settings, &about) : NULL;
  *takes = !why;
  free(why);
  PetscCall(ParamsRelease(entry->params, params));
  PetscCall(ArrayDestroyBytes(&params));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MethodWords(const Method *method, int64_t m, int iterations, Text *words,
                           bool *takes)
{
  PetscFunctionBegin;
  write_words(method, m, iterations, false, words);
  PetscCall(Takes(method, words->s, takes));
  if (*takes) PetscFunctionReturn(PETSC_SUCCESS);
  write_words(method, m, iterations, true, words);
  PetscCall(Takes(method, words->s, takes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A unit of so many steps: seconds of a token in all but the last, and what the last takes beside
   its tokens, unless it is left. */
static PetscErrorCode Unit(BenchTask *task, double steps, bool whole, double *token, double *end,
                           bool *over)
{
  double spent = 0, tokens = 0;
  StepReport report = {0};

  PetscFunctionBegin;
  for (double s = 0; s < steps - 1 + whole; s++) {
    const double start = thread_seconds();
    PetscCall(BenchTaskReport(task, &report));
    const double passed = thread_seconds() - start;
    if (s == steps - 1)
      *end = fmax(passed - (double)report.tokens * spent / fmax(tokens, 1), 0);
    else
      spent += passed, tokens += (double)report.tokens;
  }
  *token = spent / fmax(tokens, 1);
  *over = report.state != STEP_MORE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds of the parts of a method. */
typedef struct {
  double token, before, after, once;
} Parts;

/* Its first units and some more; the last one ends only if it has to say what that takes. */
static PetscErrorCode PartsOf(BenchTask *task, const MethodWork *w, bool ends, Parts *parts)
{
  const double steps = w->batch > 0 ? ceil(w->batch / w->leaf) : TOKENS / LEAF;
  const int units = w->batch > 0 ? 4 * UNITS : UNITS;
  double token, end = 0, ended = 0;
  bool over = false;

  PetscFunctionBegin;
  *parts = (Parts){.once = bench_task_created(task)};
  for (double u = 0; u < w->first; u++) {
    PetscCall(Unit(task, steps, true, &token, &end, &over));
    parts->before += token / w->first, parts->once += end;
  }
  int u = 0;
  while (u < units && !over) {
    const bool last = u + 1 == units || w->first + u + 1 == w->units;
    PetscCall(Unit(task, steps, ends || !last, &token, &end, &over));
    parts->token += token, u++;
    if (over)
      parts->once += end;
    else if (ends)
      parts->after += end, ended++;
    if (last) break;
  }
  parts->token /= u > 0 ? u : 1, parts->after /= fmax(ended, 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The least of some rounds, of two where they are long: what others do on the machine only makes it
   longer. */
static PetscErrorCode LeastParts(BenchRun *run, const char *path, const char *words,
                                 const MethodWork *w, bool ends, Parts *least)
{
  const double start = thread_seconds();
  BenchTask *task;
  Parts parts;

  PetscFunctionBegin;
  *least = (Parts){INFINITY, INFINITY, INFINITY, INFINITY};
  for (int round = 0; round < ROUNDS && (round < 2 || thread_seconds() - start < LONG); round++) {
    PetscCall(BenchTaskOpen(run, PETSC_COMM_SELF, path, words, CANDIDATES, &task));
    PetscCall(PartsOf(task, w, ends, &parts));
    PetscCall(BenchTaskClose(&task));
    least->token = fmin(least->token, parts.token);
    least->before = fmin(least->before, parts.before);
    least->after = fmin(least->after, parts.after);
    least->once = fmin(least->once, parts.once);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double ratio(double seconds, double least)
{
  return least > 0 && seconds > 0 ? seconds / least : 0;
}

static PetscErrorCode Measure(BenchRun *run, const Method *method, int64_t m, int64_t d, bool ends,
                              const char *path, Machine *machine, MethodRate *rate)
{
  const double mix = machine->mix, read = 10 * (double)d / machine->read;
  Settings settings = {0};
  Text words = {0};
  CostShape shape;
  Parts parts;
  bool takes;

  PetscFunctionBegin;
  PetscCall(MethodWords(method, m, 20, &words, &takes));
  bench_settings(words.s, &settings);
  PetscCall(CostShapeOf(&settings, TOKENS, d, CANDIDATES, &shape));
  const MethodWork *w = &shape.work;
  if (w->units > 0) {
    PetscCall(LeastParts(run, path, words.s, w, ends, &parts));
    Curve *curve = &rate->token;
    curve->size[curve->count] = (double)(m * d);
    curve->cost[curve->count++] =
        ratio(fmax(parts.token - read, 0),
              mix * (w->products + 2 * w->exact) + w->touched / machine->read);
    if (ends) {
      rate->before = ratio(fmax(parts.before - read, 0), mix * w->before);
      rate->after = ratio(parts.after, mix * (w->after + w->spread + 2 * w->after_exact));
      rate->once = ratio(fmax(parts.once - w->gathered * machine->sum, 0), 2 * mix * w->once);
    }
  }
  settings_clear(&settings);
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MethodsMeasure(BenchRun *run, Machine *machine)
{
  static const int64_t sizes[][2] = {{32, 128}, {64, 384}, {128, 768}};
  const size_t count = sizeof(sizes) / sizeof(*sizes);
  char *path[sizeof(sizes) / sizeof(*sizes)];

  PetscFunctionBegin;
  machine->rates = 0;
  for (size_t i = 0; i < count; i++)
    PetscCall(BenchTokensFile(run, BENCH_SYNTH, TOKENS, sizes[i][1], &path[i]));
  for (const Entry *const *e = methods.entries; *e && run->rank == 0; e++) {
    const Method *method = (const Method *)*e;
    MethodRate *rate = &machine->rate[machine->rates];
    if (!method->work || machine->rates == RATES_MOST) continue;
    *rate = (MethodRate){{0}};
    snprintf(rate->name, sizeof(rate->name), "%s", (*e)->name);
    for (size_t i = 0; i < count; i++)
      PetscCall(Measure(run, method, sizes[i][0], sizes[i][1], i == 1, path[i], machine, rate));
    machine->rates += rate->token.count > 0;
  }
  PetscCall(BenchMeet(run));
  PetscCallMPI(MPI_Bcast(&machine->rates, 1, MPI_INT, 0, run->comm));
  PetscCallMPI(MPI_Bcast(machine->rate, (int)sizeof(machine->rate), MPI_BYTE, 0, run->comm));
  for (size_t i = 0; i < count; i++) free(path[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
