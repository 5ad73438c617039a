/* The certificate of a matching: its potentials, and the pairs where they are met. */
#include "base/array.h"
#include "compare/assignment_parts.h"

/* Appends the tight columns of row i; whether no weight of the row is above the potentials. A block
   of differences is looked at first. */
static PetscErrorCode TightOfRow(int64_t i, int64_t columns, const int32_t *restrict weight,
                                 double a, const double *restrict b, int64_t *room,
                                 TightPairs *tight, bool *dominated)
{
  enum { BLOCK = 32 };
  int64_t count = tight->first[i];
  int above = 0;

  PetscFunctionBegin;
  for (int64_t j = 0; j < columns; j += BLOCK) {
    const int64_t end = min_i64(j + BLOCK, columns);
    int any = 0;
    if (end == j + BLOCK)
      for (int l = 0; l < BLOCK; l++) any |= (double)weight[j + l] >= a + b[j + l];
    else
      any = 1;
    if (!any) continue;
    if (count + BLOCK > *room) {
      *room = 2 * *room + BLOCK;
      PetscCall(PetscRealloc((size_t)*room * sizeof(*tight->column), &tight->column));
    }
    for (int64_t c = j; c < end; c++) {
      if ((double)weight[c] == a + b[c]) tight->column[count++] = (int32_t)c;
      above |= (double)weight[c] > a + b[c];
    }
  }
  tight->first[i + 1] = count;
  *dominated = *dominated && !above;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TightPairsFind(Weights *weights, const double *a, const double *b, TightPairs *tight,
                              bool *dominated)
{
  const int64_t n = weights_rows(weights), m = weights_columns(weights);
  int64_t room = 0;

  PetscFunctionBegin;
  *tight = (TightPairs){.rows = n};
  *dominated = true;
  PetscCall(PetscMalloc1(n + 1, &tight->first));
  tight->first[0] = 0;
  for (int64_t i = 0; i < n; i++) {
    const int32_t *weight;
    PetscCall(WeightsNext(weights, i, &weight));
    PetscCall(TightOfRow(i, m, weight, a[i], b, &room, tight, dominated));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TightPairsTurn(int64_t columns, TightPairs *tight)
{
  TightPairs to = {.rows = columns};
  const int64_t pairs = tight->first[tight->rows];

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(columns + 1, &to.first));
  PetscCall(PetscMalloc1(pairs, &to.column));
  for (int64_t t = 0; t < pairs; t++) to.first[tight->column[t] + 1]++;
  for (int64_t j = 0; j < columns; j++) to.first[j + 1] += to.first[j];
  for (int64_t i = 0; i < tight->rows; i++)
    for (int64_t t = tight->first[i]; t < tight->first[i + 1]; t++)
      to.column[to.first[tight->column[t]]++] = (int32_t)i;
  for (int64_t j = columns; j > 0; j--)
    to.first[j] = to.first[j - 1]; /* each was moved to its end */
  to.first[0] = 0;
  PetscCall(TightPairsDestroy(tight));
  *tight = to;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TightPairsDestroy(TightPairs *tight)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(tight->first));
  PetscCall(PetscFree(tight->column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool is_tight(const TightPairs *tight, int64_t row, int32_t column)
{
  int64_t low = tight->first[row], high = tight->first[row + 1];
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (tight->column[middle] == column) return true;
    if (tight->column[middle] < column)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

static bool rows_matched(const OptimalSet *S)
{
  const bool longer = S->rows > S->columns;
  for (int64_t i = 0; i < S->rows; i++) {
    const int32_t j = S->column[i];
    if (j == S->columns ? !longer || S->a[i] != S->level
                        : j < 0 || j > S->columns || S->owner[j] != i || !is_tight(&S->tight, i, j))
      return false;
    if (longer && S->a[i] < S->level) return false;
  }
  return true;
}

static bool columns_matched(const OptimalSet *S)
{
  const bool longer = S->columns > S->rows;
  for (int64_t j = 0; j < S->columns; j++) {
    const int64_t i = S->owner[j];
    if (i == OWNER_NONE ? !longer || S->b[j] != S->level
                        : i < 0 || i >= S->rows || S->column[i] != j)
      return false;
    if (longer && S->b[j] < S->level) return false;
  }
  return true;
}

bool assignment_proved(const OptimalSet *S)
{
  return S->dominated && rows_matched(S) && columns_matched(S);
}
