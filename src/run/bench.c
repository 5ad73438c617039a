/* Timing work beside a limit, and the rows that say it. */
#include "run/bench.h"
#include "base/clock.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS_MOST = 4096 };

PetscErrorCode BenchMeet(BenchRun *run)
{
  const struct timespec pause = {0, 1000000};
  MPI_Request request;
  int done = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Ibarrier(run->comm, &request));
  for (;;) {
    PetscCallMPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done) break;
    nanosleep(&pause, NULL);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int up(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(int n, double *x)
{
  qsort(x, (size_t)n, sizeof(*x), up);
  return n ? (x[(n - 1) / 2] + x[n / 2]) / 2 : 0;
}

/* Seconds of one call. */
static PetscErrorCode Round(BenchRun *run, const BenchWork *work, double *seconds)
{
  PetscFunctionBegin;
  if (work->before) PetscCall(work->before(work->context));
  if (work->together) PetscCallMPI(MPI_Barrier(run->comm));
  const bool wall = work->wall || work->together;
  const double start = wall ? clock_seconds() : thread_seconds();
  PetscCall(work->work(work->context));
  *seconds = (wall ? clock_seconds() : thread_seconds()) - start;
  if (work->together)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE, MPI_MAX, run->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The limit now; of ranks together their mean. */
static PetscErrorCode Rate(BenchRun *run, const BenchWork *work, double *rate)
{
  PetscFunctionBegin;
  *rate = 1;
  if (work->limit == LIMIT_NONE) PetscFunctionReturn(PETSC_SUCCESS);
  if (work->limit >= LIMIT_DISK)
    PetscCall(LimitGet(run->limits, work->limit, rate));
  else
    PetscCall(LimitProbe(run->limits, work->limit, rate));
  if (work->together) {
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, rate, 1, MPI_DOUBLE, MPI_SUM, run->comm));
    *rate /= run->size;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTime(BenchRun *run, const BenchWork *work, BenchTiming *timing)
{
  const int least = work->rounds ? work->rounds : 5;
  const double lasting = work->seconds > 0 ? work->seconds : 0.3, begun = clock_seconds();
  double *product, *rates, before, after, seconds;

  PetscFunctionBegin;
  *timing = (BenchTiming){.best = INFINITY};
  PetscCall(PetscMalloc2(ROUNDS_MOST, &product, ROUNDS_MOST, &rates));
  PetscCall(Rate(run, work, &before));
  PetscCall(Round(run, work, &seconds));
  bool counts = work->first;
  if (!counts) PetscCall(Rate(run, work, &before));
  int n = 0, more = 1;
  while (n < ROUNDS_MOST && more) {
    if (!counts) PetscCall(Round(run, work, &seconds));
    counts = false;
    PetscCall(Rate(run, work, &after));
    rates[n] = (before + after) / 2;
    product[n] = seconds * rates[n];
    timing->best = fmin(timing->best, seconds);
    before = after;
    more = ++n < least || clock_seconds() - begun < lasting;
    if (work->together) PetscCallMPI(MPI_Bcast(&more, 1, MPI_INT, 0, run->comm));
  }
  timing->rounds = n;
  timing->rate = median(n, rates);
  timing->seconds = timing->rate > 0 ? median(n, product) / timing->rate : timing->best;
  if (work->limit == LIMIT_NONE) timing->rate = 0;
  PetscCall(PetscFree2(product, rates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTimeTurns(BenchRun *run, int count, const BenchWork *work, BenchTiming *timing)
{
  const int rounds = work[0].rounds ? work[0].rounds : 5;
  double *seconds, *rates;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(count * rounds, &seconds, count * rounds, &rates));
  for (int i = 0; i < count; i++) {
    PetscCall(Round(run, &work[i], &seconds[i * rounds]));
    if (work[i].first) PetscCall(Rate(run, &work[i], &rates[i * rounds]));
  }
  for (int r = 0; r < rounds; r++)
    for (int i = 0; i < count; i++) {
      if (r == 0 && work[i].first) continue;
      PetscCall(Round(run, &work[i], &seconds[i * rounds + r]));
      PetscCall(Rate(run, &work[i], &rates[i * rounds + r]));
    }
  for (int i = 0; i < count; i++) {
    timing[i] = (BenchTiming){.seconds = median(rounds, seconds + i * rounds), .rounds = rounds};
    timing[i].best = seconds[i * rounds]; /* sorted */
    if (work[i].limit != LIMIT_NONE) timing[i].rate = median(rounds, rates + i * rounds);
  }
  PetscCall(PetscFree2(seconds, rates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void bench_rate(BenchFigure *figure, Limit limit, const BenchTiming *timing, double operations)
{
  double scale;
  figure->unit = limit_unit(limit, &scale);
  figure->limit = limit_name(limit);
  figure->figure = operations / timing->seconds / scale;
  figure->limit_value = timing->rate / scale;
}

void bench_cost(BenchFigure *figure, Limit limit, const BenchTiming *timing, double operations,
                double units, const char *unit)
{
  figure->unit = unit;
  figure->limit = limit_name(limit);
  figure->figure = 1e6 * timing->seconds / units;
  figure->limit_value = timing->rate > 0 ? 1e6 * operations / timing->rate / units : 0;
}

/* "yes", "no", or "" where there is no goal. */
static const char *met(const BenchFigure *figure, double ratio)
{
  const char *goal = figure->goal ? figure->goal : "", *number = strpbrk(goal, "<>0123456789");
  const double value = strncmp(goal, "figure", 6) ? ratio : figure->figure;
  char *end;
  if (!number) return "";
  if (*number == '<' || *number == '>') {
    const double bound = strtod(number + 2, NULL);
    return (*number == '>' ? value >= bound : value <= bound) ? "yes" : "no";
  }
  const double least = strtod(number, &end), most = strtod(end + strcspn(end, "0123456789"), NULL);
  return value >= least && value <= most ? "yes" : "no";
}

/* What has been measured, as it comes: seconds since the start, the row. */
static void say(const BenchRun *run, const BenchFigure *figure, double ratio)
{
  const bool sized = figure->size && *figure->size;
  fprintf(stderr, "%6.1f s  %s%s%s: ", clock_seconds() - run->begun, figure->row, sized ? ", " : "",
          sized ? figure->size : "");
  if (isnan(figure->figure))
    fprintf(stderr, "%s\n", figure->note ? figure->note : "none");
  else if (isnan(ratio))
    fprintf(stderr, "%.4g %s\n", figure->figure, figure->unit ? figure->unit : "");
  else
    fprintf(stderr, "%.4g %s, ratio %.4g\n", figure->figure, figure->unit ? figure->unit : "",
            ratio);
}

PetscErrorCode BenchRow(BenchRun *run, const BenchFigure *figure)
{
  PetscFunctionBegin;
  bool known = false;
  const char *row;
  for (int i = 0; (row = bench_row(run->bench, i)); i++) known = known || !strcmp(row, figure->row);
  PetscCheck(known, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "bench %s declares no row %s",
             run->bench->entry.name, figure->row);
  if (run->rank || !bench_wants(run, figure->row)) PetscFunctionReturn(PETSC_SUCCESS);
  const bool held = figure->limit && *figure->limit && figure->limit_value > 0;
  const double ratio = held ? figure->figure / figure->limit_value : (double)NAN;
  PetscCall(TableAddRow(run->table));
  table_text(run->table, "row", figure->row);
  table_text(run->table, "size", figure->size ? figure->size : "");
  table_number(run->table, "figure", figure->figure);
  table_text(run->table, "unit", figure->unit ? figure->unit : "");
  table_text(run->table, "limit", held ? figure->limit : "");
  table_number(run->table, "limit_value", held ? figure->limit_value : (double)NAN);
  table_number(run->table, "ratio", ratio);
  table_text(run->table, "goal", figure->goal ? figure->goal : "");
  table_text(run->table, "met", isnan(figure->figure) ? "" : met(figure, ratio));
  table_text(run->table, "note", figure->note ? figure->note : "");
  say(run, figure, ratio);
  PetscCall(BenchWrite(run, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchSkip(BenchRun *run, const char *row, const char *why)
{
  Text note = {0};

  PetscFunctionBegin;
  text_add(&note, "skipped: %s", why);
  const BenchFigure figure = {.row = row, .figure = (double)NAN, .note = note.s};
  PetscCall(BenchRow(run, &figure));
  text_clear(&note);
  PetscFunctionReturn(PETSC_SUCCESS);
}
