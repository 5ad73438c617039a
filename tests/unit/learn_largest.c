/* The largest codes of a batch, by counting how many go before each: ties by token, then by atom,
   on any number of ranks.
   RUN ranks=1
   RUN ranks=3 */
#include "../sae_task.h"
#include "../tap.h"
#include "learn/batch_codes.h"

enum { N = 100, D = 8, M = 9, MINE = 12, ALL = 4 * MINE }; /* tokens of a rank; of up to 4 */
static const char path[] = "learn_largest.test.h5";

/* Code j of token t; 0: none. Many are equal. */
static float value_of(int64_t t, int64_t j)
{
  const int64_t x = random_below(9, RANDOM_SYNTH, (uint64_t)(t * M + j), 12);
  return x < 5 ? 0 : x < 11 ? 0.25f * (float)(x - 3) : 1e-30f;
}

static bool goes_before(int64_t a, int64_t b)
{
  const float x = value_of(a / M, a % M), y = value_of(b / M, b % M);
  return x > y || (x == y && a < b);
}

static void check(SAE *sae, int64_t total)
{
  Codes codes = {0};
  double least, smallest = INFINITY;
  const int64_t first = MINE * sae->rank, tokens = MINE * sae->size;
  RUN(CodesReserve(&codes, MINE, MINE * M));
  for (int64_t t = 0; t < MINE; t++) {
    int64_t end = codes.start[t];
    for (int64_t j = 0; j < M; j++)
      if (value_of(first + t, j) > 0)
        codes.atom[end] = (int32_t)j, codes.value[end++] = value_of(first + t, j);
    codes.start[++codes.rows] = end;
  }
  RUN(KeepLargest(sae, total, &codes, &least));
  bool same = codes.rows == MINE && codes.start[0] == 0;
  for (int64_t a = 0; a < tokens * M; a++) {
    int64_t before = 0;
    const int64_t t = a / M - first;
    const float x = value_of(a / M, a % M);
    for (int64_t b = 0; b < tokens * M; b++) before += goes_before(b, a);
    if (!(x > 0) || before >= total) continue;
    smallest = fmin(smallest, (double)x);
    if (t < 0 || t >= MINE) continue;
    bool found = false;
    for (int64_t q = codes.start[t]; q < codes.start[t + 1]; q++)
      found |= codes.atom[q] == a % M && codes.value[q] == x;
    same &= found;
  }
  int64_t count = codes.start[MINE], possible = 0;
  MPI_Allreduce(MPI_IN_PLACE, &count, 1, MPI_INT64_T, MPI_SUM, PETSC_COMM_WORLD);
  for (int64_t a = 0; a < tokens * M; a++) possible += value_of(a / M, a % M) > 0;
  OK(same && count == min_i64(total, possible), "the %d largest codes, and no other", (int)total);
  OK(least == (total ? smallest : 0), "the least of them is %g", least);
  codes_clear(&codes);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  SAETask t;
  SAE *sae;
  RUN(SAETaskOpen(PETSC_COMM_WORLD, path,
                  "width=9 train.batch=48 train.steps=9 code.name=batchtopk code.k=2", 0, &t));
  RUN(SAECreate(&t.task, &sae));
  for (int64_t total = 0; total < ALL * M; total += 7) check(sae, total);
  RUN(SAEDestroy(&sae));
  RUN(SAETaskClose(&t));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
