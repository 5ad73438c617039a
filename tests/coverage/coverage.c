/* coverage [PART] - how often what the program prints holds, in simulation: docs/coverage.md.

   Everything goes through the program's own functions. All numbers are functions of the number of
   the draw, so the tables are the same on every machine. Parts: interval, kinds, differences,
   planted, purposes, basins (all, where none is named), and bounds, which prints the table of
   src/compare/basins.c. Exit code 1: a bar is not met. */
#include "../planted.h"
#include "compare/basins.h"
#include "compare/differences.h"
#include "compare/purposes.h"
#include <stdio.h>
#include <stdlib.h>

enum { DRAWS = 20000, ROOM = PLANTED_RUNS * PLANTED_RUNS };
static const int64_t runs[] = {3, 4, 6, 10};
static const double lambdas[] = {0, .1, 1, 10};
static int missed;

static void bar(double share, double low, double high)
{
  const bool met = share >= low && share <= high;
  missed += !met;
  printf(" %.2f%s |", 100 * share, met ? "" : " **missed**");
}

/* Share of intervals that hold 0. */
static double held(PlantedKind kind, int64_t S, double lambda)
{
  double h[ROOM];
  int64_t count = 0;
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    planted_pairs(kind, S, lambda, 0, draw, h);
    const PairInterval R = pair_interval(S, h);
    count += R.low <= 0 && 0 <= R.high;
  }
  return (double)count / DRAWS;
}

static void heading(const char *first)
{
  printf("\n| %s | S = 3 | S = 4 | S = 6 | S = 10 |\n|---|---|---|---|---|\n", first);
}

static void interval(void)
{
  heading("λ");
  for (int l = 0; l < 4; l++) {
    printf("| %g |", lambdas[l]);
    for (int s = 0; s < 4; s++)
      bar(held(PLANTED_NORMAL, runs[s], lambdas[l]), .93, lambdas[l] < 1 ? 1 : .975);
    printf("\n");
  }
}

static void kinds(void)
{
  static const double noise[] = {.01, .1, 1};
  heading("skewed, λ");
  for (int l = 0; l < 4; l++) {
    printf("| %g |", lambdas[l]);
    for (int s = 0; s < 4; s++) bar(held(PLANTED_SKEWED, runs[s], lambdas[l]), 0, 1);
    printf("\n");
  }
  heading("two basins, variance of a pair");
  for (int l = 0; l < 3; l++) {
    printf("| %g |", noise[l]);
    for (int s = 0; s < 4; s++) bar(held(PLANTED_BASINS, runs[s], noise[l]), 0, 1);
    printf("\n");
  }
}

/* Intervals of a difference of 0 that hold it, and tests at 5 % that pass. Paired: half of the run
   effects' variance is common. */
static double difference_held(bool paired, int64_t Sa, int64_t Sb, double la, double lb)
{
  double a[ROOM], b[ROOM];
  int64_t count = 0;
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    Difference R;
    planted_pairs(PLANTED_NORMAL, Sa, la, 1, draw, a);
    planted_pairs(PLANTED_NORMAL, Sb, lb, 2, draw, b);
    if (paired) {
      for (int64_t i = 0; i < Sa * Sa; i++) a[i] -= b[i];
      R = difference_paired(Sa, a);
    } else {
      const PairInterval A = pair_interval(Sa, a), B = pair_interval(Sb, b);
      R = difference_welch(Sa, &A, Sb, &B);
    }
    count += R.low <= 0 && 0 <= R.high && R.p >= .05;
  }
  return (double)count / DRAWS;
}

static void differences(void)
{
  static const double sides[][2] = {{0, 0}, {.1, .1}, {1, 1}, {10, 10}, {0, 1}, {0, 10}, {1, 10}};
  heading("paired, λ of the difference");
  for (int l = 0; l < 4; l++) {
    printf("| %g |", lambdas[l]);
    for (int s = 0; s < 4; s++)
      bar(difference_held(true, runs[s], runs[s], lambdas[l], lambdas[l]), .93, 1);
    printf("\n");
  }
  printf("\n| Welch, λ of a, of b | S = 3, 3 | 4, 4 | 4, 10 | 10, 4 | 10, 10 |\n"
         "|---|---|---|---|---|---|\n");
  for (int l = 0; l < 7; l++) {
    static const int64_t many[][2] = {{3, 3}, {4, 4}, {4, 10}, {10, 4}, {10, 10}};
    printf("| %g, %g |", sides[l][0], sides[l][1]);
    for (int s = 0; s < 5; s++)
      bar(difference_held(false, many[s][0], many[s][1], sides[l][0], sides[l][1]), .93, 1);
    printf("\n");
  }
}

static PetscErrorCode Planted(void)
{
  enum { KEPT_DRAWS = 2000, M = 32, WIDTH = 64 };
  const Kernels *kernels;
  Mistakes *mistakes;
  float *D;
  double h[ROOM];
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesDestroy(&mistakes));
  PetscCall(ArrayCreate(10 * M * WIDTH, &D));
  heading("atoms kept by chance");
  printf("| 32 of width 64 |");
  for (int s = 0; s < 4; s++) {
    int64_t count = 0;
    for (uint64_t draw = 0; draw < KEPT_DRAWS; draw++) {
      planted_kept(draw, sqrt(.6), runs[s], M, WIDTH, D);
      PetscCall(AtomsPrepare(kernels, CENTRING_RAW, runs[s] * M, WIDTH, D, NULL, D));
      PetscCall(PlantedShares(kernels, runs[s], M, WIDTH, D, h));
      const PairInterval R = pair_interval(runs[s], h);
      count += R.low <= .6 && .6 <= R.high;
    }
    bar((double)count / KEPT_DRAWS, .93, 1);
  }
  printf("\n");
  PetscCall(ArrayDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Shares of purposes from blocks of m atoms, each decided by a random set of seeds. */
static bool shares_hold(int64_t blocks, int64_t m, uint64_t draw, int purpose, double truth)
{
  double each[16], V[8], share[3], mean, low, high;
  for (int64_t b = 0; b < blocks; b++) {
    double M[8] = {0};
    for (int64_t j = 0; j < m; j++) {
      double left = planted_uniform(10 + (uint64_t)b, draw, j);
      int set = 0;
      while (set < 7 && left >= planted_effect[set]) left -= planted_effect[set++];
      for (int s = 0; s < 8; s++) M[s] += (s & set) == set ? 1 / (double)m : 0;
    }
    purpose_effects(3, M, V, share);
    each[b] = purpose < 0 ? M[0] : share[purpose];
  }
  blocks_mean(blocks, each, &mean, &low, &high);
  return low <= truth && truth <= high;
}

static void purposes(void)
{
  static const double truth[] = {.3, .2 + .15 / 2 + .05 / 2 + .1 / 3,
                                 .1 + .15 / 2 + .05 / 2 + .1 / 3, .05 + .05 / 2 + .05 / 2 + .1 / 3};
  static const char *const name[] = {"core", "share of init", "share of data", "share of anchors"};
  printf("\n| blocks of 32 atoms | B = 3 | 4 | 8 | 16 |\n|---|---|---|---|---|\n");
  for (int p = 0; p < 4; p++) {
    printf("| %s |", name[p]);
    for (int i = 0; i < 4; i++) {
      static const int64_t many[] = {3, 4, 8, 16};
      const int64_t B = many[i];
      int64_t count = 0;
      for (uint64_t draw = 0; draw < DRAWS; draw++)
        count += shares_hold(B, 32, draw, p - 1, truth[p]);
      bar((double)count / DRAWS, .93, 1);
    }
    printf("\n");
  }
}

static int by_value(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
/* 99 % quantiles of the best split's share, in 100,000 draws with one basin. */
static PetscErrorCode Bounds(void)
{
  enum { BOUND_DRAWS = 100000 };
  double h[ROOM], *share;
  bool two;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(BOUND_DRAWS, &share));
  for (int64_t S = 5; S <= PLANTED_RUNS; S++) {
    for (uint64_t draw = 0; draw < BOUND_DRAWS; draw++) {
      planted_pairs(PLANTED_NORMAL, S, 0, 3, draw, h);
      PetscCall(PairBasins(S, h, NULL, &share[draw], &two));
    }
    qsort(share, BOUND_DRAWS, sizeof(*share), by_value);
    printf("%.5f, ", share[BOUND_DRAWS * 99 / 100]);
    fflush(stdout);
  }
  printf("\n");
  PetscCall(ArrayDestroy(&share));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warned(PlantedKind kind, int64_t S, double lambda, double *share)
{
  double h[ROOM];
  int64_t count = 0;
  bool two;
  PetscFunctionBeginUser;
  for (uint64_t draw = 0; draw < DRAWS; draw++) {
    planted_pairs(kind, S, lambda, 4, draw, h);
    PetscCall(PairBasins(S, h, NULL, NULL, &two));
    count += two;
  }
  *share = (double)count / DRAWS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Basins(void)
{
  static const int64_t many[] = {5, 6, 8, 10, 14};
  static const struct {
    PlantedKind kind;
    double lambda;
    const char *name;
  } row[] = {{PLANTED_NORMAL, 0, "one, λ = 0"},
             {PLANTED_NORMAL, 1, "one, λ = 1"},
             {PLANTED_NORMAL, 10, "one, λ = 10"},
             {PLANTED_SKEWED, 0, "one, skewed, λ = 0"},
             {PLANTED_SKEWED, 1, "one, skewed, λ = 1"},
             {PLANTED_BASINS, .0025, "two, apart by 40 standard deviations of a pair"},
             {PLANTED_BASINS, .04, "two, by 10"},
             {PLANTED_BASINS, .25, "two, by 4"},
             {PLANTED_BASINS, 1, "two, by 2"}};
  double share;
  PetscFunctionBeginUser;
  printf("\n| basins | S = 5 | 6 | 8 | 10 | 14 |\n|---|---|---|---|---|---|\n");
  for (int r = 0; r < 9; r++) {
    printf("| %s |", row[r].name);
    for (int s = 0; s < 5; s++) {
      PetscCall(Warned(row[r].kind, many[s], row[r].lambda, &share));
      bar(share, 0, row[r].kind == PLANTED_NORMAL ? .0125 : 1);
    }
    printf("\n");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 2;
  const char *part = argc > 1 ? argv[1] : "all";
  const bool all = !strcmp(part, "all");
  PetscErrorCode failed = PETSC_SUCCESS;
  if (all || !strcmp(part, "interval")) interval();
  if (all || !strcmp(part, "kinds")) kinds();
  if (all || !strcmp(part, "differences")) differences();
  if (all || !strcmp(part, "purposes")) purposes();
  if (!failed && (all || !strcmp(part, "planted"))) failed = Planted();
  if (!failed && (all || !strcmp(part, "basins"))) failed = Basins();
  if (!failed && !strcmp(part, "bounds")) failed = Bounds();
  if (failed || PetscFinalize()) return 2;
  return missed > 0;
}
