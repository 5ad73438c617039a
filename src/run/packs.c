/* Which runs share a pack. */
#include "run/packs.h"
#include "base/clock.h"
#include "run/cost.h"
#include <math.h>
#include <string.h>

/* How much later than one by one the whole may be. */
#define LATER 1.05
enum { MOST_GROUPS = 4096 }; /* that are told apart */

double packs_time(const Packs *packs, const PackRun *run, int groups)
{
  double busy[MOST_GROUPS] = {0}, last = 0;
  const int many = groups < 1 ? 1 : groups > MOST_GROUPS ? MOST_GROUPS : groups;
  for (int64_t i = 0; i < packs->count; i++) {
    int free = 0;
    for (int g = 1; g < many; g++)
      if (busy[g] < busy[free]) free = g;
    for (int64_t r = packs->start[i]; r < packs->start[i + 1]; r++)
      busy[free] += run[packs->run[r]].cost;
    if (busy[free] > last) last = busy[free];
  }
  return last;
}

/* The runs of the kind of run `first`, in order, the first of which it is: list, how many. */
static int64_t of_kind(int64_t runs, const PackRun *run, int64_t first, int64_t *list)
{
  int64_t count = 0;
  for (int64_t r = first; r < runs; r++)
    if (run[r].kind == run[first].kind) list[count++] = r;
  return count;
}

static bool is_first(const PackRun *run, int64_t r)
{
  for (int64_t q = 0; q < r; q++)
    if (run[q].kind == run[r].kind) return false;
  return true;
}

/* Does the memory hold every one of `pieces` parts of the runs listed? One run is always held. */
static bool fits(const PackRun *run, const int64_t *list, int64_t count, int64_t pieces,
                 double memory)
{
  for (int64_t i = 0; i < pieces; i++) {
    int64_t first, part;
    double sum = 0;
    part_of(count, 1, (int)i, (int)pieces, &first, &part);
    for (int64_t r = first; r < first + part; r++) sum += run[list[r]].memory;
    if (part > 1 && sum > memory) return false;
  }
  return true;
}

/* Packs that cost about `share` each, or less where a bound asks for it. */
static void lay_out(int64_t runs, const PackRun *run, double share, int64_t most, double memory,
                    Packs *packs)
{
  packs->count = packs->start[0] = 0;
  for (int64_t r = 0; r < runs; r++) {
    if (!is_first(run, r)) continue;
    const int64_t at = packs->start[packs->count];
    int64_t *list = packs->run + at;
    const int64_t count = of_kind(runs, run, r, list);
    double cost = 0;
    for (int64_t i = 0; i < count; i++) cost += run[list[i]].cost;
    int64_t pieces = share > 0 ? (int64_t)fmin(ceil(cost / share - 1e-9), (double)count) : 1;
    if (most > 0) pieces = max_i64(pieces, (count + most - 1) / most);
    pieces = max_i64(pieces, 1);
    while (pieces < count && !fits(run, list, count, pieces, memory)) pieces++;
    for (int64_t i = 0; i < pieces; i++) {
      int64_t first, part;
      part_of(count, 1, (int)i, (int)pieces, &first, &part);
      packs->start[++packs->count] = at + first + part;
    }
  }
}

static void one_by_one(int64_t runs, Packs *packs)
{
  packs->count = runs;
  for (int64_t r = 0; r < runs; r++) packs->run[r] = r, packs->start[r + 1] = r + 1;
}

PetscErrorCode PacksChoose(int64_t runs, const PackRun *run, int groups, int64_t most,
                           double memory, Packs *packs)
{
  double total = 0;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(runs + 1, &packs->start));
  PetscCall(ArrayCreate(runs, &packs->run));
  for (int64_t r = 0; r < runs; r++) total += run[r].cost;
  one_by_one(runs, packs);
  const double least = packs_time(packs, run, groups);
  for (int64_t finer = 1; finer <= runs; finer++) {
    lay_out(runs, run, total / (double)(finer * max_i64(groups, 1)), most, memory, packs);
    if (packs_time(packs, run, groups) <= LATER * least) PetscFunctionReturn(PETSC_SUCCESS);
  }
  one_by_one(runs, packs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PacksDestroy(Packs *packs)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&packs->start));
  PetscCall(ArrayDestroy(&packs->run));
  packs->count = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What decides on the order in which a run reads. */
typedef struct {
  const Settings *settings;
  int64_t seed, subsample, candidates;
  int share;
} Reading;

static Reading reading_of(const Experiment *experiment, bool candidates, int64_t number)
{
  if (candidates) {
    const AnchorRun *made = &experiment->anchors[number];
    return (Reading){&made->settings, made->seed, -1, 0, made->share};
  }
  const Run *run = &experiment->run[number];
  const Group *group = &experiment->group[run->group];
  return (Reading){&run->settings, run->seed[1], run->seed[3],
                   run->anchors < 0 || group->set < 0 ? 0 : experiment->set[group->set].count,
                   group->share};
}

static bool same_setting(const Reading *a, const Reading *b, const char *path)
{
  const char *x = settings_get(a->settings, path), *y = settings_get(b->settings, path);
  return !strcmp(x ? x : "", y ? y : "");
}

/* Do two runs go through the same tokens in the same order? Those that train by batches do in that
   of their data seed; the others in file order, by blocks that depend on the width. */
static bool same_reading(const Reading *a, const Reading *b)
{
  if (a->share != b->share || a->subsample != b->subsample || !same_setting(a, b, "method") ||
      !same_setting(a, b, "tokens") || !same_setting(a, b, "normalise.center") ||
      !same_setting(a, b, "normalise.scale"))
    return false;
  if (settings_get(a->settings, "train.batch"))
    return a->seed == b->seed && same_setting(a, b, "train.batch");
  return same_setting(a, b, "width");
}

/* Time and memory by the model of the cost, with its built-in numbers: the same on every rank. */
static PetscErrorCode CostOfReading(const Work *work, const Machine *machine,
                                    const Reading *reading, int ranks, Cost *cost)
{
  CostShape shape;
  CostGroup group = cost_alone();

  PetscFunctionBegin;
  PetscCall(CostShapeOf(reading->settings, work_train(work, reading->share), work->d,
                        reading->candidates, &shape));
  group.ranks = ranks;
  *cost = cost_of(machine, &shape, &group);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PacksOfRuns(const Work *work, bool candidates, int64_t count, const int64_t *todo,
                           int ranks, double memory, int *groups, Packs *packs)
{
  const Experiment *experiment = work->experiment;
  const int many = work->groups ? work->groups : (int)min_i64(ranks, max_i64(count, 1));
  const int each = ranks > many ? ranks / many : 1; /* ranks of the smallest group */
  Machine machine;
  PackRun *run;

  PetscFunctionBegin;
  machine_builtin(&machine);
  PetscCall(ArrayCreate(count, &run));
  for (int64_t r = 0; r < count; r++) {
    const Reading reading = reading_of(experiment, candidates, todo[r]);
    Cost cost;
    PetscCall(CostOfReading(work, &machine, &reading, each, &cost));
    run[r] = (PackRun){r, cost.run, cost.memory};
    for (int64_t q = 0; q < r && run[r].kind == r; q++) {
      const Reading other = reading_of(experiment, candidates, todo[q]);
      if (same_reading(&reading, &other)) run[r].kind = run[q].kind;
    }
  }
  PetscCall(PacksChoose(count, run, many, work->packs, memory, packs));
  for (int64_t r = 0; r < count; r++) packs->run[r] = todo[packs->run[r]];
  if (groups) *groups = many;
  PetscCall(ArrayDestroy(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PackMemory(MPI_Comm comm, double *memory)
{
  MPI_Comm node;
  int ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &ranks));
  PetscCallMPI(MPI_Comm_free(&node));
  *memory = machine_memory_bytes() / 2 / ranks;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, memory, 1, MPI_DOUBLE, MPI_MIN, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
