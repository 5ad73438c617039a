/* The interval over runs: by hand, in simulation, and where there are too few runs.
   RUN ranks=1 */
#include "compare/interval.h"
#include "base/random.h"
#include "../tap.h"

static void test_by_hand(void)
{
  const double no = (double)NAN; /* below the diagonal nothing is read */
  const double three[] = {no, .5, .6, no, no, .7, no, no, no};
  const PairInterval R = pair_interval(3, three);
  NEAR(R.mean, .6, 1e-15, "mean of the pairs");
  NEAR(R.by_runs, 4. * 2 / 3 * .005, 1e-15, "J: runs' means are .55, .6, .65");
  NEAR(R.by_pairs, .02 / 6, 1e-15, "F");
  NEAR(R.high - R.mean, 4.302652729749464 * sqrt(.04 / 3), 1e-12, "half width, t with 2 degrees");
  NEAR(R.mean - R.low, R.high - R.mean, 1e-15, "symmetric");
  /* four runs whose means are equal: the floor decides. h01 = h23 = .8, all others .5 */
  const double four[] = {no, .8, .5, .5, no, no, .5, .5, no, no, no, .8, no, no, no, no};
  const PairInterval K = pair_interval(4, four);
  NEAR(K.by_runs, 0, 1e-30, "equal runs: J = 0");
  NEAR(K.by_pairs, (2 * .04 + 4 * .01) / 30, 1e-15, "F of four runs");
  NEAR(K.high - .6, 3.1824463052837078 * sqrt(.12 / 30), 1e-12, "the floor carries the interval");
}

static void test_too_few(void)
{
  const double two[] = {0, .25, .25, 0};
  const PairInterval R = pair_interval(2, two);
  OK(R.mean == .25 && isnan(R.low) && isnan(R.high) && isnan(R.by_runs), "two runs: a mean alone");
  OK(isnan(pair_interval(1, two).mean), "one run: nothing");
  const double broken[] = {0, .5, (double)NAN, 0, 0, .7, 0, 0, 0};
  OK(isnan(pair_interval(3, broken).mean) && isnan(pair_interval(3, broken).low), "NaN stays NaN");
}

/* Share of intervals that hold the truth: h_ij = a_i + a_j + e_ij, normal */
static void test_coverage(int64_t S, double run, double pair)
{
  enum { REPEATS = 4000 };
  double h[64];
  int held = 0;
  for (uint64_t r = 0; r < REPEATS; r++) {
    for (int64_t i = 0; i < S; i++)
      for (int64_t j = i + 1; j < S; j++)
        h[i * S + j] = run * (random_normal(1, RANDOM_LAST, r * 8 + (uint64_t)i) +
                              random_normal(1, RANDOM_LAST, r * 8 + (uint64_t)j)) +
                       pair * random_normal(2, RANDOM_LAST, r * 64 + (uint64_t)(i * S + j));
    const PairInterval R = pair_interval(S, h);
    held += R.low <= 0 && 0 <= R.high;
  }
  const double share = (double)held / REPEATS;
  OK(share > .94 && share < .9975, "%d runs, effects %g and %g: %.4f held", (int)S, run, pair,
     share);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  test_by_hand();
  test_too_few();
  test_coverage(3, 1, .3);
  test_coverage(4, 1, 0);
  test_coverage(5, .3, 1);
  test_coverage(8, 1, 1);
  test_coverage(8, 0, 1);
  return TestEnd();
}
