/* Two basins: found where they are, with their members; rarely where there is one; and what cannot
   be split.
   RUN ranks=1 */
#include "compare/basins.h"
#include "../planted.h"
#include "../tap.h"

/* The contrast's share of the rest by least squares on every split, the long way round. */
static double brute_share(int64_t S, const double *h)
{
  double best = 0, total = 0, mean = 0, own[PLANTED_RUNS] = {0}, rest[PLANTED_RUNS * PLANTED_RUNS];
  const double s = (double)S;
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = 0; j < S; j++) {
      if (i == j) continue;
      own[i] += h[i < j ? i * S + j : j * S + i] / (s - 1);
      mean += h[i < j ? i * S + j : j * S + i] / (s * (s - 1));
    }
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) {
      rest[i * S + j] = h[i * S + j] - mean - (s - 1) / (s - 2) * (own[i] + own[j] - 2 * mean);
      total += rest[i * S + j] * rest[i * S + j];
    }
  for (unsigned set = 1; set < 1u << (S - 1); set++) {
    double weight[3] = {0}, sum = 0, square = 0;
    int64_t count[3] = {0};
    for (int64_t i = 0; i < S; i++)
      for (int64_t j = i + 1; j < S; j++)
        count[(set >> i & 1) != (set >> j & 1) ? 2 : set >> i & 1]++;
    if (!count[0] || !count[1]) continue;
    for (int k = 0; k < 3; k++) weight[k] = (k < 2 ? .5 : -1) / (double)count[k];
    for (int64_t i = 0; i < S; i++)
      for (int64_t j = i + 1; j < S; j++) {
        const double w = weight[(set >> i & 1) != (set >> j & 1) ? 2 : set >> i & 1];
        sum += w * rest[i * S + j];
        square += w * w;
      }
    if (sum > 0) best = fmax(best, sum * sum / square / total);
  }
  return best;
}

static PetscErrorCode TestSplit(void)
{
  enum { S = 7 };
  static const bool truth[S] = {0, 1, 0, 0, 1, 1, 0};
  double h[PLANTED_RUNS * PLANTED_RUNS], share;
  bool side[S], two;
  PetscFunctionBeginUser;
  planted_pairs(PLANTED_NORMAL, S, 4, 0, 0, h); /* large run effects besides */
  for (int i = 0; i < S; i++)
    for (int j = i + 1; j < S; j++) h[i * S + j] += truth[i] == truth[j] ? 8 : 0;
  PetscCall(PairBasins(S, h, side, &share, &two));
  OK(two && !memcmp(side, truth, sizeof(side)), "two basins and their members");
  for (int i = 0; i < S; i++)
    for (int j = i + 1; j < S; j++) h[i * S + j] *= -1;
  PetscCall(PairBasins(S, h, side, &share, &two));
  OK(!two, "less alike within than between is no basin");
  PetscCall(PairBasins(4, h, side, &share, &two));
  OK(!two && isnan(share), "four runs are not split");
  for (int i = 0; i < S * S; i++) h[i] = .1;
  PetscCall(PairBasins(S, h, side, &share, &two));
  OK(!two && isnan(share), "equal pairs are one basin");
  h[1] = (double)NAN;
  PetscCall(PairBasins(S, h, side, &share, &two));
  OK(!two, "no value, no warning");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestBest(void)
{
  double h[PLANTED_RUNS * PLANTED_RUNS], share, worst = 0;
  int less = 0, more = 0;
  bool two;
  PetscFunctionBeginUser;
  for (uint64_t draw = 0; draw < 200; draw++) {
    const int64_t S = 5 + (int64_t)draw % 4;
    planted_pairs(PLANTED_NORMAL, S, 1, 5, draw, h);
    PetscCall(PairBasins(S, h, NULL, &share, &two));
    const double all = brute_share(S, h);
    less += share < all - 1e-9;
    more += share > all + 1e-9;
    worst = fmax(worst, all - share);
  }
  OK(more == 0 && less <= 10, "the best of all splits in %d of 200, at worst %.3f below",
     200 - less, worst);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestAlarms(int64_t S)
{
  enum { DRAWS = 2000 };
  double h[PLANTED_RUNS * PLANTED_RUNS];
  int alarms = 0, seen = 0;
  bool two;
  PetscFunctionBeginUser;
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    planted_pairs(PLANTED_NORMAL, S, 2, 6, draw, h);
    PetscCall(PairBasins(S, h, NULL, NULL, &two));
    alarms += two;
    planted_pairs(PLANTED_BASINS, S, .0025, 7, draw, h);
    PetscCall(PairBasins(S, h, NULL, NULL, &two));
    seen += two;
  }
  OK(alarms < .02 * DRAWS && alarms > 0, "%d runs, one basin: %d false alarms in %d", (int)S,
     alarms, DRAWS);
  /* both basins must have two runs or more, or there is nothing to see */
  const double possible = 1 - 2 * (1 + (double)S) * pow(.5, (double)S);
  OK(seen > (S < 6 ? .5 : .9) * possible * DRAWS, "%d runs, two basins: seen in %d of %.0f", (int)S,
     seen, possible * DRAWS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(TestSplit());
  RUN(TestBest());
  RUN(TestAlarms(5));
  RUN(TestAlarms(6));
  RUN(TestAlarms(10));
  OK(isnan(basins_bound(4)) && basins_bound(5) > basins_bound(6) &&
         basins_bound(99) == basins_bound(16),
     "bounds fall with the runs, and more than 16 take the last");
  return TestEnd();
}
