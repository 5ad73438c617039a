/* The logs and manifests of a run folder as tables. */
#include "read.h"
#include "base/file.h"
#include "base/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  CURVE_POINTS = 240
}; /* of one run: longer logs are averaged over equal stretches of steps */

char *report_run_file(const Report *report, int64_t row, const char *file)
{
  Text path = {0};
  const Table *plan = report->plan;
  const char *model = table_cell(plan, row, "model");
  text_add(&path, "%s/%.*s/%s/%s", report->dir, (int)strcspn(model, " "), model,
           table_cell(plan, row, "run"), file);
  return path.s;
}

static double number_at(const Table *paths, const char *path)
{
  for (int64_t i = 0; i < paths->rows; i++)
    if (!strcmp(table_cell(paths, i, "path"), path)) return table_real(paths, i, "value");
  return NAN;
}

static bool is_step(const Table *paths)
{
  for (int64_t i = 0; i < paths->rows; i++)
    if (!strcmp(table_cell(paths, i, "path"), "event"))
      return !strcmp(table_cell(paths, i, "value"), "step");
  return false;
}

typedef struct {
  double step, tokens, loss;
  bool objective; /* of k-means, in place of a loss */
} Point;

/* The "step" lines of a log; a line that is not JSON (cut short by a crash) is left out. A step
   seen twice (trained again after a resume) counts once, as it was last. */
static PetscErrorCode ReadPoints(const Text *log, Point **points, int64_t *count)
{
  int64_t lines = 1;

  PetscFunctionBegin;
  for (size_t i = 0; i < log->length; i++) lines += log->s[i] == '\n';
  *points = calloc((size_t)lines, sizeof(**points));
  PetscCheck(*points, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  *count = 0;
  for (const char *at = log->s, *end = log->s + log->length; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    const size_t length = (size_t)((stop ? stop : end) - at);
    Table *paths = NULL;
    bool valid;
    PetscCall(TableCreate("path,value", &paths));
    PetscCall(JsonFlatten(at, length, paths, &valid));
    if (valid && is_step(paths)) {
      const double loss = number_at(paths, "loss"), objective = number_at(paths, "objective");
      const Point point = {number_at(paths, "step"), number_at(paths, "tokens"),
                           isnan(loss) ? objective : loss, isnan(loss)};
      while (*count && (*points)[*count - 1].step >= point.step) --*count;
      (*points)[(*count)++] = point;
    }
    PetscCall(TableDestroy(&paths));
    at += length + 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddSteps(Report *report, int64_t row, const Text *log)
{
  Point *point = NULL;
  int64_t count = 0;

  PetscFunctionBegin;
  PetscCall(ReadPoints(log, &point, &count));
  const int64_t bin = (count + CURVE_POINTS - 1) / CURVE_POINTS;
  for (int64_t i = 0; i < count; i += bin) {
    const int64_t n = bin < count - i ? bin : count - i;
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += point[i + j].loss;
    PetscCall(TableAddRow(report->steps));
    table_text(report->steps, "model", table_cell(report->plan, row, "model"));
    table_text(report->steps, "run", table_cell(report->plan, row, "run"));
    table_number(report->steps, "step", point[i + n - 1].step);
    table_number(report->steps, "tokens", point[i + n - 1].tokens);
    table_number(report->steps, "loss", sum / (double)n);
    table_integer(report->steps, "averaged", n);
    table_text(report->steps, "quantity", point[i].objective ? "objective" : "loss");
  }
  free(point);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddFacts(Report *report, int64_t row, const Text *manifest)
{
  Table *paths = NULL;
  bool valid;

  PetscFunctionBegin;
  PetscCall(TableCreate("path,value", &paths));
  PetscCall(JsonFlatten(manifest->s, manifest->length, paths, &valid));
  for (int64_t i = 0; valid && i < paths->rows; i++) {
    PetscCall(TableAddRow(report->facts));
    table_text(report->facts, "run", table_cell(report->plan, row, "run"));
    table_text(report->facts, "path", table_cell(paths, i, "path"));
    table_text(report->facts, "value", table_cell(paths, i, "value"));
  }
  PetscCall(TableDestroy(&paths));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReadLogs(Report *report)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < report->plan->rows; i++)
    for (int which = 0; which < 2; which++) {
      char *path = report_run_file(report, i, which ? "manifest.json" : "log.jsonl");
      Text text = {0};
      bool found;
      PetscCall(FileRead(path, &text, &found));
      if (found && text.length)
        PetscCall(which ? AddFacts(report, i, &text) : AddSteps(report, i, &text));
      text_clear(&text);
      free(path);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}
