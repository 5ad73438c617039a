/* The interval over runs: by hand, by NumPy, in simulation, on planted dictionaries, and where
   there are too few runs. RUN ranks=1 */
#include "compare/interval.h"
#include "../interval_values.h"
#include "../planted.h"
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
  OK(isnan(R.lambda), "three runs have no rest to compare run effects with");
  /* four runs whose means are equal: the floor decides. h01 = h23 = .8, all others .5 */
  const double four[] = {no, .8, .5, .5, no, no, .5, .5, no, no, no, .8, no, no, no, no};
  const PairInterval K = pair_interval(4, four);
  NEAR(K.by_runs, 0, 1e-30, "equal runs: J = 0");
  NEAR(K.by_pairs, (2 * .04 + 4 * .01) / 30, 1e-15, "F of four runs");
  NEAR(K.high - .6, 3.1824463052837078 * sqrt(.12 / 30), 1e-12, "the floor carries the interval");
  OK(interval_variance(&K) == K.by_pairs && interval_variance(&R) == R.by_runs,
     "the larger variance counts");
  OK(K.lambda == 0, "no run effects: lambda is bounded at 0");
}

static void test_known(void)
{
  static const struct {
    int S;
    const double *h, *known;
  } set[] = {{PAIRS_A, pairs_a, pairs_a_known},
             {PAIRS_B, pairs_b, pairs_b_known},
             {PAIRS_C, pairs_c, pairs_c_known},
             {PAIRS_D, pairs_d, pairs_d_known}};
  for (int i = 0; i < 4; i++) {
    const PairInterval R = pair_interval(set[i].S, set[i].h);
    NEAR(R.mean, set[i].known[0], 1e-15, "mean of set %d", i);
    NEAR(interval_variance(&R), set[i].known[1], 1e-15, "variance of set %d", i);
    NEAR(R.lambda, set[i].known[2], 1e-9 * (1 + set[i].known[2]), "lambda of set %d: %g", i,
         R.lambda);
  }
}

static void test_edges(void)
{
  const double two[] = {0, .25, .25, 0};
  const PairInterval R = pair_interval(2, two);
  OK(R.mean == .25 && isnan(R.low) && isnan(R.high) && isnan(R.by_runs), "two runs: a mean alone");
  OK(isnan(pair_interval(1, two).mean), "one run: nothing");
  const double broken[] = {0, .5, (double)NAN, 0, 0, .7, 0, 0, 0};
  OK(isnan(pair_interval(3, broken).mean) && isnan(pair_interval(3, broken).low), "NaN stays NaN");
  double equal[25], sums[25];
  for (int i = 0; i < 25; i++) {
    equal[i] = .1;
    sums[i] = .1 * (i / 5) + .1 * (i % 5);
  }
  OK(isnan(pair_interval(5, equal).lambda), "equal pairs have no lambda");
  OK(isinf(pair_interval(5, sums).lambda), "run effects alone: lambda is infinite");
}

/* Share of intervals that hold the truth, for normal effects of runs and pairs. */
static void test_coverage(int64_t S, double lambda)
{
  enum { DRAWS = 2000 };
  double h[PLANTED_RUNS * PLANTED_RUNS];
  int held = 0;
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    planted_pairs(PLANTED_NORMAL, S, lambda, 0, draw, h);
    const PairInterval R = pair_interval(S, h);
    held += R.low <= 0 && 0 <= R.high;
  }
  const double share = (double)held / DRAWS;
  OK(share >= .93 && (lambda < 1 || share <= .975), "%d runs, lambda %g: %.4f held", (int)S, lambda,
     share);
}

/* Each run keeps each atom with probability sqrt(.6): the interval of matched_share holds .6. */
static PetscErrorCode TestPlanted(int64_t S)
{
  enum { DRAWS = 2000, M = 16, WIDTH = 48 };
  const Kernels *kernels;
  Mistakes *mistakes;
  float *D;
  double h[PLANTED_RUNS * PLANTED_RUNS];
  int held = 0;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesDestroy(&mistakes));
  PetscCall(ArrayCreate(S * M * WIDTH, &D));
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    planted_kept(draw, sqrt(.6), S, M, WIDTH, D);
    PetscCall(AtomsPrepare(kernels, CENTRING_RAW, S * M, WIDTH, D, NULL, D));
    PetscCall(PlantedShares(kernels, S, M, WIDTH, D, h));
    const PairInterval R = pair_interval(S, h);
    held += R.low <= .6 && .6 <= R.high;
  }
  OK(held >= .93 * DRAWS, "%d runs that keep their atoms by chance: %.4f hold .6", (int)S,
     (double)held / DRAWS);
  PetscCall(ArrayDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const int64_t runs[] = {3, 4, 6, 10};
  static const double lambda[] = {0, .1, 1, 10};
  TestBegin(&argc, &argv);
  test_by_hand();
  test_known();
  test_edges();
  for (int s = 0; s < 4; s++)
    for (int l = 0; l < 4; l++) test_coverage(runs[s], lambda[l]);
  RUN(TestPlanted(3));
  RUN(TestPlanted(4));
  return TestEnd();
}
