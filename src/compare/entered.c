/* The most runs without a common seed: a search that is bounded by matchings of seeds. */
#include "compare/entered.h"
#include "compare/assignment.h"
#include <stdlib.h>
#include <string.h>

/* A run by its seeds. */
typedef struct {
  const ComparedRun *run;
  int64_t at;                  /* in plan order */
  int64_t seed[SEED_PURPOSES]; /* of the purposes that vary, a seed's number among them */
} Candidate;

typedef struct {
  int64_t runs;
  int purposes;
  Candidate *candidate;         /* [runs] sorted */
  int64_t seeds[SEED_PURPOSES]; /* how many different ones */
  bool *used[SEED_PURPOSES];    /* [seeds] by the runs taken */
  bool *taken;                  /* [runs] */
  int64_t steps;                /* of the search for one size */
  bool ended;                   /* it ran out of them */
  int32_t *weight;              /* room for a table of the seeds of two purposes */
  int64_t *partner;
} Search;

static int by_seeds(const void *x, const void *y)
{
  const Candidate *a = x, *b = y;
  for (int p = 0; p < SEED_PURPOSES; p++)
    if (a->run->seed[p] != b->run->seed[p]) return a->run->seed[p] < b->run->seed[p] ? -1 : 1;
  const int by_name = strcmp(a->run->id, b->run->id);
  return by_name ? by_name : (a->at > b->at) - (a->at < b->at);
}

static int by_number(const void *x, const void *y)
{
  const int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
  return (a > b) - (a < b);
}

/* Numbers the seeds of a purpose that varies; room [runs]. */
static void number_seeds(Search *search, int purpose, int64_t *room)
{
  const int p = search->purposes++;
  int64_t count = 0;
  for (int64_t r = 0; r < search->runs; r++) room[r] = search->candidate[r].run->seed[purpose];
  qsort(room, (size_t)search->runs, sizeof(*room), by_number);
  for (int64_t r = 0; r < search->runs; r++)
    if (r == 0 || room[r] != room[count - 1]) room[count++] = room[r];
  for (int64_t r = 0; r < search->runs; r++) {
    const int64_t *seed = &search->candidate[r].run->seed[purpose];
    const int64_t *found = bsearch(seed, room, (size_t)count, sizeof(*room), by_number);
    search->candidate[r].seed[p] = found - room;
  }
  search->seeds[p] = count;
}

static bool is_free(const Search *search, int64_t r)
{
  for (int p = 0; p < search->purposes; p++)
    if (search->used[p][search->candidate[r].seed[p]]) return false;
  return true;
}

static void take(Search *search, int64_t r, bool taken)
{
  search->taken[r] = taken;
  for (int p = 0; p < search->purposes; p++) search->used[p][search->candidate[r].seed[p]] = taken;
}

/* Takes each run that shares nothing with those taken; gives how many. */
static int64_t take_in_turn(Search *search)
{
  int64_t taken = 0;
  for (int64_t r = 0; r < search->runs; r++)
    if (is_free(search, r)) take(search, r, true), taken++;
  return taken;
}

static void take_none(Search *search)
{
  for (int64_t r = 0; r < search->runs; r++) take(search, r, false);
}

/* The most runs from number `first` on that the seeds of purposes p and q alone allow. */
static PetscErrorCode Matching(Search *search, int64_t first, int p, int q, int64_t *most)
{
  const int64_t rows = search->seeds[p], columns = search->seeds[q];
  PetscFunctionBeginUser;
  memset(search->weight, 0, (size_t)(rows * columns) * sizeof(*search->weight));
  for (int64_t r = first; r < search->runs; r++) {
    const int64_t *seed = search->candidate[r].seed;
    if (is_free(search, r)) search->weight[seed[p] * columns + seed[q]] = 1;
  }
  PetscCall(AssignmentSolve(rows, columns, search->weight, search->partner, most));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At least as many runs as can still be taken from number `first` on; with one purpose or two as
   many as can. */
static PetscErrorCode Bound(Search *search, int64_t first, int64_t *most)
{
  PetscFunctionBeginUser;
  *most = search->runs - first;
  for (int p = 0; p < search->purposes; p++)
    for (int q = p + 1; q < search->purposes; q++) {
      int64_t these;
      PetscCall(Matching(search, first, p, q, &these));
      *most = min_i64(*most, these);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes the lexicographically first `needed` runs from number `first` on. */
static PetscErrorCode Find(Search *search, int64_t first, int64_t needed, bool *found)
{
  int64_t most;
  PetscFunctionBeginUser;
  *found = needed == 0;
  for (int64_t r = first; r < search->runs && !*found; r++) {
    if (!is_free(search, r)) continue;
    if (search->purposes > 2 && search->steps++ >= ENTER_STEPS) {
      search->ended = true;
      break;
    }
    PetscCall(Bound(search, r, &most));
    if (most < needed) break;
    take(search, r, true);
    PetscCall(Find(search, r + 1, needed - 1, found));
    if (!*found) take(search, r, false);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs taken in turn are the lexicographically first set of all that none can be added to: so they
   are the answer where no larger one exists. */
static PetscErrorCode Choose(Search *search)
{
  const int64_t greedy = take_in_turn(search);
  int64_t most = search->runs, seeds = 0;
  bool found = false;
  PetscFunctionBeginUser;
  for (int p = 0; p < search->purposes; p++) {
    most = min_i64(most, search->seeds[p]);
    seeds = max_i64(seeds, search->seeds[p]);
  }
  if (greedy == most) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(seeds * seeds, &search->weight));
  PetscCall(ArrayCreate(seeds, &search->partner));
  take_none(search);
  PetscCall(Bound(search, 0, &most));
  for (; most > greedy && !found; most--) {
    search->steps = 0;
    PetscCall(Find(search, 0, most, &found));
  }
  if (!found) take_in_turn(search);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SearchCreate(const ComparedGroup *group, Search *search)
{
  int64_t *room;
  PetscFunctionBeginUser;
  *search = (Search){.runs = group->runs};
  PetscCall(ArrayCreate(group->runs, &search->candidate));
  PetscCall(ArrayCreate(group->runs, &search->taken));
  PetscCall(ArrayCreate(group->runs, &room));
  for (int64_t r = 0; r < group->runs; r++)
    search->candidate[r] = (Candidate){.run = &group->run[r], .at = r};
  qsort(search->candidate, (size_t)group->runs, sizeof(Candidate), by_seeds);
  for (int p = 0; p < SEED_PURPOSES; p++)
    if (purpose_varies(group, p)) number_seeds(search, p, room);
  for (int p = 0; p < search->purposes; p++)
    PetscCall(ArrayCreate(search->seeds[p], &search->used[p]));
  PetscCall(ArrayDestroy(&room));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode RunsThatEnter(const ComparedGroup *group, int64_t *runs, int64_t **run, bool *sought)
{
  Search search;
  PetscFunctionBeginUser;
  PetscCall(SearchCreate(group, &search));
  PetscCall(Choose(&search));
  *runs = 0;
  if (run) PetscCall(ArrayCreate(group->runs, run));
  for (int64_t r = 0; r < group->runs; r++) {
    if (!search.taken[r]) continue;
    if (run) (*run)[*runs] = search.candidate[r].at;
    ++*runs;
  }
  if (run) qsort(*run, (size_t)*runs, sizeof(**run), by_number);
  if (sought) *sought = !search.ended;
  PetscCall(ArrayDestroy(&search.partner));
  PetscCall(ArrayDestroy(&search.weight));
  for (int p = 0; p < SEED_PURPOSES; p++) PetscCall(ArrayDestroy(&search.used[p]));
  PetscCall(ArrayDestroy(&search.taken));
  PetscCall(ArrayDestroy(&search.candidate));
  PetscFunctionReturn(PETSC_SUCCESS);
}
