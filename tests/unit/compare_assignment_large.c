/* The optimal matching beyond the reach of brute force, against a plain Hungarian method.
   RUN ranks=1 */
#include "compare/assignment.h"
#include "base/random.h"
#include "../tap.h"

enum { MOST = 400 };
static const int64_t BONUS = INT64_C(1) << 40;

typedef struct {
  int64_t rows, columns;
  const int32_t *weight;
  const int64_t *partner; /* pairs of rows below `fixed` earn a bonus, as does (fixed, column) */
  int64_t fixed, column;
} Forced;

static int64_t forced_weight(const Forced *F, int64_t i, int64_t j)
{
  const bool turned = F->rows > F->columns;
  const int64_t row = turned ? j : i;
  const int64_t column = turned ? i : j;
  const bool bonus =
      row < F->fixed ? F->partner[row] == column : row == F->fixed && F->column == column;
  return F->weight[row * F->columns + column] + (bonus ? BONUS : 0);
}

/* The Hungarian method with potentials, one row at a time, all columns at each step; n <= m */
static int64_t largest_sum(int64_t n, int64_t m, const Forced *F)
{
  static int64_t u[MOST + 1], v[MOST + 1], least[MOST + 1], owner[MOST + 1], way[MOST + 1];
  static bool used[MOST + 1];
  for (int64_t j = 0; j <= m; j++) v[j] = owner[j] = 0;
  for (int64_t i = 0; i <= n; i++) u[i] = 0;
  for (int64_t i = 1; i <= n; i++) {
    owner[0] = i;
    int64_t at = 0;
    for (int64_t j = 0; j <= m; j++) {
      least[j] = INT64_MAX;
      used[j] = false;
    }
    do {
      used[at] = true;
      const int64_t row = owner[at];
      int64_t delta = INT64_MAX;
      int64_t next = 0;
      for (int64_t j = 1; j <= m; j++) {
        if (used[j]) continue;
        const int64_t slack = -forced_weight(F, row - 1, j - 1) - u[row] - v[j];
        if (slack < least[j]) {
          least[j] = slack;
          way[j] = at;
        }
        if (least[j] < delta) {
          delta = least[j];
          next = j;
        }
      }
      for (int64_t j = 0; j <= m; j++) {
        if (used[j]) {
          u[owner[j]] += delta;
          v[j] -= delta;
        } else
          least[j] -= delta;
      }
      at = next;
    } while (owner[at] != 0);
    for (; at != 0; at = way[at]) owner[at] = owner[way[at]];
  }
  int64_t sum = 0;
  for (int64_t j = 1; j <= m; j++)
    if (owner[j] != 0) sum += forced_weight(F, owner[j] - 1, j - 1);
  return sum;
}

static int64_t reference(const Forced *F)
{
  const bool turned = F->rows > F->columns;
  return largest_sum(turned ? F->columns : F->rows, turned ? F->rows : F->columns, F);
}

static void fill(int64_t rows, int64_t columns, int64_t values, uint64_t seed, int32_t *weight)
{
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) { /* columns differ in worth, some rows are copies */
      const uint64_t index = (uint64_t)((i % 3 ? i : i / 6) * columns + j);
      const int64_t worth = values > 100 ? values * (j % 5) / 4 : 0;
      weight[i * columns + j] =
          (int32_t)(random_below(seed, RANDOM_LAST, index, values) + worth - values / 2);
    }
}

/* Matrices for which a few columns of each row do not do: half the rows want nothing, and all want
 * the same */
static void fill_hard(int64_t rows, int64_t columns, bool product, int32_t *weight)
{
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      const int64_t value = random_below(8, RANDOM_LAST, (uint64_t)(i * columns + j), 1 << 29);
      weight[i * columns + j] = (int32_t)(product ? i * j / 16 + value % 3 : i % 2 ? 0 : value);
    }
}

/* Whether partner is a matching of the smaller side with the given sum */
static bool is_matching(const Forced *F, int64_t sum)
{
  bool taken[MOST] = {false};
  int64_t count = 0;
  for (int64_t i = 0; i < F->rows; i++) {
    const int64_t j = F->partner[i];
    if (j == -1) continue;
    if (j < 0 || j >= F->columns || taken[j]) return false;
    taken[j] = true;
    count++;
    sum -= F->weight[i * F->columns + j];
  }
  return sum == 0 && count == (F->rows < F->columns ? F->rows : F->columns);
}

static void test_sum(int64_t rows, int64_t columns, int64_t values)
{
  static int32_t weight[MOST * MOST];
  int64_t partner[MOST];
  int64_t sum;
  fill(rows, columns, values, 3, weight);
  RUN(AssignmentSolve(rows, columns, weight, partner, &sum));
  const Forced F = {rows, columns, weight, partner, -1, 0};
  OK(is_matching(&F, sum), "%d x %d, %d values: a matching", (int)rows, (int)columns, (int)values);
  OK(sum == reference(&F), "%d x %d, %d values: the largest sum", (int)rows, (int)columns,
     (int)values);
}

static void test_hard(int64_t rows, int64_t columns)
{
  static int32_t weight[MOST * MOST];
  int64_t partner[MOST];
  int64_t sum;
  for (int product = 0; product < 2; product++) {
    fill_hard(rows, columns, product, weight);
    RUN(AssignmentSolve(rows, columns, weight, partner, &sum));
    const Forced F = {rows, columns, weight, partner, -1, 0};
    OK(is_matching(&F, sum) && sum == reference(&F), "%d x %d, hard: the largest sum", (int)rows,
       (int)columns);
  }
}

/* No row may have a lesser column while the rows before it keep theirs */
static void test_least(int64_t rows, int64_t columns, int64_t values)
{
  static int32_t weight[MOST * MOST];
  int64_t partner[MOST];
  int64_t sum;
  fill(rows, columns, values, 4, weight);
  RUN(AssignmentSolve(rows, columns, weight, partner, &sum));
  Forced F = {rows, columns, weight, partner, -1, 0};
  OK(is_matching(&F, sum) && sum == reference(&F), "%d x %d, %d values: optimal", (int)rows,
     (int)columns, (int)values);
  int lesser = 0;
  int64_t matched = 0;
  for (F.fixed = 0; F.fixed < rows; F.fixed++) {
    const int64_t end = partner[F.fixed] < 0 ? columns : partner[F.fixed];
    for (F.column = 0; F.column < end; F.column++)
      lesser += reference(&F) == sum + (matched + 1) * BONUS;
    matched += partner[F.fixed] >= 0;
  }
  OK(lesser == 0, "%d x %d, %d values: the least of the optimal ones (%d lesser)", (int)rows,
     (int)columns, (int)values, lesser);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  test_sum(1, MOST, 1000);
  test_sum(330, 330, 3);
  test_sum(330, 330, 1 << 29);
  test_sum(300, MOST, 1 << 29);
  test_sum(MOST, 290, 1 << 29);
  test_sum(MOST, 390, 50);
  test_hard(250, 250);
  test_hard(300, 310);
  test_hard(220, 150);
  test_least(40, 40, 3);
  test_least(32, 45, 4);
  test_least(45, 32, 4);
  test_least(38, 40, 1000);
  return TestEnd();
}
