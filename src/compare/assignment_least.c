/* The lexicographically least of all optimal matchings. An optimal matching uses tight pairs only
   (a[i] + b[j] = weight[i][j]) and leaves unmatched only those whose potential is at the level. So
   row by row, lesser tight columns are tried through alternating paths of tight pairs among the
   later rows. */
#include "compare/assignment_parts.h"

/* One search at a time. Node `rows` stands for the rows that are not there, which own the unmatched
   columns. */
typedef struct {
  int32_t *entered; /* [rows + 1] column by which the node was reached */
  int32_t *parent;  /* [rows + 1] node before it */
  int32_t *mark;    /* [rows + 1] the row for which it was last reached */
  int32_t *stack;   /* [rows + 1] */
  int64_t depth;
} Paths;

/* Whether node may take the column that row i gives up (`columns`: may stay unmatched instead) */
static bool can_finish(const OptimalSet *S, int64_t node, int32_t given)
{
  if (given == S->columns) return S->a[node] == S->level;
  if (node == S->rows) return S->b[given] == S->level;
  return is_tight(&S->tight, node, given);
}

/* Reaches the owner of a column from `parent`, on behalf of row i; true where it can finish the
 * path */
static bool reach(const OptimalSet *S, int64_t i, int64_t node, int32_t column, int64_t parent,
                  Paths *P)
{
  if (node <= i || P->mark[node] == i) return false;
  P->mark[node] = (int32_t)i;
  P->entered[node] = column;
  P->parent[node] = (int32_t)parent;
  P->stack[P->depth++] = (int32_t)node;
  return can_finish(S, node, S->column[i]);
}

static int64_t owner_node(const OptimalSet *S, int32_t column)
{
  return S->owner[column] == OWNER_NONE ? S->rows : S->owner[column];
}

/* Goes on from a node to all that it can take over; the node that finishes the path, or -1 */
static int64_t expand(const OptimalSet *S, int64_t i, int64_t node, Paths *P)
{
  if (node == S->rows) { /* a column that stays unmatched may be any at the level */
    for (int32_t c = 0; c < S->columns; c++)
      if (S->b[c] == S->level && reach(S, i, owner_node(S, c), c, node, P)) return owner_node(S, c);
    return -1;
  }
  for (int64_t t = S->tight.first[node]; t < S->tight.first[node + 1]; t++) {
    const int32_t c = S->tight.column[t];
    if (reach(S, i, owner_node(S, c), c, node, P)) return owner_node(S, c);
  }
  if (S->rows > S->columns && S->a[node] == S->level) /* it may stay unmatched in another's stead */
    for (int64_t r = i + 1; r < S->rows; r++)
      if (S->column[r] == S->columns && reach(S, i, r, (int32_t)S->columns, node, P)) return r;
  return -1;
}

/* Gives each node of the path the column its successor held; `given` ends it */
static void shift(OptimalSet *S, int64_t i, int64_t node, const Paths *P)
{
  int32_t column = S->column[i];
  for (; node != i; node = P->parent[node]) {
    if (node < S->rows) S->column[node] = column;
    if (column < S->columns) S->owner[column] = node < S->rows ? (int32_t)node : OWNER_NONE;
    column = P->entered[node];
  }
  S->column[i] = column;
  S->owner[column] = (int32_t)i;
}

/* Tries the lesser tight columns of row i, ascending; what an earlier one reached in vain stays
 * marked */
static void improve_row(OptimalSet *S, int64_t i, Paths *P)
{
  for (int64_t t = S->tight.first[i];
       t < S->tight.first[i + 1] && S->tight.column[t] < S->column[i]; t++) {
    P->depth = 0;
    const int64_t root = owner_node(S, S->tight.column[t]);
    int64_t end = reach(S, i, root, S->tight.column[t], i, P) ? root : -1;
    for (int64_t next = 0; end < 0 && next < P->depth; next++)
      end = expand(S, i, P->stack[next], P);
    if (end < 0) continue;
    shift(S, i, end, P);
    return;
  }
}

PetscErrorCode AssignmentLeast(OptimalSet *S)
{
  PetscFunctionBegin;
  Paths P = {0};
  const int64_t nodes = S->rows + 1;
  PetscCall(PetscMalloc4(nodes, &P.entered, nodes, &P.parent, nodes, &P.mark, nodes, &P.stack));
  for (int64_t i = 0; i < nodes; i++) P.mark[i] = -1;
  for (int64_t i = 0; i < S->rows; i++) improve_row(S, i, &P);
  PetscCall(PetscFree4(P.entered, P.parent, P.mark, P.stack));
  PetscFunctionReturn(PETSC_SUCCESS);
}
