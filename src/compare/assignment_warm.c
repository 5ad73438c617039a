/* A first matching and prices from a few columns of each row, then looked over on all columns.
   Whatever is chosen here only saves time: AssignmentComplete() ends with an optimal matching from
   any start. */
#include "compare/assignment_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 24, BLOCK = 16, ROUNDS = 4 };

typedef struct {
  double key;
  int32_t column;
} HeapItem;

/* Sparse weights, and one search. Dummies are one node: all their columns have the least price. */
typedef struct {
  int32_t *column;  /* [n x CANDIDATES] */
  int32_t *weight;  /* [n x CANDIDATES] */
  int32_t *count;   /* [n] */
  int32_t *rough;   /* [m] halved prices */
  double *distance; /* [m] infinite where not reached */
  int32_t *from;    /* [m] row that a column was reached from */
  int32_t *touched; /* [m] columns reached */
  int32_t *settled; /* [m] columns settled */
  HeapItem *heap;
  int64_t reached, done, heaped;
  double level;         /* price of the dummies' columns */
  double group;         /* distance of the dummies' node */
  int32_t group_row;    /* from which it was reached ... */
  int32_t group_column; /* ... through this column */
  double bound;         /* distance of the nearest column without owner */
  int32_t end;          /* that column */
} Sparse;

/* The columns with the largest weight - price of row i, roughly, best first. The scan starts at a
   place of the row's own, so that rows of equals do not all choose the same columns. */
static void choose_candidates(const Matching *M, int64_t i, Sparse *S)
{
  const int64_t m = M->m;
  const int32_t *weight = M->weight + i * m;
  int32_t *column = S->column + i * CANDIDATES;
  int32_t value[CANDIDATES];
  int32_t least = INT32_MIN;
  int count = 0;
  const int64_t blocks = (m + BLOCK - 1) / BLOCK;
  const int64_t offset = i * blocks / M->n;
  for (int64_t q = 0; q < blocks; q++) {
    const int64_t at = (q + offset < blocks ? q + offset : q + offset - blocks) * BLOCK;
    const int64_t end = at + BLOCK < m ? at + BLOCK : m;
    uint32_t any = end < at + BLOCK || count < CANDIDATES;
    if (!any)
      for (int l = 0; l < BLOCK; l++) any |= (weight[at + l] >> 1) - S->rough[at + l] > least;
    if (!any) continue;
    for (int64_t j = at; j < end; j++) {
      const int32_t v = (weight[j] >> 1) - S->rough[j];
      if (count == CANDIDATES && v <= least) continue;
      int k = count < CANDIDATES ? count++ : CANDIDATES - 1;
      for (; k > 0 && value[k - 1] < v; k--) {
        value[k] = value[k - 1];
        column[k] = column[k - 1];
      }
      value[k] = v;
      column[k] = (int32_t)j;
      least = value[count - 1];
    }
  }
  S->count[i] = count;
  for (int k = 0; k < count; k++) S->weight[i * CANDIDATES + k] = weight[column[k]];
}

static void round_prices(const Matching *M, Sparse *S)
{
  for (int64_t j = 0; j < M->m; j++)
    S->rough[j] = (int32_t)fmax(-0x1p29, fmin(0x1p29, floor(M->price[j] / 2)));
}

/* Takes the best column and raises its price to where the second best is as good (augmenting row
   reduction). Returns the row put out, or -1. */
static int32_t bid(Matching *M, int32_t i, Sparse *S)
{
  double best = -(double)INFINITY;
  double second = -(double)INFINITY;
  int32_t at = -1;
  for (int k = 0; k < S->count[i]; k++) {
    const int32_t j = S->column[i * CANDIDATES + k];
    const double value = (double)S->weight[i * CANDIDATES + k] - M->price[j];
    if (value > best) {
      second = best;
      best = value;
      at = j;
    } else if (value > second) {
      second = value;
      if (value == best && M->owner[at] != OWNER_NONE && M->owner[j] == OWNER_NONE) at = j;
    }
  }
  if (M->owner[at] == OWNER_DUMMY) return -1;
  const int32_t out = M->owner[at];
  if (out >= 0 && (best == second || S->count[i] < 2)) return -1;
  if (S->count[i] > 1) M->price[at] += best - second;
  M->owner[at] = i;
  M->column[i] = at;
  if (out >= 0) M->column[out] = OWNER_NONE;
  return out;
}

static void bid_all(Matching *M, Sparse *S)
{
  int64_t left = 20 * M->n;
  for (int pass = 0; pass < 3; pass++)
    for (int32_t i = 0; i < M->n; i++)
      for (int32_t row = i; row >= 0 && M->column[row] == OWNER_NONE && left > 0; left--)
        row = bid(M, row, S);
}

static void heap_push(Sparse *S, double key, int32_t column)
{
  int64_t k = S->heaped++;
  for (; k > 0 && S->heap[(k - 1) / 2].key > key; k = (k - 1) / 2)
    S->heap[k] = S->heap[(k - 1) / 2];
  S->heap[k] = (HeapItem){key, column};
}

static HeapItem heap_pop(Sparse *S)
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

static void reach_column(const Matching *M, int32_t j, double value, int32_t row, Sparse *S)
{
  if (value >= S->bound) return;
  if (M->owner[j] == OWNER_DUMMY) {
    if (value >= S->group) return;
    S->group = value;
    S->group_row = row;
    S->group_column = j;
    return;
  }
  if (value >= S->distance[j]) return;
  if (isinf(S->distance[j])) S->touched[S->reached++] = j;
  S->distance[j] = value;
  S->from[j] = row;
  if (M->owner[j] == OWNER_NONE) {
    S->bound = value;
    S->end = j;
  } else
    heap_push(S, value, j);
}

static void reach_from(const Matching *M, int32_t row, double offset, Sparse *S)
{
  for (int k = 0; k < S->count[row]; k++) {
    const int32_t j = S->column[row * CANDIDATES + k];
    reach_column(M, j, M->price[j] - (double)S->weight[row * CANDIDATES + k] - offset, row, S);
  }
}

/* Exchanges partners along the path that ends in column S->end */
static void exchange(Matching *M, int32_t start, Sparse *S)
{
  for (int32_t j = S->end;;) {
    const int32_t row = S->from[j];
    M->owner[j] = row;
    if (row == OWNER_DUMMY) {
      j = S->group_column;
      S->from[j] = S->group_row;
      continue;
    }
    const int32_t next = M->column[row];
    M->column[row] = j;
    if (row == start) return;
    j = next;
  }
}

/* One shortest path from a free row over the candidates; prices rise where it is found */
static void find_path(Matching *M, int32_t start, Sparse *S)
{
  const double none = (double)INFINITY;
  S->reached = S->done = S->heaped = 0;
  S->group = S->bound = none;
  S->end = -1;
  bool grouped = false;
  reach_from(M, start, 0, S);
  for (;;) {
    const double head = S->heaped > 0 ? S->heap[0].key : none;
    if (!grouped && S->group < S->bound && S->group <= head) {
      grouped = true;
      for (int32_t j = 0; j < M->m; j++)
        if (M->owner[j] != OWNER_DUMMY)
          reach_column(M, j, S->group + (M->price[j] - S->level), OWNER_DUMMY, S);
      continue;
    }
    if (head >= S->bound || S->heaped == 0) break;
    const HeapItem item = heap_pop(S);
    if (item.key > S->distance[item.column]) continue;
    const int32_t row = M->owner[item.column];
    S->settled[S->done++] = item.column;
    const double own = (double)M->weight[row * M->m + item.column];
    reach_from(M, row, M->price[item.column] - own - item.key, S);
  }
  if (S->end >= 0) {
    for (int64_t q = 0; q < S->done; q++)
      M->price[S->settled[q]] += S->bound - S->distance[S->settled[q]];
    if (grouped) {
      S->level += S->bound - S->group;
      for (int64_t j = 0; j < M->m; j++)
        if (M->owner[j] == OWNER_DUMMY) M->price[j] = S->level;
    }
    exchange(M, start, S);
  }
  for (int64_t q = 0; q < S->reached; q++) S->distance[S->touched[q]] = none;
}

/* Whether row i would rather have another column than its own, on all columns; roughly first, then
 * exactly */
static bool is_beaten(const Matching *M, int64_t i, bool rough, const Sparse *S)
{
  const int64_t m = M->m;
  const int32_t *weight = M->weight + i * m;
  const double best = (double)weight[M->column[i]] - M->price[M->column[i]];
  const double screen = floor(best / 2 - 0.5);
  rough = rough && screen >= INT32_MIN && screen <= INT32_MAX;
  const int32_t limit = rough ? (int32_t)screen : 0;
  for (int64_t j = 0; j < m; j += BLOCK) {
    const int64_t end = j + BLOCK < m ? j + BLOCK : m;
    uint32_t any = end < j + BLOCK || !rough;
    if (!any)
      for (int l = 0; l < BLOCK; l++) any |= (weight[j + l] >> 1) - S->rough[j + l] > limit;
    if (!any) continue;
    for (int64_t c = j; c < end; c++)
      if ((double)weight[c] - M->price[c] > best) return true;
  }
  return false;
}

/* Frees the rows that would rather have a column that was no candidate; rows that are free
 * afterwards */
static int64_t look_over(Matching *M, Sparse *S)
{
  round_prices(M, S);
  bool rough = true; /* the rough price must not be above the true one */
  for (int64_t j = 0; j < M->m; j++) rough = rough && M->price[j] >= -0x1p30;
  int64_t left = 0;
  for (int64_t i = 0; i < M->n; i++) {
    if (M->column[i] != OWNER_NONE && is_beaten(M, i, rough, S)) {
      M->owner[M->column[i]] = OWNER_NONE;
      M->column[i] = OWNER_NONE;
    }
    left += M->column[i] == OWNER_NONE;
  }
  return left;
}

static PetscErrorCode SparseCreate(const Matching *M, Sparse *S)
{
  const int64_t cells = M->n * CANDIDATES;
  const int64_t m = M->m;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(cells, &S->column, cells, &S->weight, M->n, &S->count, m, &S->rough));
  PetscCall(PetscMalloc5(m, &S->distance, m, &S->from, m, &S->touched, m, &S->settled,
                         cells + 2 * m, &S->heap));
  for (int64_t j = 0; j < m; j++) S->distance[j] = (double)INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SparseDestroy(Sparse *S)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(S->column, S->weight, S->count, S->rough));
  PetscCall(PetscFree5(S->distance, S->from, S->touched, S->settled, S->heap));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentWarmStart(Matching *M)
{
  Sparse S = {0};

  PetscFunctionBegin;
  PetscCall(SparseCreate(M, &S));
  PetscCall(AssignmentStartPrices(M, &S.level));
  int64_t left = M->n;
  for (int round = 0; round < ROUNDS && 64 * left > M->n; round++) {
    round_prices(M, &S);
    for (int64_t i = 0; i < M->n; i++)
      if (M->column[i] == OWNER_NONE) choose_candidates(M, i, &S);
    bid_all(M, &S);
    for (int32_t i = 0; i < M->n; i++)
      if (M->column[i] == OWNER_NONE) find_path(M, i, &S);
    left = look_over(M, &S);
  }
  PetscCall(SparseDestroy(&S));
  PetscFunctionReturn(PETSC_SUCCESS);
}
