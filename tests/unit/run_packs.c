/* The choice of packs: kinds, bounds, and that all groups have work.
   RUN ranks=1 */
#include "../tap.h"
#include "base/random.h"
#include "run/packs.h"

static double greatest(const Packs *packs)
{
  int64_t most = 0;
  for (int64_t i = 0; i < packs->count; i++)
    most = max_i64(most, packs->start[i + 1] - packs->start[i]);
  return (double)most;
}

/* Is every run in one pack, with runs of its kind alone, in order, and within the bounds? */
static bool sound(const Packs *packs, int64_t runs, const PackRun *run, int64_t most, double memory)
{
  int64_t seen[64] = {0};
  bool good = packs->start[0] == 0 && packs->start[packs->count] == runs;
  for (int64_t i = 0; i < packs->count && good; i++) {
    const int64_t first = packs->start[i], end = packs->start[i + 1];
    double sum = 0;
    good = end > first && (!most || end - first <= most);
    for (int64_t r = first; r < end && good; r++) {
      sum += run[packs->run[r]].memory;
      seen[packs->run[r]]++;
      good = run[packs->run[r]].kind == run[packs->run[first]].kind &&
             (r == first || packs->run[r] > packs->run[r - 1]);
    }
    good = good && (end - first == 1 || sum <= memory);
  }
  for (int64_t r = 0; r < runs; r++) good = good && seen[r] == 1;
  return good;
}

static PetscErrorCode Count(int64_t runs, const PackRun *run, int groups, int64_t most,
                            double memory, int64_t count, double largest, const char *what)
{
  Packs packs;

  PetscFunctionBeginUser;
  PetscCall(PacksChoose(runs, run, groups, most, memory, &packs));
  OK(sound(&packs, runs, run, most, memory) && packs.count == count && greatest(&packs) == largest,
     "%s: %lld packs, the largest of %g", what, (long long)packs.count, greatest(&packs));
  PetscCall(PacksDestroy(&packs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* However runs, kinds and bounds are drawn: sound, and hardly later than one by one. */
static PetscErrorCode CheckRandom(void)
{
  bool good = true, soon = true;

  PetscFunctionBeginUser;
  for (uint64_t round = 0; round < 300; round++) {
    PackRun run[64];
    int64_t start[65], order[65];
    Packs packs;
    const int64_t runs = 1 + random_below(1, RANDOM_SYNTH, 10 * round, 64),
                  kinds = 1 + random_below(1, RANDOM_SYNTH, 10 * round + 1, 6),
                  most = random_below(1, RANDOM_SYNTH, 10 * round + 2, 8);
    const int groups = 1 + (int)random_below(1, RANDOM_SYNTH, 10 * round + 3, 9);
    for (int64_t r = 0; r < runs; r++) {
      const uint64_t at = 1000 + 100 * round + (uint64_t)r;
      run[r] = (PackRun){random_below(2, RANDOM_SYNTH, at, kinds),
                         random_uniform(3, RANDOM_SYNTH, at), random_uniform(4, RANDOM_SYNTH, at)};
    }
    PetscCall(PacksChoose(runs, run, groups, most, 3, &packs));
    for (int64_t r = 0; r <= runs; r++) start[r] = order[r] = r;
    good = good && sound(&packs, runs, run, most, 3);
    soon = soon && packs_time(&packs, run, groups) <=
                       1.06 * packs_time(&(Packs){runs, start, order}, run, groups);
    PetscCall(PacksDestroy(&packs));
  }
  OK(good, "random runs: each in one pack of its kind, within the bounds");
  OK(soon, "random runs: no later than a little after one by one");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  PackRun run[12];
  for (int r = 0; r < 12; r++) run[r] = (PackRun){0, 1, 10};
  RUN(Count(8, run, 1, 0, 1e9, 1, 8, "eight alike, one group"));
  RUN(Count(8, run, 2, 0, 1e9, 2, 4, "eight alike, two groups"));
  RUN(Count(8, run, 8, 0, 1e9, 8, 1, "eight alike, eight groups"));
  RUN(Count(9, run, 2, 0, 1e9, 2, 5, "nine alike, two groups"));
  RUN(Count(8, run, 1, 3, 1e9, 3, 3, "at most three together"));
  RUN(Count(8, run, 1, 1, 1e9, 8, 1, "none together"));
  RUN(Count(8, run, 1, 0, 40, 2, 4, "memory for four"));
  RUN(Count(8, run, 1, 0, 5, 8, 1, "memory for less than one"));
  for (int r = 0; r < 12; r++) run[r].kind = r % 3;
  RUN(Count(12, run, 1, 0, 1e9, 3, 4, "three kinds, one group"));
  RUN(Count(12, run, 2, 0, 1e9, 6, 2, "three kinds, two groups: none is idle at the end"));
  for (int r = 0; r < 12; r++) run[r].cost = r ? 1 : 20;
  RUN(Count(12, run, 2, 0, 1e9, 4, 4, "one that takes as long as all others has little beside it"));
  RUN(Count(0, run, 2, 0, 1e9, 0, 0, "no runs"));
  RUN(CheckRandom());
  return TestEnd();
}
