/* Exact sums: correctly rounded whatever the order, over the whole range of float64, joined over
   ranks.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "base/array.h"
#include "base/exact.h"
#include "base/random.h"
#include <float.h>

static double sum_of(int n, const double *x)
{
  Exact sum = {0};
  for (int i = 0; i < n; i++) exact_add(&sum, x[i]);
  return exact_value(&sum);
}
#define SUM(...)                                                                                   \
  sum_of((int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

static void cases(void)
{
  OK(SUM(0.0) == 0 && SUM(-0.0) == 0, "zero");
  OK(SUM(1e308, 1, -1e308) == 1, "cancellation of 1e308 leaves 1");
  OK(SUM(1e308, 0x1p-1074, -1e308) == 0x1p-1074, "and leaves the least subnormal");
  OK(SUM(0x1p-1074, 0x1p-1074) == 0x1p-1073, "subnormal numbers add up");
  OK(SUM(0x1p-1022, -0x1p-1074) == 0x1.ffffffffffffep-1023, "a normal number falls to a subnormal");
  OK(SUM(1, 0x1p-53) == 1, "ties go to the even number below");
  OK(SUM(1 + DBL_EPSILON, 0x1p-53) == 1 + 2 * DBL_EPSILON, "and to the even number above");
  OK(SUM(1, 0x1p-53, 0x1p-1074) == 1 + DBL_EPSILON, "the last bit of all breaks a tie");
  OK(SUM(-1, -0x1p-53) == -1 && SUM(-1, -0x1p-53, -0x1p-1074) == -1 - DBL_EPSILON,
     "negative sums mirror positive ones");
  OK(SUM(1, -0x1p-54) == 1 && SUM(1, -0x1p-54, -0x1p-1074) == 1 - DBL_EPSILON / 2,
     "below a power of two the spacing is half");
  OK(SUM(DBL_MAX, DBL_MAX, -DBL_MAX) == DBL_MAX, "partial sums may pass the largest number");
  OK(isinf(SUM(DBL_MAX, DBL_MAX)), "a sum beyond the largest number is infinite");
  OK(isnan(SUM(1, NAN)) && isnan(SUM(INFINITY, -INFINITY)) && isnan(SUM(INFINITY)),
     "terms that are not finite give NaN");
}

/* Random integers scaled by 2^-40, against __int128. */
static void integers(void)
{
  bool same = true, any_order = true;
  for (uint64_t turn = 0; turn < 200; turn++) {
    Exact forward = {0}, backward = {0};
    __int128 whole = 0;
    for (uint64_t i = 0; i < 60; i++) {
      const RandomBits bits = random_bits(turn, RANDOM_SYNTH, i);
      const int64_t mantissa = (int64_t)((uint64_t)bits.word[0] << 32 | bits.word[1]) >> 11;
      const int shift = (int)(bits.word[2] % 50);
      whole += mantissa * ((__int128)1 << shift);
      exact_add(&forward, ldexp((double)mantissa, shift - 40));
    }
    for (uint64_t i = 60; i-- > 0;) {
      const RandomBits bits = random_bits(turn, RANDOM_SYNTH, i);
      const int64_t mantissa = (int64_t)((uint64_t)bits.word[0] << 32 | bits.word[1]) >> 11;
      exact_add(&backward, ldexp((double)mantissa, (int)(bits.word[2] % 50) - 40));
    }
    const double expected = ldexp((double)whole, -40); /* the conversion rounds to nearest even */
    same &= exact_value(&forward) == expected;
    any_order &= exact_value(&backward) == expected;
  }
  OK(same, "200 sums of 60 numbers equal the 128-bit integer sum, rounded once");
  OK(any_order, "from last to first too");
}

static void many(void)
{
  Exact sum = {0}, half = {0};
  for (int i = 0; i < 1000000; i++) exact_add(&sum, 0.1), exact_add(i & 1 ? &sum : &half, -0.1);
  exact_join(&sum, &half);
  OK(exact_value(&sum) == 0, "a million terms and their negatives, joined, leave nothing");
  for (int i = 0; i < 1000000; i++) exact_add(&sum, 0.1);
  OK(exact_value(&sum) == 100000,
     "a million times 0.1 is 100000, where plain addition gives 100000.00000133");
}

/* Terms dealt to the ranks in turn give on every rank what one rank computes alone. */
static void over_ranks(void)
{
  enum { N = 5000 };
  Exact mine[2] = {0}, alone[2] = {0};
  Exact each[2] = {0};
  for (int i = 0; i < N; i++) {
    const double x = ldexp(random_normal(1, RANDOM_SYNTH, (uint64_t)i), i % 600 - 300);
    if (i % tap_size == tap_rank) exact_add(&mine[0], x), exact_add(&mine[1], -2 * x);
    exact_add(&alone[0], x), exact_add(&alone[1], -2 * x);
  }
  RUN(ExactSum(MPI_COMM_WORLD, 2, mine));
  const double value = exact_value(&mine[0]);
  OK(value == exact_value(&alone[0]) && exact_value(&mine[1]) == -2 * value && value != 0,
     "a sum over %d ranks is the sum of one", tap_size);
  SAME_ON_ALL_RANKS(mine, sizeof(mine), "the accumulators are the same on all ranks");
  exact_add(&each[0], tap_rank ? 0x1p-53 : 1);
  exact_add(&each[1], tap_rank == 1 ? (double)NAN : 1);
  RUN(ExactSum(MPI_COMM_WORLD, 2, each));
  OK(exact_value(&each[0]) == (tap_size > 2 ? 1 + DBL_EPSILON : 1) &&
         (tap_size > 1) == (bool)isnan(exact_value(&each[1])),
     "one term of each rank: rounded once, and one rank's NaN is everybody's");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  cases();
  integers();
  many();
  over_ranks();
  return TestEnd();
}
