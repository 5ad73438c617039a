/* The best columns of a row, and bids on them. Lists only save time: what is not listed is known to
   be worth at most so much, and where that is too much the list is made anew. */
#include "base/array.h"
#include "compare/assignment_parts.h"

#include <math.h>

enum { BLOCK = 16, COARSE = 1 << 24, BID_MOST = 384 };

/* The k-th largest of count numbers, which are put in another order */
static double kth_largest(int64_t count, double *x, int64_t k)
{
  int64_t low = 0, high = count - 1;
  while (low < high) {
    const double middle = x[low + (high - low) / 2];
    int64_t i = low, j = high;
    while (i <= j) {
      while (x[i] > middle) i++;
      while (x[j] < middle) j--;
      if (i > j) break;
      const double other = x[i];
      x[i++] = x[j];
      x[j--] = other;
    }
    if (k - 1 <= j)
      high = j;
    else if (k - 1 >= i)
      low = i;
    else
      break;
  }
  return x[k - 1];
}

/* A value that at least `room` columns reach, and not many more: columns are dealt to stripes in
   turn, and of the stripes' largest values it is the room-th. */
static double threshold(int64_t m, const int32_t *restrict weight, const double *restrict price,
                        int32_t room, double *restrict most)
{
  const int64_t stripes = min_i64(m, max_i64(m / BLOCK, 2 * room));
  int64_t at = stripes;
  for (int64_t g = 0; g < stripes; g++) most[g] = (double)weight[g] - price[g];
  for (; at < m; at += stripes) {
    const int64_t here = min_i64(stripes, m - at);
    for (int64_t g = 0; g < here; g++) {
      const double value = (double)weight[at + g] - price[at + g];
      most[g] = value > most[g] ? value : most[g];
    }
  }
  return kth_largest(stripes, most, room);
}

/* Lists the columns of one block that are worth more than `least`, and up to *equals of those that
   are worth as much. */
static void take_block(const Matching *M, const int32_t *weight, int64_t at, int64_t end,
                       double least, int32_t *equals, Candidates *list)
{
  for (int64_t j = at; j < end; j++) {
    const double value = (double)weight[j] - M->price[j];
    if (value < least || (value == least && (*equals)-- <= 0)) continue;
    list->item[list->count++] = (Candidate){(int32_t)j, weight[j]};
  }
}

PetscErrorCode CandidatesRenew(const Matching *M, int64_t i, const int32_t *weight, int32_t room,
                               double *work, Candidates *list)
{
  const int64_t m = M->m, blocks = (m + BLOCK - 1) / BLOCK;
  const double *restrict price = M->price;

  PetscFunctionBegin;
  list->room = room < m ? room : (int32_t)m;
  list->count = 0;
  const double least =
      list->room < m ? threshold(m, weight, price, list->room, work) : -(double)INFINITY;
  int32_t equals = list->room;
  /* from a place of the row's own, so that rows of equals do not all choose the same columns */
  const int64_t offset = i * blocks / M->n;
  for (int64_t q = 0; q < blocks; q++) {
    const int64_t at = (q + offset < blocks ? q + offset : q + offset - blocks) * BLOCK;
    const int64_t end = at + BLOCK < m ? at + BLOCK : m;
    int any = end < at + BLOCK;
    if (!any)
      for (int l = 0; l < BLOCK; l++) any |= (double)weight[at + l] - price[at + l] >= least;
    if (!any) continue;
    if (list->count + BLOCK > list->space) {
      list->space = list->count + list->count / 2 + list->room + BLOCK;
      PetscCall(PetscRealloc((size_t)list->space * sizeof(*list->item), &list->item));
    }
    take_block(M, weight, at, end, least, &equals, list);
  }
  list->rest = list->count < m ? least : -(double)INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool candidates_stale(const Matching *M, const Candidates *list)
{
  for (int32_t k = 0; k < list->count; k++)
    if ((double)list->item[k].weight - M->price[list->item[k].column] < list->rest) return true;
  return false;
}

/* The best column of a list, a free one among equals, and what the second best is worth. */
static Candidate two_best(const Matching *M, const Candidates *list, double *best, double *second)
{
  Candidate at = {-1, 0};
  *best = *second = -(double)INFINITY;
  for (int32_t k = 0; k < list->count; k++) {
    const int32_t j = list->item[k].column;
    const double value = (double)list->item[k].weight - M->price[j];
    if (value > *best) {
      *second = *best;
      *best = value;
      at = list->item[k];
    } else if (value > *second) {
      *second = value;
      if (value == *best && M->owner[at.column] != OWNER_NONE && M->owner[j] == OWNER_NONE)
        at = list->item[k];
    }
  }
  return at;
}

/* The best column of row i, what it is worth and what the second best is; the list is made anew
   where it may not hold them. */
static PetscErrorCode TwoBest(const Matching *M, int32_t i, Candidates *list, double *work,
                              Candidate *at, double *best, double *second)
{
  const int32_t *weight;

  PetscFunctionBegin;
  *at = two_best(M, list, best, second);
  if (*best < list->rest) {
    PetscCall(WeightsRow(M->weights, i, &weight));
    const int32_t room = list->room < BID_MOST / 4 ? 4 * list->room : BID_MOST;
    PetscCall(CandidatesRenew(M, i, weight, max_i64(list->room, room), work, list));
    *at = two_best(M, list, best, second);
  }
  *second = fmax(*second, list->rest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dummy that lost its column takes the cheapest that no other has, for `more` than the next one
   costs; gives the row put out, or -1 */
static int32_t move_dummy(Matching *M, double more)
{
  int64_t at = -1;
  double next = (double)INFINITY;
  for (int64_t j = 0; j < M->m; j++) {
    if (M->owner[j] == OWNER_DUMMY) continue;
    if (at < 0 || M->price[j] < M->price[at]) {
      next = at < 0 ? next : M->price[at];
      at = j;
    } else
      next = fmin(next, M->price[j]);
  }
  const int32_t owner = M->owner[at];
  M->price[at] = fmin(next, M->price[at] + COARSE) + more;
  M->owner[at] = OWNER_DUMMY;
  return owner;
}

/* One bid of row i, `more` than the second best asks for; gives the row put out, or -1 */
static PetscErrorCode Bid(Matching *M, int32_t i, double more, Candidates *list, double *work,
                          int32_t *out)
{
  double best, second;
  Candidate at;

  PetscFunctionBegin;
  PetscCall(TwoBest(M, i, list, work, &at, &best, &second));
  *out = -1;
  int32_t owner = M->owner[at.column];
  if (more == 0 && (owner == OWNER_DUMMY || (owner >= 0 && best == second)))
    PetscFunctionReturn(PETSC_SUCCESS);
  if (M->m > 1) M->price[at.column] += best - second + more;
  M->owner[at.column] = i;
  M->column[i] = at.column;
  M->worth[i] = at.weight;
  if (owner == OWNER_DUMMY) owner = move_dummy(M, more);
  if (owner >= 0) M->column[owner] = OWNER_NONE;
  *out = owner;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bids of rows without a column and of those they put out, as many as *left */
static PetscErrorCode BidAll(Matching *M, double more, int64_t *left, Candidates *list,
                             double *work)
{
  PetscFunctionBegin;
  for (int pass = 0; pass < 3; pass++)
    for (int32_t i = 0; i < M->n; i++)
      for (int32_t row = i; row >= 0 && M->column[row] == OWNER_NONE && *left > 0; --*left)
        PetscCall(Bid(M, row, more, &list[row], work, &row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After bids of more: no column is cheaper than the dearest of a dummy, so that dummies' columns
   have one price; rows give up columns that are no longer the best for them. */
static PetscErrorCode Settle(Matching *M, Candidates *list, double *work, double *level)
{
  double best, second;
  Candidate at;

  PetscFunctionBegin;
  for (int64_t j = 0; j < M->m; j++)
    if (M->owner[j] == OWNER_DUMMY) *level = fmax(*level, M->price[j]);
  for (int64_t j = 0; j < M->m && M->n < M->m; j++) M->price[j] = fmax(M->price[j], *level);
  for (int32_t i = 0; i < M->n; i++) {
    if (M->column[i] == OWNER_NONE) continue;
    PetscCall(TwoBest(M, i, &list[i], work, &at, &best, &second));
    if ((double)M->worth[i] - M->price[M->column[i]] >= best) continue;
    M->owner[M->column[i]] = OWNER_NONE;
    M->column[i] = OWNER_NONE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where exact bids come to no end, as in dictionaries of clusters of unequal sizes, prices are far
   from those of an optimal matching: bids of more bring them near (the auction of Bertsekas). */
PetscErrorCode AssignmentBids(Matching *M, Candidates *list, double *work, double *level)
{
  int64_t left = 20 * M->n, without = 0;

  PetscFunctionBegin;
  PetscCall(BidAll(M, 0, &left, list, work));
  for (int64_t i = 0; i < M->n; i++) without += M->column[i] == OWNER_NONE;
  if (left > 0 || without <= M->n / 32) PetscFunctionReturn(PETSC_SUCCESS);
  left = 50 * M->n;
  PetscCall(BidAll(M, COARSE, &left, list, work));
  PetscCall(Settle(M, list, work, level));
  left = 20 * M->n;
  PetscCall(BidAll(M, 0, &left, list, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}
