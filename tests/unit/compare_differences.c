/* Differences between models: known values, Holm's adjustment, which runs are coupled, and families
   of tests. RUN ranks=1 */
#include "compare/differences.h"
#include "../interval_values.h"
#include "../tap.h"
#include "base/math.h"
#include "random_tokens.h"
#include <stdlib.h>
#include <unistd.h>

static void near_difference(Difference R, const double known[4], const char *what)
{
  NEAR(R.value, known[0], 1e-15, "%s: difference", what);
  NEAR(R.low, known[1], 1e-13, "%s: low", what);
  NEAR(R.high, known[2], 1e-13, "%s: high", what);
  NEAR(R.p, known[3], 1e-13, "%s: p = %g", what, R.p);
}

static void test_known(void)
{
  double h[PAIRS_A * PAIRS_A];
  for (int i = 0; i < PAIRS_A * PAIRS_A; i++) h[i] = pairs_a[i] - pairs_b[i];
  near_difference(difference_paired(PAIRS_A, h), paired_known, "paired");
  const PairInterval A = pair_interval(PAIRS_A, pairs_a), C = pair_interval(PAIRS_C, pairs_c);
  near_difference(difference_welch(PAIRS_A, &A, PAIRS_C, &C), welch_known, "Welch");
  const PairInterval two = pair_interval(2, pairs_a);
  const Difference none = difference_welch(2, &two, PAIRS_C, &C);
  OK(!isnan(none.value) && isnan(none.low) && isnan(none.p), "two runs: a difference alone");
  for (int i = 0; i < PAIRS_A * PAIRS_A; i++) h[i] = .25;
  const Difference still = difference_paired(PAIRS_A, h);
  OK(still.low == .25 && still.high == .25 && isnan(still.p), "no spread, no test");
}

static void test_tails(void)
{
  double worst = 0;
  for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i += 3)
    worst = fmax(worst, fabs(math_student_tail(tails[i], tails[i + 1]) / tails[i + 2] - 1));
  OK(worst < 1e-11, "tails of Student's t are SciPy's within %.1g of them", worst);
  NEAR(math_student_tail(-1.3, 4), 1 - math_student_tail(1.3, 4), 1e-15, "the other tail");
  OK(isnan(math_student_tail((double)NAN, 3)) && isnan(math_student_tail(1, 0)) &&
         math_student_tail((double)INFINITY, 3) == 0,
     "edges");
}

static void test_holm(void)
{
  enum { N = sizeof(holm_p) / sizeof(*holm_p) };
  double p[N];
  bool same = true;
  memcpy(p, holm_p, sizeof(p));
  RUN(HolmAdjust(N, p));
  for (int i = 0; i < N; i++)
    same &= isnan(holm_known[i]) ? isnan(p[i]) : fabs(p[i] - holm_known[i]) < 1e-15;
  OK(same, "Holm's adjustment, ties and gaps");
}

/* Two measures, S runs of a model whose seeds start at `first`; values from the table h, the second
   measure half of it, centred ones a tenth more. */
static PetscErrorCode Fake(const char *model, const View *view, int64_t first, bool anchors,
                           int64_t S, const double *h, ComparedGroup *group, GroupPairs *pairs)
{
  ComparedRun *run;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(S, &run));
  *group = (ComparedGroup){.model = model, .view = view, .runs = S, .run = run, .surrogate = -1};
  *pairs = (GroupPairs){.runs = S, .pairs = S * (S - 1) / 2, .measures = 2};
  PetscCall(ArrayCreate(pairs->pairs * STAGES * CENTRINGS * 2, &pairs->value));
  PetscCall(ArrayCreate(pairs->pairs, &pairs->same));
  PetscCall(ArrayCreate(S, &pairs->living));
  for (int64_t i = 0; i < S; i++) {
    run[i] = (ComparedRun){.id = "", .seed = {first + i, first + i, anchors ? first + i : -1, -1}};
    pairs->living[i].alive = 1;
    for (int64_t j = i + 1; j < S; j++)
      for (int v = 0; v < 2; v++)
        for (Centring c = 0; c < CENTRINGS; c++)
          *pair_value(pairs, pair_number(S, i, j), STAGE_END, c, v) =
              h[i * S + j] * (v ? .5 : 1) * (1 + .1 * c);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t find(const Table *t, const char *a, const char *b, const char *measure,
                    const char *centring)
{
  for (int64_t r = 0; r < t->rows; r++)
    if (!strcmp(table_cell(t, r, "model_a"), a) && !strcmp(table_cell(t, r, "model_b"), b) &&
        !strcmp(table_cell(t, r, "measure"), measure) &&
        !strcmp(table_cell(t, r, "centring"), centring))
      return r;
  return -1;
}

static void check_families(const Table *t)
{
  /* three couples of models whose tokens were centred: their primary rows are one family */
  const char *couple[3][2] = {{"a", "b"}, {"a", "c"}, {"b", "c"}};
  double p[3], own[2 * CENTRINGS] = {0};
  int64_t rows = 0, primary = 0;
  for (int k = 0; k < 3; k++)
    p[k] = table_real(t, find(t, couple[k][0], couple[k][1], "matched_cosine", "raw"), "p");
  RUN(HolmAdjust(3, p));
  for (int k = 0; k < 3; k++) {
    const int64_t r = find(t, couple[k][0], couple[k][1], "matched_cosine", "raw");
    NEAR(table_real(t, r, "p_holm"), p[k], 1e-16, "primary: adjusted for all couples of models");
    OK(!strcmp(table_cell(t, r, "role"), "primary"), "named so");
  }
  for (int64_t r = 0; r < t->rows; r++) primary += !strcmp(table_cell(t, r, "role"), "primary");
  OK(primary == 3, "a model on tokens that were not centred has no primary row");
  /* the others of one couple are another */
  for (int64_t r = 0; r < t->rows; r++)
    if (!strcmp(table_cell(t, r, "model_b"), "b") && !strcmp(table_cell(t, r, "role"), "secondary"))
      own[rows++] = table_real(t, r, "p");
  OK(rows == 2 * CENTRINGS - 1, "all but the primary one");
  RUN(HolmAdjust(rows, own));
  rows = 0;
  for (int64_t r = 0; r < t->rows; r++)
    if (!strcmp(table_cell(t, r, "model_b"), "b") && !strcmp(table_cell(t, r, "role"), "secondary"))
      NEAR(table_real(t, r, "p_holm"), own[rows++], 1e-16, "secondary: within the couple");
}

/* Adjusted for all rows of the two models, one of which has no primary row. */
static void check_offset(const Table *t)
{
  double own[2 * CENTRINGS];
  int64_t rows = 0;
  for (int pass = 0; pass < 2; pass++, rows = 0) {
    for (int64_t r = 0; r < t->rows; r++) {
      if (strcmp(table_cell(t, r, "model_a"), "c") || strcmp(table_cell(t, r, "model_b"), "offset"))
        continue;
      if (pass) NEAR(table_real(t, r, "p_holm"), own[rows], 1e-16, "one family of all rows");
      own[rows++] = table_real(t, r, "p");
    }
    OK(rows == 2 * CENTRINGS, "all its rows are secondary");
    RUN(HolmAdjust(rows, own));
  }
}

static PetscErrorCode TestTable(const View *view, const View *offset)
{
  ChosenComparison chosen[3] = {0};
  ComparedGroup group[5];
  GroupPairs pairs[5];
  Table *t;
  PetscFunctionBeginUser;
  for (int i = 0; comparisons.entries[i]; i++) {
    const Comparison *one = (const Comparison *)comparisons.entries[i];
    if (!strcmp(one->entry.name, "matched_cosine")) chosen[0].comparison = one;
    if (!strcmp(one->entry.name, "max_cosine")) chosen[1].comparison = one;
  }
  PetscCall(Fake("a", view, 1, false, PAIRS_A, pairs_a, &group[0], &pairs[0]));
  PetscCall(Fake("b", view, 1, true, PAIRS_B, pairs_b, &group[1], &pairs[1]));
  /* shares 4 and 5 alone */
  PetscCall(Fake("c", view, 4, true, PAIRS_C, pairs_c, &group[2], &pairs[2]));
  PetscCall(Fake("none", view, 1, true, 1, NULL, &group[3], &pairs[3]));
  PetscCall(Fake("offset", offset, 1, true, PAIRS_B, pairs_b, &group[4], &pairs[4]));
  pairs[0].same[0] = 1; /* two runs of the first start alike; one of the third failed */
  group[2].failed = 1;
  PetscCall(DifferencesTable(5, group, pairs, chosen, &t));
  OK(t->rows == 6 * 2 * CENTRINGS, "a row for each couple, measure and centring: %d", (int)t->rows);
  const int64_t ab = find(t, "a", "b", "matched_cosine", "raw");
  const int64_t ac = find(t, "a", "c", "matched_cosine", "raw");
  OK(!strcmp(table_cell(t, ab, "design"), "paired") && table_real(t, ab, "runs_a") == 5,
     "runs whose common seeds agree are coupled, whatever else one of them draws");
  NEAR(table_real(t, ab, "p"), paired_known[3], 1e-13, "and the difference is paired");
  OK(!strcmp(table_cell(t, ac, "design"), "welch") && table_real(t, ac, "runs_a") == 5 &&
         table_real(t, ac, "runs_b") == 7,
     "two common runs are too few");
  NEAR(table_real(t, ac, "high"), welch_known[2], 1e-13, "so all runs enter, unpaired");
  const int64_t bc = find(t, "b", "c", "matched_cosine", "raw");
  OK(!strcmp(table_cell(t, ab, "note"), "a: given this start") &&
         !strcmp(table_cell(t, ac, "note"), "a: given this start; b: 1 of 8 runs failed") &&
         !strcmp(table_cell(t, bc, "note"), "b: 1 of 8 runs failed"),
     "what is said of each model: %s", table_cell(t, ac, "note"));
  check_families(t);
  check_offset(t);
  PetscCall(TableDestroy(&t));
  for (int g = 0; g < 5; g++) {
    PetscCall(ArrayDestroy(&pairs[g].value));
    PetscCall(ArrayDestroy(&pairs[g].same));
    PetscCall(ArrayDestroy(&pairs[g].living));
    PetscCall(ArrayDestroy(&group[g].run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestTables(void)
{
  static const char path[] = "compare_differences.test.h5";
  const Kernels *kernels;
  Mistakes *mistakes;
  TestView centred, offset;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(RandomTokens(PETSC_COMM_SELF, kernels, path, 100, 8, mistakes));
  PetscCall(TestViewCreate(PETSC_COMM_SELF, kernels, path, 0, mistakes, &centred));
  PetscCall(TestViewCentred(PETSC_COMM_SELF, kernels, path, 0, "none", mistakes, &offset));
  PetscCall(TestTable(&centred.view, &offset.view));
  PetscCall(TestViewDestroy(&centred));
  PetscCall(TestViewDestroy(&offset));
  PetscCall(MistakesDestroy(&mistakes));
  unlink(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  test_tails();
  test_known();
  test_holm();
  RUN(TestTables());
  return TestEnd();
}
