/* The best columns of a row, and bids on them. Lists only save time: what is not listed is known to
   be worth at most so much, and where that is too much the list is made anew. */
#include "compare/assignment_parts.h"

#include <math.h>

enum { BLOCK = 16 };

/* Puts an item at the root of a heap (least value first) of count items and lets it sink. */
static void sink(int32_t count, double value, Candidate item, double *key, Candidate *heap)
{
  int32_t k = 0;
  for (;;) {
    int32_t child = 2 * k + 1;
    if (child >= count) break;
    if (child + 1 < count && key[child + 1] < key[child]) child++;
    if (key[child] >= value) break;
    key[k] = key[child];
    heap[k] = heap[child];
    k = child;
  }
  key[k] = value;
  heap[k] = item;
}

static void rise(int32_t count, double value, Candidate item, double *key, Candidate *heap)
{
  int32_t k = count;
  for (; k > 0 && key[(k - 1) / 2] > value; k = (k - 1) / 2) {
    key[k] = key[(k - 1) / 2];
    heap[k] = heap[(k - 1) / 2];
  }
  key[k] = value;
  heap[k] = item;
}

/* Takes the columns of one block that are worth more than the least kept. */
static void take_block(const Matching *M, const int32_t *weight, int64_t at, int64_t end,
                       double *key, Candidates *list)
{
  for (int64_t j = at; j < end; j++) {
    const double value = (double)weight[j] - M->price[j];
    const Candidate item = {(int32_t)j, weight[j]};
    if (list->count < list->room)
      rise(list->count++, value, item, key, list->item);
    else if (value > key[0])
      sink(list->count, value, item, key, list->item);
  }
}

PetscErrorCode CandidatesRenew(const Matching *M, int64_t i, int32_t room, double *work,
                               Candidates *list)
{
  const int64_t m = M->m, blocks = (m + BLOCK - 1) / BLOCK;
  const int32_t *weight = M->weight + i * m;
  const double *restrict price = M->price;

  PetscFunctionBegin;
  if (room > m) room = (int32_t)m;
  if (room > list->room) {
    PetscCall(PetscRealloc((size_t)room * sizeof(*list->item), &list->item));
    list->room = room;
  }
  list->count = 0;
  /* from a place of the row's own, so that rows of equals do not all choose the same columns */
  const int64_t offset = i * blocks / M->n;
  for (int64_t q = 0; q < blocks; q++) {
    const int64_t at = (q + offset < blocks ? q + offset : q + offset - blocks) * BLOCK;
    const int64_t end = at + BLOCK < m ? at + BLOCK : m;
    if (list->count == list->room && end == at + BLOCK) {
      const double least = work[0];
      int any = 0;
      for (int l = 0; l < BLOCK; l++) any |= (double)weight[at + l] - price[at + l] > least;
      if (!any) continue;
    }
    take_block(M, weight, at, end, work, list);
  }
  list->rest = list->count < m ? work[0] : -(double)INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool candidates_stale(const Matching *M, const Candidates *list)
{
  for (int32_t k = 0; k < list->count; k++)
    if ((double)list->item[k].weight - M->price[list->item[k].column] < list->rest) return true;
  return false;
}

/* The best column of a list, a free one among equals, and what the second best is worth. */
static int32_t two_best(const Matching *M, const Candidates *list, double *best, double *second)
{
  int32_t at = -1;
  *best = *second = -(double)INFINITY;
  for (int32_t k = 0; k < list->count; k++) {
    const int32_t j = list->item[k].column;
    const double value = (double)list->item[k].weight - M->price[j];
    if (value > *best) {
      *second = *best;
      *best = value;
      at = j;
    } else if (value > *second) {
      *second = value;
      if (value == *best && M->owner[at] != OWNER_NONE && M->owner[j] == OWNER_NONE) at = j;
    }
  }
  return at;
}

/* One bid of row i; gives the row put out, or -1 */
static PetscErrorCode Bid(Matching *M, int32_t i, Candidates *list, double *work, int32_t *out)
{
  double best, second;
  int32_t at = two_best(M, list, &best, &second);

  PetscFunctionBegin;
  if (best < list->rest) {
    PetscCall(CandidatesRenew(M, i, list->room, work, list));
    at = two_best(M, list, &best, &second);
  }
  second = fmax(second, list->rest);
  *out = -1;
  const int32_t owner = M->owner[at];
  if (owner == OWNER_DUMMY || (owner >= 0 && best == second)) PetscFunctionReturn(PETSC_SUCCESS);
  if (M->m > 1) M->price[at] += best - second;
  M->owner[at] = i;
  M->column[i] = at;
  if (owner >= 0) M->column[owner] = OWNER_NONE;
  *out = owner;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentBids(Matching *M, Candidates *list, double *work)
{
  int64_t left = 20 * M->n;

  PetscFunctionBegin;
  for (int pass = 0; pass < 3; pass++)
    for (int32_t i = 0; i < M->n; i++)
      for (int32_t row = i; row >= 0 && M->column[row] == OWNER_NONE && left > 0; left--)
        PetscCall(Bid(M, row, &list[row], work, &row));
  PetscFunctionReturn(PETSC_SUCCESS);
}
