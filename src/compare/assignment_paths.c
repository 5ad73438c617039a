/* Shortest augmenting paths over the listed columns of each row. A row whose list ends before the
   path does gets a longer one, so that each path is the shortest over all columns. */
#include "base/array.h"
#include "compare/assignment_parts.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
  double key;
  int32_t node; /* a column, or -1 - row: what that row has not listed */
} HeapItem;

/* One search. Dummies are one node: all their columns have the least price. */
typedef struct {
  Candidates *list; /* [n] */
  double *work;     /* [m] */
  double *distance; /* [m] infinite where not reached */
  int32_t *from;    /* [m] row that a column was reached from */
  int32_t *worth;   /* [m] weight of that pair */
  int32_t *touched; /* [m] columns reached */
  int32_t *settled; /* [m] columns settled */
  double *offset;   /* [n] of rows reached: what their own column is worth, and its distance */
  int32_t *alike;   /* [n] of AssignmentAlike */
  int32_t *mark;    /* [n] of one row of those alike: the free row that they were reached for */
  HeapItem *heap;
  int64_t reached, done, heaped, room;
  double level;       /* price of the dummies' columns */
  double group;       /* distance of the dummies' node */
  int32_t group_row;  /* from which it was reached ... */
  Candidate group_by; /* ... through this column */
  double bound;       /* distance of the nearest column without owner */
  int32_t end;        /* that column */
} Search;

static PetscErrorCode Push(Search *S, double key, int32_t node)
{
  PetscFunctionBegin;
  if (S->heaped == S->room) {
    S->room = 2 * S->room + 1024;
    PetscCall(PetscRealloc((size_t)S->room * sizeof(*S->heap), &S->heap));
  }
  int64_t k = S->heaped++;
  for (; k > 0 && S->heap[(k - 1) / 2].key > key; k = (k - 1) / 2)
    S->heap[k] = S->heap[(k - 1) / 2];
  S->heap[k] = (HeapItem){key, node};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static HeapItem pop(Search *S)
{
  const HeapItem top = S->heap[0];
  const HeapItem last = S->heap[--S->heaped];
  int64_t k = 0;
  for (;;) {
    int64_t child = 2 * k + 1;
    if (child >= S->heaped) break;
    if (child + 1 < S->heaped && S->heap[child + 1].key < S->heap[child].key) child++;
    if (S->heap[child].key >= last.key) break;
    S->heap[k] = S->heap[child];
    k = child;
  }
  S->heap[k] = last;
  return top;
}

/* Column `to` is reached from a row, or from the dummies */
static PetscErrorCode ReachColumn(const Matching *M, Candidate to, double value, int32_t row,
                                  Search *S)
{
  const int32_t j = to.column;

  PetscFunctionBegin;
  if (value >= S->bound) PetscFunctionReturn(PETSC_SUCCESS);
  if (M->owner[j] == OWNER_DUMMY) {
    if (value < S->group) {
      S->group = value;
      S->group_row = row;
      S->group_by = to;
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (value >= S->distance[j]) PetscFunctionReturn(PETSC_SUCCESS);
  if (isinf(S->distance[j])) S->touched[S->reached++] = j;
  S->distance[j] = value;
  S->from[j] = row;
  S->worth[j] = to.weight;
  if (M->owner[j] == OWNER_NONE) {
    S->bound = value;
    S->end = j;
  } else
    PetscCall(Push(S, value, j));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the row the first of its like that this search comes to? What it leads to is no nearer through
   the others. */
static bool first_alike(int32_t row, int32_t start, Search *S)
{
  const bool first = S->mark[S->alike[row]] != start;
  S->mark[S->alike[row]] = start;
  return first;
}

/* All that a row lists, and a reminder of what it does not */
static PetscErrorCode ReachFrom(const Matching *M, int32_t row, Search *S)
{
  const Candidates *list = &S->list[row];
  const double offset = S->offset[row];

  PetscFunctionBegin;
  for (int32_t k = 0; k < list->count; k++) {
    const Candidate to = list->item[k];
    const double value = M->price[to.column] - (double)to.weight - offset;
    if (value < S->bound) PetscCall(ReachColumn(M, to, value, row, S));
  }
  if (-list->rest - offset < S->bound) PetscCall(Push(S, -list->rest - offset, -1 - row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The search has come to where row may have more than it lists: a new list, or all its columns */
static PetscErrorCode ReachFurther(const Matching *M, int32_t row, Search *S)
{
  Candidates *list = &S->list[row];
  const int32_t *weight;

  PetscFunctionBegin;
  PetscCall(WeightsRow(M->weights, row, &weight));
  const bool stale = candidates_stale(M, list);
  if (stale || list->room < LIST_MOST) {
    const int32_t room = stale ? list->room : 2 * list->room;
    PetscCall(CandidatesRenew(M, row, weight, min_i64(room, LIST_MOST), S->work, list));
    PetscCall(ReachFrom(M, row, S));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int32_t j = 0; j < M->m; j++)
    PetscCall(ReachColumn(M, (Candidate){j, weight[j]},
                          M->price[j] - (double)weight[j] - S->offset[row], row, S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next node of the search, nearer than any free column */
static PetscErrorCode Expand(const Matching *M, HeapItem item, int32_t start, Search *S)
{
  PetscFunctionBegin;
  if (item.node < 0) {
    PetscCall(ReachFurther(M, -1 - item.node, S));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (item.key > S->distance[item.node]) PetscFunctionReturn(PETSC_SUCCESS); /* settled before */
  const int32_t row = M->owner[item.node];
  S->settled[S->done++] = item.node;
  S->offset[row] = M->price[item.node] - (double)M->worth[row] - item.key;
  if (first_alike(row, start, S)) PetscCall(ReachFrom(M, row, S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Through a dummy every column can be had that it would pay as much for */
static PetscErrorCode ExpandDummies(const Matching *M, Search *S)
{
  PetscFunctionBegin;
  for (int32_t j = 0; j < M->m; j++)
    if (M->owner[j] != OWNER_DUMMY)
      PetscCall(
          ReachColumn(M, (Candidate){j, 0}, S->group + (M->price[j] - S->level), OWNER_DUMMY, S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Exchanges partners along the path that ends in column S->end */
static void exchange(Matching *M, int32_t start, const Search *S)
{
  for (int32_t j = S->end;;) {
    int32_t row = S->from[j], worth = S->worth[j];
    if (row == OWNER_DUMMY) {
      M->owner[j] = OWNER_DUMMY;
      j = S->group_by.column;
      row = S->group_row;
      worth = S->group_by.weight;
    }
    const int32_t next = M->column[row];
    M->owner[j] = row;
    M->column[row] = j;
    M->worth[row] = worth;
    if (row == start) return;
    j = next;
  }
}

static void raise_prices(Matching *M, bool grouped, Search *S)
{
  for (int64_t q = 0; q < S->done; q++)
    M->price[S->settled[q]] += S->bound - S->distance[S->settled[q]];
  if (!grouped) return;
  S->level += S->bound - S->group;
  for (int64_t j = 0; j < M->m; j++)
    if (M->owner[j] == OWNER_DUMMY) M->price[j] = S->level;
}

/* One shortest path from a free row to a free column; prices rise along it */
static PetscErrorCode MatchRow(Matching *M, int32_t start, Search *S)
{
  const double none = (double)INFINITY;
  bool grouped = false;

  PetscFunctionBegin;
  S->reached = S->done = S->heaped = 0;
  S->group = S->bound = none;
  S->end = -1;
  S->offset[start] = 0;
  S->mark[S->alike[start]] = start;
  PetscCall(ReachFrom(M, start, S));
  for (;;) {
    const double head = S->heaped > 0 ? S->heap[0].key : none;
    if (!grouped && S->group < S->bound && S->group <= head) {
      grouped = true;
      PetscCall(ExpandDummies(M, S));
      continue;
    }
    if (head >= S->bound || S->heaped == 0) break;
    PetscCall(Expand(M, pop(S), start, S));
  }
  PetscCheck(S->end >= 0, PETSC_COMM_SELF, PETSC_ERR_PLIB, "no free column was reached");
  raise_prices(M, grouped, S);
  exchange(M, start, S);
  for (int64_t q = 0; q < S->reached; q++) S->distance[S->touched[q]] = none;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MatchAll(Matching *M, Search *S)
{
  PetscFunctionBegin;
  PetscCall(AssignmentStartPrices(M, &S->level));
  for (int64_t i = 0; i < M->n; i++) {
    const int32_t *weight;
    PetscCall(WeightsNext(M->weights, i, &weight));
    PetscCall(CandidatesRenew(M, i, weight, LIST_FIRST, S->work, &S->list[i]));
  }
  PetscCall(AssignmentBids(M, S->list, S->work, &S->level));
  PetscCall(AssignmentAlike(M, S->alike));
  for (int64_t i = 0; i < M->n; i++) S->mark[i] = -1;
  for (int32_t i = 0; i < M->n; i++)
    if (M->column[i] == OWNER_NONE) PetscCall(MatchRow(M, i, S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentMatch(Matching *M)
{
  Search S = {0};
  const int64_t n = M->n, m = M->m;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(n, &S.list));
  PetscCall(PetscMalloc4(m, &S.work, n, &S.offset, n, &S.alike, n, &S.mark));
  PetscCall(PetscMalloc5(m, &S.distance, m, &S.from, m, &S.worth, m, &S.touched, m, &S.settled));
  for (int64_t j = 0; j < m; j++) S.distance[j] = (double)INFINITY;
  PetscCall(MatchAll(M, &S));
  for (int64_t i = 0; i < n; i++) PetscCall(PetscFree(S.list[i].item));
  PetscCall(PetscFree5(S.distance, S.from, S.worth, S.touched, S.settled));
  PetscCall(PetscFree4(S.work, S.offset, S.alike, S.mark));
  PetscCall(PetscFree(S.list));
  PetscCall(PetscFree(S.heap));
  PetscFunctionReturn(PETSC_SUCCESS);
}
