/* Null dictionaries: the chance values that are known, a common offset that looks like stability,
   and tokens' own mean and spread.
   RUN ranks=1
   RUN ranks=3 */
#include "compare/null_parts.h"
#include "compare/nulls.h"
#include "../tap.h"
#include "base/random.h"
#include "random_tokens.h"
#include <stdlib.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
static const Kernels *kernels;
static ChosenComparison chosen[32]; /* all comparisons */
static const CompareOptions options = {chosen, 7};
static ChosenComparison only[2]; /* matched_cosine */
static const CompareOptions only_options = {only, 7};
static int measures, matched; /* their number, and which is matched_cosine */

/* Values of all parts, of dictionaries like those of three runs with four codes a token. */
static PetscErrorCode AllValues(MPI_Comm comm, const NullSource *source, NullKind kind, int64_t m,
                                const CompareOptions *of, double *values, int64_t *pairs)
{
  const NullShape shape = {.m = {m, m}, .active = 4, .runs = 3};
  PetscFunctionBeginUser;
  for (NullPart part = 0; part < NULL_PARTS; part++)
    PetscCall(NullValues(comm, source, kind, &shape, part, of, values,
                         part == NULLS_PLAIN ? pairs : NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int place_named(const char *name)
{
  int v = 0;
  while (strcmp(chosen[v].comparison->entry.name, name)) v++;
  return v;
}

static double named(const double *values, const char *name)
{
  return values[CENTRING_RAW * measures + place_named(name)];
}

static void choose_all(void)
{
  for (; comparisons.entries[measures]; measures++) {
    chosen[measures].comparison = (const Comparison *)comparisons.entries[measures];
    if (!strcmp(comparisons.entries[measures]->name, "matched_cosine")) matched = measures;
  }
  only[0] = chosen[matched];
}

/* Matched cosine of null dictionaries a and b, with offset times one shared unit vector added to
   each unit row. */
static PetscErrorCode MatchedPair(const NullSource *source, int64_t a, int64_t m, int64_t d,
                                  double offset, Centring centring, double *value)
{
  float *D, *unit;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(2 * m * d, &D));
  PetscCall(ArrayCreate(2 * m * d, &unit));
  for (int side = 0; side < 2; side++) {
    float *mine = D + side * m * d;
    PetscCall(NullDictionary(source, NULL_RANDOM, a + side, m, mine));
    PetscCall(AtomsPrepare(kernels, CENTRING_RAW, m, d, mine, NULL, mine));
    for (int64_t j = 0; j < m; j++) mine[j * d] += (float)offset;
    PetscCall(AtomsPrepare(kernels, centring, m, d, mine, NULL, unit + side * m * d));
  }
  PetscCall(PairValues(kernels, (Atoms){m, d, unit}, (Atoms){m, d, unit + m * d}, only, value));
  PetscCall(ArrayDestroy(&D));
  PetscCall(ArrayDestroy(&unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean matched cosine over pairs of random dictionaries, spread over the ranks. */
static PetscErrorCode MeanMatched(int64_t m, int64_t d, int64_t pairs, double *mean)
{
  NullSource *source;
  double *value;
  PetscFunctionBeginUser;
  PetscCall(NullSourceCreate(COMM, kernels, d, NULL, &source));
  PetscCall(ArrayCreate(pairs, &value));
  for (int64_t p = 0; p < pairs; p++)
    if (p % tap_size == tap_rank)
      PetscCall(MatchedPair(source, 2 * p, m, d, 0, CENTRING_RAW, &value[p]));
  PetscCall(SpreadJoin(COMM, pairs, value));
  *mean = 0;
  for (int64_t p = 0; p < pairs; p++) *mean += value[p] / (double)pairs;
  PetscCall(ArrayDestroy(&value));
  PetscCall(NullSourceDestroy(&source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Reference values of independent random unit dictionaries. */
static PetscErrorCode TestKnown(void)
{
  double mean, values[96], again[96];
  int64_t pairs;
  NullSource *source;
  PetscFunctionBeginUser;
  PetscCall(MeanMatched(32, 16, 300, &mean));
  NEAR(mean, .453, .005, "random directions, 32 x 16, 300 pairs");
  PetscCall(MeanMatched(512, 64, 20, &mean));
  NEAR(mean, .354, .003, "random directions, 512 x 64, 20 pairs: %.4f", mean);
  if (getenv("TEST_LONG")) {
    PetscCall(MeanMatched(1024, 128, 20, &mean));
    NEAR(mean, .272, .003, "random directions, 1024 x 128, 20 pairs: %.4f", mean);
    PetscCall(MeanMatched(2000, 768, 20, &mean));
    NEAR(mean, .119, .003, "random directions, 2000 x 768, 20 pairs: %.4f", mean);
  } else {
    PetscCall(MeanMatched(2000, 768, 1, &mean));
    NEAR(mean, .119, .002, "random directions, 2000 x 768");
  }
  PetscCall(NullSourceCreate(COMM, kernels, 16, NULL, &source));
  PetscCall(AllValues(COMM, source, NULL_RANDOM, 32, &options, values, &pairs));
  NEAR(values[CENTRING_RAW * measures + matched], .453, .008, "the null of 32 x 16");
  OK(pairs >= 40 && pairs <= 1000, "one pair has a spread of .018: %d pairs", (int)pairs);
  OK(named(values, "matched_encoder") == named(values, "matched_cosine") &&
         named(values, "matched_both") == named(values, "matched_cosine") &&
         named(values, "shared_features") == named(values, "matched_share"),
     "encoder rows are the atoms' directions");
  NEAR(named(values, "stable_subspace"), .5, .02, "8 of 16 directions, whichever are chosen");
  OK(isnan(named(values, "code_best")), "no tokens, no codes");
  SAME_ON_ALL_RANKS(values, sizeof(double) * (size_t)(CENTRINGS * measures), "known to all ranks");
  PetscCall(AllValues(PETSC_COMM_SELF, source, NULL_RANDOM, 32, &options, again, NULL));
  OK(!memcmp(values, again, sizeof(double) * (size_t)(CENTRINGS * measures)),
     "the same bits on one rank");
  PetscCall(AllValues(COMM, source, NULL_RANDOM, 32, &only_options, again, &pairs));
  OK(again[CENTRING_RAW] == values[CENTRING_RAW * measures + matched] &&
         again[CENTRING_PROJECTED] == values[CENTRING_PROJECTED * measures + matched],
     "what else is asked for does not matter");
  OK(fabs(again[CENTRING_PROJECTED] - again[CENTRING_RAW]) < .02, "one axis less: %.3f for %.3f",
     again[CENTRING_PROJECTED], again[CENTRING_RAW]);
  PetscCall(AllValues(COMM, source, NULL_RANDOM, 0, &options, values, &pairs));
  OK(pairs == 0 && isnan(values[0]), "no atoms, no value");
  PetscCall(NullSourceDestroy(&source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Unrelated atoms around a common vector: raw cosines call them stable, centred ones do not. */
static PetscErrorCode TestOffset(void)
{
  static const double offset[] = {0, .5, 1, 2, 3}, raw[] = {.132, .305, .565, .827, .913};
  NullSource *source;
  double value;
  PetscFunctionBeginUser;
  PetscCall(NullSourceCreate(COMM, kernels, 384, NULL, &source));
  for (int i = 0; i < 5; i++) {
    PetscCall(MatchedPair(source, 0, 200, 384, offset[i], CENTRING_RAW, &value));
    NEAR(value, raw[i], .01, "raw, common offset of %g", offset[i]);
    PetscCall(MatchedPair(source, 0, 200, 384, offset[i], CENTRING_CENTRED, &value));
    NEAR(value, .133, .01, "centred, common offset of %g", offset[i]);
  }
  PetscCall(NullSourceDestroy(&source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The column's mean and variance over rows of X. */
static void spread(int64_t n, int64_t d, const float *X, int64_t i, double *mean, double *variance)
{
  *mean = *variance = 0;
  for (int64_t t = 0; t < n; t++) *mean += (double)X[t * d + i] / (double)n;
  for (int64_t t = 0; t < n; t++)
    *variance += ((double)X[t * d + i] - *mean) * ((double)X[t * d + i] - *mean) / (double)n;
}

/* Variance of the sum of each row's elements: all covariances together. */
static PetscErrorCode SumVariance(int64_t n, int64_t d, const float *X, double *variance)
{
  double mean;
  float *sum;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n, &sum));
  for (int64_t i = 0; i < n * d; i++) sum[i / d] += X[i];
  spread(n, 1, sum, 0, &mean, variance);
  PetscCall(ArrayDestroy(&sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckGaussians(const NullSource *source, const View *view, int64_t d)
{
  enum { DRAWN = 3000 };
  const int64_t n = split_count(view->split, false);
  double m0, v0, m1, v1, off = 0, ratio = 0;
  int64_t *row;
  float *X, *D;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n, &row));
  PetscCall(ArrayCreate(n * d, &X));
  PetscCall(ArrayCreate(DRAWN * d, &D));
  for (int64_t i = 0; i < n; i++) row[i] = split_row(view->split, false, i);
  PetscCall(ViewRead(view, n, row, X));
  PetscCall(NullDictionary(source, NULL_GAUSSIAN, 5, DRAWN, D));
  for (int64_t i = 0; i < d; i++) {
    spread(n, d, X, i, &m0, &v0);
    spread(DRAWN, d, D, i, &m1, &v1);
    off = fmax(off, fabs(m1 - m0) / sqrt(v0 / DRAWN));
    ratio = fmax(ratio, fabs(v1 / v0 - 1));
  }
  OK(off < 5, "Gaussian atoms have the tokens' mean (off by %.2g standard errors)", off);
  OK(ratio < 5 * sqrt(2. / DRAWN), "and their variances (off by %.2g)", ratio);
  PetscCall(SumVariance(n, d, X, &v0));
  PetscCall(SumVariance(DRAWN, d, D, &v1));
  NEAR(v1 / v0, 1, 5 * sqrt(2. / DRAWN), "and their covariances (variance of sums %g)", v0);
  PetscCall(NullDictionary(source, NULL_TOKENS, 5, 3, D));
  bool found = true;
  for (int j = 0; j < 3; j++) {
    bool one = false;
    for (int64_t t = 0; t < n && !one; t++)
      one = !memcmp(D + j * d, X + t * d, (size_t)d * sizeof(*D));
    found &= one;
  }
  OK(found && memcmp(D, D + d, (size_t)d * sizeof(*D)), "token atoms are different tokens");
  PetscCall(ArrayDestroy(&D));
  PetscCall(ArrayDestroy(&X));
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Related tokens score higher than Gaussians, and those than directions;
   ranks do not matter. */
static PetscErrorCode CheckOrder(const View *view, const NullSource *source, int64_t d)
{
  double value[NULL_KINDS][96], alone[96];
  NullSource *single;
  PetscFunctionBeginUser;
  for (NullKind k = 0; k < NULL_KINDS; k++)
    PetscCall(AllValues(COMM, source, k, 24, &options, value[k], NULL));
  OK(value[NULL_TOKENS][matched] > value[NULL_GAUSSIAN][matched] &&
         value[NULL_GAUSSIAN][matched] > value[NULL_RANDOM][matched] + .05,
     "tokens %.3f, Gaussian %.3f, random %.3f", value[NULL_TOKENS][matched],
     value[NULL_GAUSSIAN][matched], value[NULL_RANDOM][matched]);
  for (NullKind k = 0; k < NULL_KINDS; k++)
    OK(named(value[k], "code_best") > named(value[k], "code_correlation") &&
           named(value[k], "code_jaccard") > .05 && named(value[k], "code_jaccard") < .9,
       "codes: best correlation %.3f, of matched %.3f, tokens in common %.3f",
       named(value[k], "code_best"), named(value[k], "code_correlation"),
       named(value[k], "code_jaccard"));
  PetscCall(NullSourceCreate(PETSC_COMM_SELF, kernels, d, view, &single));
  PetscCall(AllValues(PETSC_COMM_SELF, single, NULL_GAUSSIAN, 24, &options, alone, NULL));
  OK(!memcmp(alone, value[NULL_GAUSSIAN], sizeof(double) * (size_t)(CENTRINGS * measures)),
     "the Gaussian null has the same bits on one rank");
  PetscCall(NullSourceDestroy(&single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Centred, atoms less their mean and encoder rows less theirs, which are unit directions, are not
   the same where lengths differ: each as made here from the dictionaries. */
static PetscErrorCode CheckEncoders(const NullSource *source, int64_t d)
{
  enum { M = 24, PAIR = 3 };
  const NullShape shape = {.m = {M, M}, .active = 4, .runs = 3};
  double value[96] = {0}, here[2];
  float *D, *rows;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(2 * M * d, &D));
  PetscCall(ArrayCreate(2 * M * d, &rows));
  PetscCall(NullPair(source, NULL_TOKENS, PAIR, &shape, &options, value));
  for (int unit = 0; unit < 2; unit++) {
    for (int side = 0; side < 2; side++) {
      float *mine = D + side * M * d;
      PetscCall(NullDictionary(source, NULL_TOKENS, 2 * PAIR + side, M, mine));
      if (unit) PetscCall(AtomsPrepare(kernels, CENTRING_RAW, M, d, mine, NULL, mine));
      PetscCall(AtomsPrepare(kernels, CENTRING_CENTRED, M, d, mine, NULL, rows + side * M * d));
    }
    PetscCall(
        PairValues(kernels, (Atoms){M, d, rows}, (Atoms){M, d, rows + M * d}, only, &here[unit]));
  }
  NEAR(value[CENTRING_CENTRED * measures + matched], here[0], 1e-12, "centred atoms");
  NEAR(value[CENTRING_CENTRED * measures + place_named("matched_encoder")], here[1], 1e-12,
       "centred encoder rows: %.4f, atoms %.4f", here[1], here[0]);
  OK(fabs(here[0] - here[1]) > 1e-4, "which differ");
  PetscCall(ArrayDestroy(&rows));
  PetscCall(ArrayDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestTokens(void)
{
  enum { N = 3000, WIDTH = 30 };
  static const char path[] = "compare_nulls.test.h5";
  Mistakes *mistakes;
  TestView test;
  NullSource *source;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(RandomTokens(COMM, kernels, path, N, WIDTH, mistakes));
  PetscCall(TestViewCreate(COMM, kernels, path, .5, mistakes, &test));
  PetscCall(NullSourceCreate(COMM, kernels, WIDTH, &test.view, &source));
  PetscCall(CheckGaussians(source, &test.view, WIDTH));
  PetscCall(CheckOrder(&test.view, source, WIDTH));
  PetscCall(CheckEncoders(source, WIDTH));
  PetscCall(NullSourceDestroy(&source));
  PetscCall(TestViewDestroy(&test));
  PetscCall(MistakesDestroy(&mistakes));
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0) unlink(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  Mistakes *mistakes;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesDestroy(&mistakes));
  choose_all();
  PetscCall(TestKnown());
  PetscCall(TestOffset());
  PetscCall(TestTokens());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
