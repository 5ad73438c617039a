/* A run folder's files as tables. */
#include "report/report.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  CURVE_POINTS = 240
}; /* of one run: longer logs are averaged over equal stretches of steps */

static PetscErrorCode ReadTable(const char *dir, const char *name, const char *needs,
                                Mistakes *mistakes, Table **table)
{
  char *path = path_join(dir, name);

  PetscFunctionBegin;
  PetscCall(TableRead(path, mistakes, table));
  if (!*table) {
    PetscCall(TableCreate(needs, table));
  } else {
    Table *columns = NULL;
    PetscCall(TableCreate(needs, &columns));
    for (int c = 0; c < columns->columns; c++)
      if (table_column(*table, columns->names[c]) < 0)
        mistake(mistakes, path, 1, 0, "no column %s; write the file anew with this version",
                columns->names[c]);
    PetscCall(TableDestroy(&columns));
  }
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where a run's files are: the folder is the model's first word. */
static char *run_file(const char *dir, const Table *plan, int64_t row, const char *file)
{
  Text path = {0};
  const char *model = table_cell(plan, row, "model");
  text_add(&path, "%s/%.*s/%s/%s", dir, (int)strcspn(model, " "), model,
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

static PetscErrorCode ReadRuns(Report *report, const char *dir)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < report->plan->rows; i++)
    for (int which = 0; which < 2; which++) {
      char *path = run_file(dir, report->plan, i, which ? "manifest.json" : "log.jsonl");
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

/* The value of `name:` in the first column of a spec, or "" where it is not plain. */
static char *spec_name(const Text *spec)
{
  for (const char *line = spec->s; line && *line; line = strchr(line, '\n'), line += line != NULL) {
    if (strncmp(line, "name:", 5)) continue;
    const char *start = line + 5 + strspn(line + 5, " \t\"'");
    Text name = {0};
    text_append(&name, start, strcspn(start, "\"'\r\n#"));
    while (name.length && name.s[name.length - 1] == ' ') name.s[--name.length] = 0;
    return name.s;
  }
  return text_copy("");
}

static PetscErrorCode ReadSpec(Report *report, const char *dir)
{
  char *path = path_join(dir, "spec.yaml");
  bool found;

  PetscFunctionBegin;
  PetscCall(FileRead(path, &report->spec, &found));
  report->name = spec_name(&report->spec);
  if (!*report->name) {
    const size_t end = strlen(dir) - (strlen(dir) > 1 && dir[strlen(dir) - 1] == '/');
    size_t start = end;
    while (start && dir[start - 1] != '/') start--;
    Text name = {0};
    text_append(&name, dir + start, end - start);
    free(report->name);
    report->name = name.s;
  }
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *anchors_of(const Report *report, const char *model)
{
  for (int64_t i = 0; i < report->stability->rows; i++)
    if (!strcmp(table_cell(report->stability, i, "model"), model))
      return table_cell(report->stability, i, "anchors");
  return "";
}

static PetscErrorCode ListModels(Report *report)
{
  Table *models = report->models;
  const Table *plan = report->plan, *runs = report->runs;

  PetscFunctionBegin;
  for (int64_t i = 0; i < plan->rows; i++) {
    const char *model = table_cell(plan, i, "model");
    int64_t planned = 0, done = 0;
    bool first = true;
    for (int64_t j = 0; j < i && first; j++)
      first = strcmp(table_cell(plan, j, "model"), model) != 0;
    if (!first) continue;
    for (int64_t j = i; j < plan->rows; j++)
      planned += !strcmp(table_cell(plan, j, "model"), model);
    for (int64_t j = 0; j < runs->rows; j++)
      done += !strcmp(table_cell(runs, j, "model"), model) &&
              !strcmp(table_cell(runs, j, "status"), "done");
    PetscCall(TableAddRow(models));
    table_text(models, "model", model);
    table_text(models, "method", table_cell(plan, i, "method"));
    table_text(models, "width", table_cell(plan, i, "width"));
    table_text(models, "anchors", anchors_of(report, model));
    table_integer(models, "runs", planned);
    table_integer(models, "done", done);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportRead(const char *dir, Mistakes *mistakes, Report **made)
{
  PetscFunctionBegin;
  Report *report = *made = calloc(1, sizeof(*report));
  PetscCheck(report, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  PetscCall(ReadTable(dir, "plan.csv", "run,model,method,width", mistakes, &report->plan));
  PetscCall(ReadTable(dir, "runs.csv", "run,model,status,reason", mistakes, &report->runs));
  PetscCall(ReadTable(dir, "groups.csv", "model,metric,split,runs,mean,sd,low,high", mistakes,
                      &report->groups));
  PetscCall(ReadTable(dir, "pairs.csv", "model,run_a,run_b,measure,centring,stage,value", mistakes,
                      &report->pairs));
  PetscCall(
      ReadTable(dir, "stability.csv",
                "model,measure,centring,runs,value,low,high,initial,null_random,null_gaussian,"
                "null_tokens,anchors,dead,note",
                mistakes, &report->stability));
  PetscCall(TableCreate("model,method,width,anchors,runs,done", &report->models));
  PetscCall(TableCreate("model,run,step,tokens,loss,averaged,quantity", &report->steps));
  PetscCall(TableCreate("run,path,value", &report->facts));
  PetscCall(ReadSpec(report, dir));
  if (!mistakes_count(mistakes)) {
    PetscCall(ListModels(report));
    PetscCall(ReadRuns(report, dir));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReportDestroy(Report **made)
{
  Report *report = *made;

  PetscFunctionBegin;
  if (report) {
    Table **tables[] = {&report->plan,      &report->runs,   &report->groups, &report->pairs,
                        &report->stability, &report->models, &report->steps,  &report->facts};
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
      PetscCall(TableDestroy(tables[i]));
    text_clear(&report->spec);
    free(report->name);
    free(report);
  }
  *made = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
