/* The optimal matching against brute force, also which of several optimal ones it is.
   RUN ranks=1 */
#include "base/random.h"
#include "compare/assignment.h"
#include "compare/assignment_parts.h"
#include "../tap.h"

enum { MOST = 8 };

/* All matchings of the smaller side in lexicographic order; an unmatched row has column -1 and
 * comes last */
typedef struct {
  int64_t rows, columns;
  const int32_t *weight;
  int64_t now[MOST], best[MOST];
  int64_t best_sum;
  bool found;
} Brute;

static void brute_force(Brute *B, int64_t row, unsigned used, int64_t skips, int64_t sum)
{
  if (row == B->rows) {
    if (B->found && sum <= B->best_sum) return; /* the first of equals is the least */
    B->found = true;
    B->best_sum = sum;
    memcpy(B->best, B->now, sizeof(B->best));
    return;
  }
  for (int64_t j = 0; j < B->columns; j++) {
    if (used >> j & 1) continue;
    B->now[row] = j;
    brute_force(B, row + 1, used | 1u << j, skips, sum + B->weight[row * B->columns + j]);
  }
  if (skips == 0) return;
  B->now[row] = -1;
  brute_force(B, row + 1, used, skips - 1, sum);
}

static bool agrees(int64_t rows, int64_t columns, const int32_t *weight)
{
  Brute B = {.rows = rows, .columns = columns, .weight = weight};
  brute_force(&B, 0, 0, rows > columns ? rows - columns : 0, 0);
  int64_t partner[MOST];
  int64_t sum;
  RUN(AssignmentSolve(rows, columns, weight, partner, &sum));
  bool same = sum == B.best_sum;
  for (int64_t i = 0; i < rows; i++) same = same && partner[i] == B.best[i];
  return same;
}

/* Many small matrices with weights in [low, low + range) times scale */
static void test_brute(const char *what, int64_t low, int64_t range, int32_t scale, int repeats)
{
  int32_t weight[MOST * MOST];
  for (int64_t rows = 1; rows <= MOST; rows++) {
    int wrong = 0;
    for (int64_t columns = 1; columns <= MOST; columns++) {
      const int times = rows + columns > 14 ? 1 : rows + columns > 12 ? repeats / 10 + 1 : repeats;
      for (int r = 0; r < times; r++) {
        const uint64_t index = (uint64_t)(((rows * 9 + columns) * 1000 + r) * 64);
        for (int64_t k = 0; k < rows * columns; k++)
          weight[k] =
              scale * (int32_t)(low + random_below(5, RANDOM_LAST, index + (uint64_t)k, range));
        wrong += !agrees(rows, columns, weight);
      }
    }
    OK(wrong == 0, "%s: %d rows by 1 to %d columns: %d wrong", what, (int)rows, MOST, wrong);
  }
}

/* Rows and columns that come in copies, as equal atoms do */
static void test_copies(void)
{
  int wrong = 0;
  for (uint64_t r = 0; r < 300; r++) {
    int32_t weight[36];
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++)
        weight[i * 6 + j] =
            (int32_t)random_below(6, RANDOM_LAST, r * 9 + (uint64_t)(i / 2 * 3 + j / 2), 1000);
    wrong += !agrees(6, 6, weight) + !agrees(4, 6, weight) + !agrees(6, 4, weight);
  }
  OK(wrong == 0, "copied rows and columns: %d wrong", wrong);
}

/* A large matrix of a known answer: a hidden permutation stands out by 1 */
static void test_hidden(int64_t rows, int64_t columns)
{
  int32_t *weight;
  int64_t *partner;
  PetscCallAbort(PETSC_COMM_SELF, PetscMalloc2(rows * columns, &weight, rows, &partner));
  const int64_t least = rows < columns ? rows : columns;
  const int64_t most = rows < columns ? columns : rows;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++)
      weight[i * columns + j] = (int32_t)(1000 * (rows <= columns ? j : i) % 4096);
  if (rows <= columns) /* one price per column: any choice of the dearest columns is optimal without
                          the hint */
    for (int64_t j = 0; j < columns; j++)
      for (int64_t i = 0; i < rows; i++)
        weight[i * columns + j] = random_permuted(7, RANDOM_LAST, 0, most, j) == i
                                      ? 5000
                                      : weight[i * columns + j] - 5000;
  else
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < columns; j++)
        weight[i * columns + j] = random_permuted(7, RANDOM_LAST, 0, most, i) == j
                                      ? 5000
                                      : weight[i * columns + j] - 5000;
  int64_t sum;
  RUN(AssignmentSolve(rows, columns, weight, partner, &sum));
  OK(sum == 5000 * least, "%d x %d: the hidden matching is found", (int)rows, (int)columns);
  PetscCallAbort(PETSC_COMM_SELF, PetscFree2(weight, partner));
}

/* All weights equal: row i must get column i */
static void test_equal(int64_t rows, int64_t columns)
{
  int32_t *weight;
  int64_t *partner;
  PetscCallAbort(PETSC_COMM_SELF, PetscMalloc2(rows * columns, &weight, rows, &partner));
  for (int64_t k = 0; k < rows * columns; k++) weight[k] = -(1 << 30);
  int64_t sum;
  RUN(AssignmentSolve(rows, columns, weight, partner, &sum));
  bool straight = true;
  for (int64_t i = 0; i < rows; i++) straight = straight && partner[i] == (i < columns ? i : -1);
  OK(straight, "%d x %d of equal weights: row i has column i", (int)rows, (int)columns);
  PetscCallAbort(PETSC_COMM_SELF, PetscFree2(weight, partner));
}

/* The tight pairs of S with its potentials */
static void find_tight(const int32_t *weight, OptimalSet *S)
{
  Weights *weights;
  RUN(TightPairsDestroy(&S->tight));
  RUN(WeightsOf(S->rows, S->columns, weight, &weights));
  RUN(TightPairsFind(weights, S->a, S->b, &S->tight, &S->dominated));
  RUN(WeightsDestroy(&weights));
}

/* Prices prove a matching, and prove no other. */
static void test_proof(void)
{
  const int32_t weight[] = {5, 1, 0, 4, 3, 0};
  const double a[] = {4, 3}, b[] = {1, 0, 0}, high[] = {2, 0, 0}, low[] = {1, -1, 0};
  int32_t best[] = {0, 1}, best_owner[] = {0, 1, OWNER_NONE};
  int32_t other[] = {1, 0}, other_owner[] = {1, 0, OWNER_NONE}, lost[] = {0, 0, OWNER_NONE};
  OptimalSet S = {2, 3, .a = a, .b = b, .column = best, .owner = best_owner};
  find_tight(weight, &S);
  OK(assignment_proved(&S), "the best matching is proved");
  S.b = high;
  find_tight(weight, &S);
  OK(!assignment_proved(&S), "not by prices that its pairs do not meet");
  S.b = low;
  find_tight(weight, &S);
  OK(!assignment_proved(&S), "not by a price that a weight is above");
  S.b = b;
  find_tight(weight, &S);
  S.column = other;
  S.owner = other_owner;
  OK(!assignment_proved(&S), "a worse matching is not");
  S.column = best;
  S.owner = lost;
  OK(!assignment_proved(&S), "what is no matching is not");
  S.owner = best_owner;
  S.level = 1;
  OK(!assignment_proved(&S), "nor one that leaves out a column above the level");
  RUN(TightPairsDestroy(&S.tight));
}

/* Cosines from -1 to 1, and what is none. */
static void test_weights(void)
{
  const float good[] = {-1, -.5f, 0, 1, 1.0000002f}, bad[] = {0, NAN}, far[] = {-3};
  int32_t weight[5];
  RUN(WeightsRound(5, good, weight));
  OK(weight[0] == -(1 << 30) && weight[1] == -(1 << 29) && weight[2] == 0 && weight[3] == 1 << 30,
     "cosines as whole numbers");
  PetscCallAbort(PETSC_COMM_SELF, PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  const PetscErrorCode none = WeightsRound(2, bad, weight);
  const PetscErrorCode large = WeightsRound(1, far, weight);
  PetscCallAbort(PETSC_COMM_SELF, PetscPopErrorHandler());
  OK(none == PETSC_ERR_ARG_OUTOFRANGE, "a NaN is refused");
  OK(large == PETSC_ERR_ARG_OUTOFRANGE, "so is -3");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  test_brute("few values", -1, 3, 1 << 30, 60);
  test_brute("some ties", -3, 7, 1, 60);
  test_brute("hardly any ties", -(INT64_C(1) << 30), INT64_C(1) << 31, 1, 40);
  test_brute("all negative", -1000, 20, 1, 30);
  test_copies();
  test_proof();
  test_weights();
  test_hidden(300, 300);
  test_hidden(200, 330);
  test_hidden(330, 200);
  test_equal(150, 150);
  test_equal(100, 150);
  test_equal(150, 100);
  int64_t sum = 1;
  RUN(AssignmentSolve(0, 5, NULL, NULL, &sum));
  OK(sum == 0, "no rows");
  int64_t partner[2];
  RUN(AssignmentSolve(2, 0, NULL, partner, &sum));
  OK(sum == 0 && partner[0] == -1 && partner[1] == -1, "no columns");
  return TestEnd();
}
