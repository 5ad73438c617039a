/* Column sums are exact, whatever the sizes of the numbers, and the statistics made of them are
   right where a plain sum of squares fails.
   RUN ranks=1
   RUN ranks=3 */
#include "../tap.h"
#include "../../src/data/statistics.h"
#include "../../src/data/sums.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/random.h"

enum { ROWS = 1000, WIDTH = 37 };

/* Column c: c % 5 = 0 ordinary, 1 float16-like, 2 huge spread of sizes, 3 mostly 0 and
 * subnormal, 4 spread a little too far */
static float value(int64_t row, int64_t column)
{
  const double u = random_normal(7, RANDOM_SYNTH, (uint64_t)(row * WIDTH + column));
  switch (column % 5) {
  case 0:
    return (float)(u + 100);
  case 1:
    return (float)(floor(u * 1024) / 1024);
  case 4:
    return (float)ldexp(u, -(int)(row % 45));
  case 2:
    return (float)ldexp(u, (int)(row % 200) - 100);
  default:
    return row % 3 ? 0 : row % 5 ? -0.0f : (float)ldexp(u, -140);
  }
}

static PetscErrorCode Check(void)
{
  PetscFunctionBeginUser;
  int64_t first, count;
  float *X;
  ColumnSums *sums;
  bool same = true, ends = true;
  part_of(ROWS, 1, tap_rank, tap_size, &first, &count);
  PetscCall(ArrayCreate(count * WIDTH, &X));
  PetscCall(ColumnSumsCreate(WIDTH, &sums));
  for (int64_t t = 0; t < count * WIDTH; t++) X[t] = value(first + t / WIDTH, t % WIDTH);
  column_sums_add(sums, count, X);
  PetscCall(ColumnSumsJoin(PETSC_COMM_WORLD, sums));
  for (int64_t c = 0; c < WIDTH; c++) {
    Exact sum = {0}, square = {0};
    float least = INFINITY;
    for (int64_t t = 0; t < ROWS; t++) {
      const float x = value(t, c);
      exact_add(&sum, (double)x);
      exact_add(&square, (double)x * (double)x);
      least = fminf(least, x);
    }
    same &= exact_value(&sum) == exact_value(&sums->sum[c]);
    same &= exact_value(&square) == exact_value(&sums->square[c]);
    ends &= least == sums->least[c] && !(signbit(sums->least[c]) && sums->least[c] == 0);
  }
  OK(same, "sums and sums of squares are those of the exact accumulator");
  OK(ends, "the least values, without a negative 0");
  PetscCall(ColumnSumsDestroy(&sums));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 4 tokens of width 1 at 2^30 + {0, 1, 2, 3}: variance 1.25, where float64 sums of squares lose it
 */
static PetscErrorCode CheckStatistics(void)
{
  PetscFunctionBeginUser;
  TokenStatistics *statistics;
  const double base = 1073741824.0, squares = 4 * base * base + 12 * base + 14;
  const double sums[SUM_ROWS] = {
      4 * base + 6, 0, 0, squares, 14 - (squares - 4 * base * base - 12 * base), 0};
  const double *list[1] = {sums};
  PetscCall(StatisticsCreate(1, &statistics));
  statistics_from_sums(4, 1, 1, list, statistics);
  OK(statistics->deviation[0] == sqrt(1.25), "the deviation keeps all digits under a large mean");
  OK(statistics->mean[0] == base + 1.5 && statistics->square == 1.25, "mean and mean square");
  NEAR(statistics->mean_over_rms, 1, 1e-12, "the mean is all of it");
  PetscCall(StatisticsDestroy(&statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Check());
  RUN(CheckStatistics());
  return TestEnd();
}
