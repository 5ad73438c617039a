/* What the runs of a spec will cost on a cluster. */
#include "run/forecast.h"
#include "run/packs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES, RUNS };

/* Candidates that a group of the plan mixes; 0: it uses none. */
static int64_t candidates_of(const Experiment *e, const Group *group)
{
  return group->set < 0 ? 0 : e->set[group->set].count;
}

/* The largest of so many groups. */
static CostGroup group_of(const Job *job, int groups)
{
  const int each = (job->ranks + groups - 1) / groups;
  const double on_node = ceil((double)job->ranks / job->nodes);
  return (CostGroup){.ranks = each,
                     .nodes = (int)ceil(each / on_node),
                     .busy = on_node,
                     .link = job->link,
                     .latency = job->latency};
}

static void add_line(Forecast *f, const Machine *machine, const Job *job, const char *name,
                     int64_t runs, const CostShape *shape, int stage, int64_t number)
{
  ForecastLine *line = &f->line[f->lines++];
  *line = (ForecastLine){.name = name,
                         .runs = runs,
                         .shape = *shape,
                         .group = group_of(job, f->groups[stage]),
                         .group_of_plan = number};
  line->shape.route = job->route;
  line->cost = cost_of(machine, &line->shape, &line->group);
  f->disk += (double)runs * line->cost.disk;
}

/* Candidate sets that are made here, by the set of the spec. */
static PetscErrorCode AddCandidates(Forecast *f, const Work *work, const Machine *machine,
                                    const Job *job)
{
  const Experiment *e = work->experiment;
  CostShape shape;

  PetscFunctionBegin;
  for (int64_t set = 0; set < e->sets; set++) {
    int64_t count = 0, first = 0;
    for (int64_t a = 0; a < e->anchors_count; a++)
      if (e->anchors[a].set == set && e->anchors[a].share >= 0 && !count++) first = a;
    if (!count) continue;
    const AnchorRun *made = &e->anchors[first];
    PetscCall(CostShapeOf(&made->settings, work_train(work, made->share), work->d, 0, &shape));
    add_line(f, machine, job, e->set[set].name, count, &shape, CANDIDATES, -1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddRuns(Forecast *f, const Work *work, const Machine *machine, const Job *job)
{
  const Experiment *e = work->experiment;
  CostShape shape;

  PetscFunctionBegin;
  for (int64_t g = 0; g < e->groups; g++) {
    const Group *group = &e->group[g];
    int64_t count = 0;
    for (int64_t r = 0; r < e->runs; r++) count += e->run[r].group == g;
    PetscCall(CostShapeOf(&group->settings, work_train(work, group->share), work->d,
                          candidates_of(e, group), &shape));
    add_line(f, machine, job, group->model, count, &shape, RUNS, g);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The line of an item: of a run, or of a candidate set. */
static const ForecastLine *line_of(const Forecast *f, const Experiment *e, int stage, int64_t item)
{
  for (int64_t l = 0; l < f->lines; l++) {
    const ForecastLine *line = &f->line[l];
    if (stage == RUNS ? line->group_of_plan == e->run[item].group
                      : line->group_of_plan < 0 && line->name == e->set[e->anchors[item].set].name)
      return line;
  }
  return NULL;
}

/* Runs and candidate sets that are not read from files. */
static int64_t items_of(const Experiment *e, int stage, int64_t *item)
{
  const int64_t all = stage == RUNS ? e->runs : e->anchors_count;
  int64_t count = 0;
  for (int64_t i = 0; i < all; i++)
    if (stage == RUNS || e->anchors[i].share >= 0) item[count++] = i;
  return count;
}

/* The packs of a stage, as `ardis run` would choose them, and how long they take. */
static PetscErrorCode Spread(Forecast *f, const Work *work, const Machine *machine, const Job *job,
                             int stage)
{
  const Experiment *e = work->experiment;
  const int64_t all = max_i64(e->runs, e->anchors_count);
  const double room = machine->memory / 2 / ceil((double)job->ranks / job->nodes);
  int64_t *item;
  PackRun *run;
  Packs packs;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(all, &item));
  PetscCall(PetscCalloc1(all, &run));
  const int64_t count = items_of(e, stage, item);
  PetscCall(PacksOfRuns(work, stage == CANDIDATES, count, item, job->ranks, room, &f->groups[stage],
                        &packs));
  for (int64_t i = 0; i < count; i++) {
    const ForecastLine *line = line_of(f, e, stage, item[i]);
    run[item[i]].cost = line->cost.run, run[item[i]].memory = line->cost.memory;
  }
  f->packs[stage] = packs.count;
  for (int64_t i = 0; i < packs.count; i++) {
    double memory = machine->process;
    for (int64_t r = packs.start[i]; r < packs.start[i + 1]; r++)
      memory += run[packs.run[r]].memory;
    f->memory = fmax(f->memory, memory);
    f->most[stage] = max_i64(f->most[stage], packs.start[i + 1] - packs.start[i]);
  }
  f->seconds += packs_time(&packs, run, f->groups[stage]);
  PetscCall(PacksDestroy(&packs));
  PetscCall(PetscFree(run));
  PetscCall(PetscFree(item));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int groups_for(const Job *job, int64_t items)
{
  const int64_t many = job->groups ? job->groups : max_i64(items, 1);
  return (int)min_i64(many, job->ranks);
}

PetscErrorCode ForecastMake(const Work *work, const Machine *machine, const Job *job, Forecast *f)
{
  const Experiment *e = work->experiment;
  int64_t made = 0;

  PetscFunctionBegin;
  *f = (Forecast){0};
  for (int64_t a = 0; a < e->anchors_count; a++) made += e->anchors[a].share >= 0;
  f->groups[CANDIDATES] = groups_for(job, made);
  f->groups[RUNS] = groups_for(job, e->runs);
  PetscCall(PetscCalloc1(e->sets + e->groups, &f->line));
  PetscCall(AddCandidates(f, work, machine, job));
  PetscCall(AddRuns(f, work, machine, job));
  if (made) PetscCall(Spread(f, work, machine, job, CANDIDATES));
  PetscCall(Spread(f, work, machine, job, RUNS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ForecastDestroy(Forecast *f)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(f->line));
  *f = (Forecast){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

void text_duration(Text *text, double seconds)
{
  static const struct {
    double most, unit;
    const char *word;
  } units[] = {{1e-3, 1e-6, "us"}, {1, 1e-3, "ms"},     {90, 1, "s"},
               {5400, 60, "min"},  {172800, 3600, "h"}, {INFINITY, 86400, "d"}};
  int u = 0;
  while (seconds >= units[u].most) u++;
  const double x = seconds / units[u].unit;
  text_add(text, "%.*f %s", x < 10 ? 2 : x < 100 ? 1 : 0, x, units[u].word);
}

void text_bytes(Text *text, double bytes)
{
  static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
  int unit = 0;
  for (bytes /= 1000; bytes >= 1000 && unit < 4; unit++) bytes /= 1000;
  text_add(text, "%.*f %s", bytes < 10 && bytes > 0 ? 1 : 0, bytes, units[unit]);
}

static void add_padded(Text *text, int width, Text *cell)
{
  text_add(text, "  %*s", width, cell->s ? cell->s : "");
  text_clear(cell);
}

static void add_line_text(Text *text, const ForecastLine *line, int width)
{
  const Cost *cost = &line->cost;
  Text cell = {0};
  text_add(text, "%-*s  %5lld  %-9s", width, line->name, (long long)line->runs,
           line->shape.kind == COST_KMEANS  ? "k-means"
           : line->shape.kind == COST_UNITS ? "leaves"
           : cost->route == ROUTE_ALLREDUCE ? "allreduce"
                                            : "owner");
  text_duration(&cell, cost->step), add_padded(text, 8, &cell);
  text_duration(&cell, cost->messages), add_padded(text, 8, &cell);
  text_add(text, "  %8.0f", line->shape.steps);
  text_duration(&cell, cost->run), add_padded(text, 8, &cell);
  text_bytes(&cell, cost->sent), add_padded(text, 8, &cell);
  text_bytes(&cell, cost->shared), add_padded(text, 8, &cell);
  text_bytes(&cell, cost->memory), add_padded(text, 8, &cell);
  text_add(text, "\n");
}

static void add_machine(Text *text, const Machine *machine, const Job *job)
{
  text_add(text, "%d rank%s on %d node%s of %.0f cores", job->ranks, job->ranks == 1 ? "" : "s",
           job->nodes, job->nodes == 1 ? "" : "s", machine->cores);
  if (job->nodes > 1)
    text_add(text, ", %.3g GB/s and %.3g us between nodes", job->link / 1e9, job->latency * 1e6);
  text_add(text, "; %s, %s kernels, ", machine->cpu, machine->kernels);
  if (machine->measured)
    text_add(text, "measured %s, commit %s\n", machine->date, machine->commit);
  else
    text_add(text, "built-in numbers: `ardis bench --save` measures this machine's\n");
}

void forecast_text(const Forecast *f, const Machine *machine, const Job *job, Text *text)
{
  static const char *const stages[] = {"candidate sets", "runs"};
  int width = 5;
  for (int64_t l = 0; l < f->lines; l++)
    if ((int)strlen(f->line[l].name) > width) width = (int)strlen(f->line[l].name);
  add_machine(text, machine, job);
  text_add(text, "\n%-*s  %5s  %-9s  %8s  %8s  %8s  %8s  %8s  %8s  %8s\n", width, "what", "runs",
           "route", "a step", "messages", "steps", "a run", "sent", "shared", "memory");
  for (int64_t l = 0; l < f->lines; l++) add_line_text(text, &f->line[l], width);
  text_add(text, "\n");
  for (int s = 0; s < 2; s++)
    if (f->packs[s]) {
      const CostGroup group = group_of(job, f->groups[s]);
      text_add(text, "%s: %lld packs of up to %lld, by %d group%s of %d rank%s\n", stages[s],
               (long long)f->packs[s], (long long)f->most[s], f->groups[s],
               f->groups[s] == 1 ? "" : "s", group.ranks, group.ranks == 1 ? "" : "s");
    }
  text_add(text, "in all: ");
  text_duration(text, f->seconds);
  text_add(text, ", ");
  text_bytes(text, f->memory);
  text_add(text, " of memory a rank at most (the program itself ");
  text_bytes(text, machine->process);
  text_add(text, "), ");
  text_bytes(text, f->disk);
  text_add(text, " on disk\n");
}
