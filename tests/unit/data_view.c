/* The split, normalisation and order of tokens.
   RUN ranks=1
   RUN ranks=3 */
#include "../tap.h"
#include "token_file.h"
#include "data/view.h"
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
enum { N = 20011, D = 8, GROUPS = 40 };
static const char path[] = "data_view.test.h5";

/* Groups that are neither consecutive numbers nor in one piece. */
static int64_t scattered(int64_t row)
{
  return (row / 50 % GROUPS - 7) * 1000003;
}

static PetscErrorCode CheckOrder(void)
{
  PetscFunctionBeginUser;
  bool whole = true, other = false, early = true;
  for (int size = 0; size < 4; size++) {
    const int64_t n = (int64_t[]){1, 63, 16384 + 65, 40000}[size];
    const Order order = {5, n}, second = {6, n};
    char *seen;
    PetscCall(PetscCalloc1(n, &seen));
    for (int64_t i = 0; i < n; i++) {
      const int64_t t = order_at(&order, 3, i);
      if (t < 0 || t >= n || seen[t]++) whole = false;
      other |= n > 1 && t != order_at(&second, 3, i) && t != order_at(&order, 4, i);
    }
    PetscCall(PetscFree(seen));
  }
  OK(whole, "an epoch visits every token once");
  OK(other, "another seed or epoch has another order");
  char chunks[625] = {0};
  int touched = 0;
  for (int64_t i = 0; i < 16384; i++) {
    const Order order = {5, 40000};
    char *chunk = &chunks[order_at(&order, 0, i) / 64];
    touched += !*chunk;
    *chunk = 1;
  }
  early = touched == 256;
  OK(early, "a window reads 256 chunks");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSplit(Tokens *tokens, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  Split *split, *none, *most;
  int64_t held_groups, *row, *group, *all;
  PetscCall(SplitCreate(COMM, tokens, 0.1, mistakes, &split));
  PetscCall(SplitCreate(COMM, tokens, 0, mistakes, &none));
  PetscCall(SplitCreate(COMM, tokens, 0.999, mistakes, &most));
  const int64_t *held = split_held_groups(split, &held_groups);
  OK(held_groups == 4, "a tenth of 40 groups is 4");
  const int64_t train = split_count(split, false), test = split_count(split, true);
  OK(train + test == N && split_count(none, true) == 0 && split_count(none, false) == N,
     "every token is on one side");
  PetscCall(PetscMalloc2(N, &all, N, &group));
  PetscCall(TokensGroups(tokens, 0, N, all));
  bool sides = true, ascending = true;
  for (int side = 0; side < 2; side++) {
    for (int64_t i = 0, last = -1; i < split_count(split, side); i++) {
      const int64_t r = split_row(split, side, i);
      bool is_held = false;
      for (int64_t h = 0; h < held_groups; h++) is_held |= held[h] == all[r];
      sides &= is_held == (side == 1);
      ascending &= r > last;
      last = r;
    }
  }
  OK(sides && ascending, "whole groups are held out, in file order");
  const int64_t sample = split_sample_count(split, 3000);
  PetscCall(PetscMalloc1(N, &row));
  PetscCall(SplitSample(split, 3000, row));
  bool training = true;
  for (int64_t i = 0; i < sample; i++) {
    for (int64_t h = 0; h < held_groups; h++) training &= held[h] != all[row[i]];
    training &= !i || row[i] > row[i - 1];
  }
  OK(training && sample > 2400 && sample <= 3000, "a sample of whole training groups: %" PRId64,
     sample);
  OK(split_sample_count(split, 1) >= 450, "a sample has at least one group");
  OK(split_sample_count(split, N) == train, "a large sample is all training tokens");
  split_held_groups(most, &held_groups);
  OK(held_groups == GROUPS - 1, "one group stays for training");
  PetscCall(PetscFree(row));
  PetscCall(PetscFree2(all, group));
  PetscCall(SplitDestroy(&split));
  PetscCall(SplitDestroy(&none));
  PetscCall(SplitDestroy(&most));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens of each training group that a part has: kept [GROUPS], by the group's place in
   scattered(). */
static int64_t part_groups(const Split *part, int64_t *kept)
{
  int64_t groups = 0;
  for (int g = 0; g < GROUPS; g++) kept[g] = 0;
  for (int64_t i = 0; i < split_count(part, false); i++)
    groups += !kept[split_row(part, false, i) / 50 % GROUPS]++;
  return groups;
}

static PetscErrorCode CheckSubsample(Tokens *tokens, Mistakes *mistakes)
{
  enum { SEEDS = 200 };
  Split *split, *part;
  int64_t whole[GROUPS], kept[GROUPS], times[GROUPS] = {0}, fewest = N, least, groups = 0,
                                       t_min = 0;
  bool sizes = true, inside = true, ascending = true;
  PetscFunctionBeginUser;
  PetscCall(SplitCreate(COMM, tokens, 0.1, mistakes, &split));
  OK(part_groups(split, whole) == 36, "36 training groups");
  for (int64_t seed = 0; seed < SEEDS; seed++) {
    PetscCall(SplitSubsample(split, 0.5, seed, &part));
    sizes &= part_groups(part, kept) == 18;
    for (int g = 0; g < GROUPS; g++) {
      inside &= kept[g] == 0 || kept[g] == whole[g];
      times[g] += kept[g] > 0;
    }
    for (int64_t i = 1; i < split_count(part, false); i++)
      ascending &= split_row(part, false, i) > split_row(part, false, i - 1);
    fewest = min_i64(fewest, split_count(part, false));
    PetscCall(SplitDestroy(&part));
  }
  OK(sizes && inside, "half of the training groups, each whole, none that is held out");
  OK(ascending, "in file order");
  bool even = true; /* each is in half of the samples: 100 +- 5 standard deviations of 7.07 */
  for (int g = 0; g < GROUPS; g++) {
    groups += times[g] > 0;
    t_min = max_i64(t_min, times[g]);
    even &= !whole[g] || (times[g] > 65 && times[g] < 135);
  }
  OK(groups == 36 && even, "seeds choose every group equally often, at most %d", (int)t_min);
  PetscCall(SplitLeast(split, 0.5, &least));
  OK(least <= fewest && least > 0.4 * N / 2 * .9, "the fewest tokens that a share can have");
  PetscCall(SplitSubsample(split, 1e-9, 3, &part));
  OK(part_groups(part, kept) == 1, "at least one group");
  PetscCall(SplitDestroy(&part));
  PetscCall(SplitDestroy(&split));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums over all tokens after normalisation. */
static PetscErrorCode CheckNormaliser(Tokens *tokens, const Kernels *kernels, const char *center,
                                      const char *scale, double want_square)
{
  PetscFunctionBeginUser;
  Settings settings = {0};
  Normaliser *normaliser, *again;
  float *X;
  int64_t *row;
  settings_set(&settings, "normalise.center", center);
  settings_set(&settings, "normalise.scale", scale);
  PetscCall(NormaliserCreate(tokens, &settings, &normaliser));
  PetscCall(NormaliserFromArrays(D, normaliser->mean, normaliser->scale, &again));
  OK(!memcmp(again->inv, normaliser->inv, D * sizeof(float)) &&
         !memcmp(again->mu, normaliser->mu, D * sizeof(float)),
     "%s, %s: what a model file stores gives the same bits", center, scale);
  PetscCall(PetscMalloc2(N * D, &X, N, &row));
  for (int64_t i = 0; i < N; i++) row[i] = i;
  const View view = {tokens, NULL, normaliser, kernels};
  PetscCall(ViewRead(&view, N, row, X));
  double sum = 0, square = 0, least = INFINITY;
  for (int64_t i = 0; i < N * D; i++) {
    sum += (double)X[i];
    square += (double)X[i] * (double)X[i];
    least = fmin(least, (double)X[i]);
  }
  NEAR(square / N, want_square, 1e-4 * want_square, "%s, %s: the mean square is as asked", center,
       scale);
  if (!strcmp(center, "mean")) NEAR(sum / N / D, 0, 1e-3, "the mean is 0");
  if (!strcmp(center, "min")) OK(least == 0, "the least value is 0");
  PetscCall(PetscFree2(X, row));
  PetscCall(NormaliserDestroy(&normaliser));
  PetscCall(NormaliserDestroy(&again));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  const Kernels *kernels;
  Tokens *tokens;
  Split *split;
  const char *const paths[] = {path};
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  RUN(CheckOrder());
  RUN(TestTokens(COMM, kernels, path, N, D, H5_F32, scattered, mistakes));
  RUN(TokensOpen(COMM, kernels, 1, paths, mistakes, &tokens));
  RUN(CheckSplit(tokens, mistakes));
  RUN(CheckSubsample(tokens, mistakes));
  RUN(CheckNormaliser(tokens, kernels, "mean", "rms", D));
  RUN(CheckNormaliser(tokens, kernels, "mean", "unit", 1));
  RUN(CheckNormaliser(tokens, kernels, "mean", "std", D));
  RUN(CheckNormaliser(tokens, kernels, "none", "rms", D));
  RUN(CheckNormaliser(tokens, kernels, "min", "unit", 1));
  RUN(TokensClose(&tokens));
  OK(mistakes_count(mistakes) == 0, "no mistakes so far");
  RUN(TestTokens(COMM, kernels, path, 200, D, H5_F16, NULL, mistakes));
  RUN(TokensOpen(COMM, kernels, 1, paths, mistakes, &tokens));
  RUN(SplitCreate(COMM, tokens, 0.5, mistakes, &split));
  OK(!split && mistakes_count(mistakes) == 1, "a single group cannot be split");
  RUN(TokensClose(&tokens));
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(COMM);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
