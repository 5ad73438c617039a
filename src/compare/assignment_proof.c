/* The certificate of a matching: its potentials. */
#include "compare/assignment_parts.h"

/* No weight of the row is above the sum of the potentials. */
static bool row_dominated(int64_t columns, const int32_t *restrict weight, double a,
                          const double *restrict b)
{
  int above = 0;
  for (int64_t j = 0; j < columns; j++) above |= (double)weight[j] > a + b[j];
  return !above;
}

static bool rows_matched(const OptimalSet *S)
{
  const bool longer = S->rows > S->columns;
  for (int64_t i = 0; i < S->rows; i++) {
    const int64_t j = S->column[i];
    if (j == S->columns ? !longer || S->a[i] != S->level
                        : j < 0 || j > S->columns || S->owner[j] != i ||
                              (double)S->weight[i * S->columns + j] != S->a[i] + S->b[j])
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
  if (!rows_matched(S) || !columns_matched(S)) return false;
  for (int64_t i = 0; i < S->rows; i++)
    if (!row_dominated(S->columns, S->weight + i * S->columns, S->a[i], S->b)) return false;
  return true;
}
