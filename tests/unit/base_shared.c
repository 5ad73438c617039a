/* Memory shared by the ranks of a node, with nodes of 1, 2 and all ranks: what one rank writes the
   others see, on every node; sums; many barriers in a row.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3
   RUN ranks=4 */
#include "../tap.h"
#include "base/array.h"
#include "base/shared.h"
#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 1000, COLS = 700, ROUNDS = 200 };

static int64_t value_of(int64_t round, int64_t row, int64_t col)
{
  return (round * ROWS + row) * COLS + col;
}

/* Rows unevenly spread, the last rank with none where there are three or more. */
static int64_t *rows_of_ranks(void)
{
  int64_t *start = calloc((size_t)tap_size + 1, sizeof(*start));
  const int64_t weights = tap_size > 2 ? tap_size - 1 : tap_size;
  for (int r = 0; r <= tap_size; r++)
    start[r] = min_i64(ROWS, ROWS * r * (r + 1) / (weights * (weights + 1)));
  start[tap_size] = ROWS;
  return start;
}

static PetscErrorCode Exchanged(int node_ranks)
{
  Nodes *nodes;
  int64_t *x, *y, *start = rows_of_ranks(), wrong = 0;
  int count;

  PetscFunctionBeginUser;
  PetscCall(NodesCreate(PETSC_COMM_WORLD, &nodes));
  count = (tap_size + node_ranks - 1) / node_ranks;
  OK(nodes_count(nodes) == count, "%d nodes", count);
  OK(nodes_of(nodes, tap_rank) == nodes_number(nodes), "the node of a rank");
  OK(!strcmp(nodes_word(nodes), tap_size == 1 ? "one rank" : "shared"), "memory is shared");
  PetscCall(SharedCreate(nodes, ROWS * COLS, &x));
  PetscCall(SharedCreate(nodes, ROWS, &y));
  OK((uintptr_t)x % (2 << 20) == 0, "a large array begins where a huge page can");
  OK((uintptr_t)y % 64 == 0, "aligned");
  for (int64_t i = 0; i < ROWS * COLS; i++) wrong += x[i] != 0;
  OK(!wrong, "zeros at first");
  for (int64_t round = 0; round < 3; round++) {
    PetscCall(NodesSum(nodes, 0, NULL));
    PetscCall(NodesSum(nodes, 1, &wrong)); /* nobody reads any more */
    for (int64_t row = start[tap_rank]; row < start[tap_rank + 1]; row++) {
      y[row] = value_of(round, row, -1);
      for (int64_t i = 0; i < COLS; i++) x[row * COLS + i] = value_of(round, row, i);
    }
    PetscCall(SharedExchange(
        nodes, 2,
        (SharedRows[]){{x, COLS * (int64_t)sizeof(*x), start}, {y, (int64_t)sizeof(*y), start}}));
    for (int64_t row = 0; row < ROWS; row++) {
      wrong += y[row] != value_of(round, row, -1);
      for (int64_t i = 0; i < COLS; i++) wrong += x[row * COLS + i] != value_of(round, row, i);
    }
  }
  OK(!wrong, "all rows on all ranks, three times, on %d nodes", count);
  PetscCall(SharedDestroy(nodes, &y));
  PetscCall(SharedDestroy(nodes, &y));
  PetscCall(SharedDestroy(nodes, &x));
  PetscCall(NodesDestroy(&nodes));
  free(start);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums of few and of many numbers, one right after the other, with ranks that come late. */
static PetscErrorCode Summed(void)
{
  enum { MANY = 9000 };
  Nodes *nodes;
  int64_t *x, *board, wrong = 0;

  PetscFunctionBeginUser;
  PetscCall(NodesCreate(PETSC_COMM_WORLD, &nodes));
  PetscCall(ArrayCreate(MANY, &x));
  PetscCall(SharedCreate(nodes, nodes_size(nodes), &board));
  for (int64_t round = 0; round < ROUNDS; round++) {
    const int64_t n = round % 7 ? 1 + round % 5 : MANY;
    for (int64_t i = 0; i < n; i++) x[i] = (tap_rank + 1) * (round + i) - 500;
    if (round % 50 == tap_rank) usleep(2000);
    PetscCall(NodesSum(nodes, n, x));
    for (int64_t i = 0; i < n; i++)
      wrong += x[i] != tap_size * (tap_size + 1) / 2 * (round + i) - 500 * tap_size;
    board[nodes_rank(nodes)] = round;
    PetscCall(NodesBarrier(nodes));
    for (int r = 0; r < nodes_size(nodes); r++) wrong += board[r] != round;
    PetscCall(NodesBarrier(nodes));
  }
  OK(!wrong, "%d sums and barriers", ROUNDS);
  PetscCall(SharedDestroy(nodes, &board));
  PetscCall(ArrayDestroy(&x));
  PetscCall(NodesDestroy(&nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  for (int node_ranks = 1; node_ranks <= tap_size; node_ranks++) {
    char text[16];
    snprintf(text, sizeof(text), "%d", node_ranks);
    setenv("ARDIS_NODE_RANKS", text, 1);
    RUN(Exchanged(node_ranks));
    RUN(Summed());
  }
  return TestEnd();
}
