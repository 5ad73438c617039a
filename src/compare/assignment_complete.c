/* Shortest augmenting paths over all columns (Dijkstra, dense). */
#include "compare/assignment_parts.h"

#include <math.h>
#include <string.h>

/* One search. A closed column has infinite open price and distance, so the long loops pass it by.
 */
typedef struct {
  double *open;     /* [m] price, or infinite when closed */
  double *distance; /* [m] of open columns */
  double *closed;   /* [m] distance of closed columns */
  int64_t *from;    /* [m] row that a column was reached from */
  int32_t *queue;   /* [m] closed columns, in order */
  int64_t reached;  /* length of queue */
} Search;

/* Distances through one row whose own slack is `offset`; weight NULL is the dummy. Returns the
 * least. */
static double relax(int64_t m, const int32_t *restrict weight, double offset, int64_t row,
                    Search *S)
{
  const double *restrict open = S->open;
  double *restrict distance = S->distance;
  int64_t *restrict from = S->from;
  double least[8];
  for (int l = 0; l < 8; l++) least[l] = (double)INFINITY;
  int64_t j = 0;
  for (; j + 8 <= m; j += 8)
    for (int l = 0; l < 8; l++) {
      const double value = open[j + l] - (weight ? (double)weight[j + l] : 0.0) - offset;
      const double old = distance[j + l];
      from[j + l] = value < old ? row : from[j + l];
      const double now = value < old ? value : old;
      distance[j + l] = now;
      least[l] = now < least[l] ? now : least[l];
    }
  for (; j < m; j++) {
    const double value = open[j] - (weight ? (double)weight[j] : 0.0) - offset;
    if (value < distance[j]) {
      distance[j] = value;
      from[j] = row;
    }
    least[0] = fmin(least[0], distance[j]);
  }
  for (int l = 1; l < 8; l++) least[0] = fmin(least[0], least[l]);
  return least[0];
}

/* Closes all columns at distance d; returns one without owner if there is one, else -1 */
static int64_t close_columns(const Matching *M, double d, Search *S)
{
  for (int64_t j = 0; j < M->m; j++)
    if (S->distance[j] == d && M->owner[j] == OWNER_NONE) return j;
  for (int64_t j = 0; j < M->m; j++) {
    if (S->distance[j] != d) continue;
    S->queue[S->reached++] = (int32_t)j;
    S->closed[j] = d;
    S->distance[j] = S->open[j] = (double)INFINITY;
  }
  return -1;
}

/* Exchanges partners along the path that ends in column j */
static void augment(Matching *M, const Search *S, int64_t start, int64_t dummy_column, int64_t j)
{
  for (;;) {
    const int64_t row = S->from[j];
    M->owner[j] = (int32_t)row;
    if (row == OWNER_DUMMY) {
      j = dummy_column;
      continue;
    }
    const int64_t next = M->column[row];
    M->column[row] = (int32_t)j;
    if (row == start) return;
    j = next;
  }
}

static double least_distance(int64_t m, const double *distance)
{
  double least = (double)INFINITY;
  for (int64_t j = 0; j < m; j++) least = distance[j] < least ? distance[j] : least;
  return least;
}

static void match_row(Matching *M, int64_t start, Search *S)
{
  const int64_t m = M->m;
  memcpy(S->open, M->price, (size_t)m * sizeof(*S->open));
  for (int64_t j = 0; j < m; j++) S->distance[j] = (double)INFINITY;
  S->reached = 0;
  int64_t dummy_column = -1;
  double d = relax(m, M->weight + start * m, 0, start, S);
  int64_t end = close_columns(M, d, S);
  for (int64_t next = 0; end < 0;) {
    if (next == S->reached) {
      d = least_distance(m, S->distance);
      end = close_columns(M, d, S);
      continue;
    }
    const int64_t j = S->queue[next++];
    const int64_t row = M->owner[j];
    if (row == OWNER_DUMMY && dummy_column >= 0) continue; /* all dummies lead to the same places */
    if (row == OWNER_DUMMY) dummy_column = j;
    const int32_t *weight = row == OWNER_DUMMY ? NULL : M->weight + row * m;
    const double own = weight ? (double)weight[j] : 0.0;
    if (relax(m, weight, M->price[j] - own - d, row, S) == d) end = close_columns(M, d, S);
  }
  for (int64_t q = 0; q < S->reached; q++) M->price[S->queue[q]] += d - S->closed[S->queue[q]];
  augment(M, S, start, dummy_column, end);
}

PetscErrorCode AssignmentComplete(Matching *M)
{
  PetscFunctionBegin;
  Search S = {0};
  const int64_t m = M->m;
  PetscCall(PetscMalloc5(m, &S.open, m, &S.distance, m, &S.closed, m, &S.from, m, &S.queue));
  for (int64_t i = 0; i < M->n; i++)
    if (M->column[i] == OWNER_NONE) match_row(M, i, &S);
  PetscCall(PetscFree5(S.open, S.distance, S.closed, S.from, S.queue));
  PetscFunctionReturn(PETSC_SUCCESS);
}
