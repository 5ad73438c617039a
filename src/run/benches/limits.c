/* The limits themselves. */
#include "run/bench.h"

static const char *const rows[] = {"limits", NULL};

static PetscErrorCode Run(BenchRun *run)
{
  static const char *const sizes[LIMITS] = {
      [LIMIT_FMA] = "registers", [LIMIT_INT8] = "registers",  [LIMIT_INT16] = "registers",
      [LIMIT_READ] = "64 MB",    [LIMIT_TRIAD] = "3 x 64 MB", [LIMIT_DISK] = "256 MB",
      [LIMIT_CACHED] = "256 MB", [LIMIT_PING] = "8 bytes",    [LIMIT_LINK] = "8 MB, both ways"};
  double rate, scale;

  PetscFunctionBegin;
  for (int l = LIMIT_NONE + 1; l < LIMITS; l++) {
    const Limit limit = (Limit)l;
    Text size = {0};
    if (limit < LIMIT_PING && run->rank) continue;
    if (limit == LIMIT_PING) PetscCall(BenchMeet(run));
    PetscCall(LimitProbe(run->limits, limit, &rate));
    const char *unit = limit_unit(limit, &scale);
    text_add(&size, "%s: %s", limit_name(limit), sizes[limit]);
    BenchFigure figure = {.row = "limits", .size = size.s, .figure = rate / scale, .unit = unit};
    if (limit == LIMIT_PING) figure.figure = 1e6 / rate, figure.unit = "us";
    if (rate > 0) PetscCall(BenchRow(run, &figure));
    text_clear(&size);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_limits = {
    .entry = {"limits", "peaks of the CPU, memory, files and messages between two ranks"},
    .rows = rows,
    .together = true,
    .run = Run,
};
