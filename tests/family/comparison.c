/* Laws that every registered comparison obeys.
   RUN ranks=1 */
#include "../tap.h"
#include "base/random.h"
#include "compare/pair.h"

enum { M = 100, WIDTH = 12, MOST = 32, TOKENS = 400, FIRING = 5, FEW = 15 };
static const Kernels *kernels;
static ChosenComparison chosen[MOST]; /* all comparisons */
static int measures;

/* A dictionary with all that a comparison may ask for. */
typedef struct {
  float unit[M * WIDTH], encoder[M * WIDTH];
  AtomCodes codes;
  int64_t stable[M]; /* those of the first side in their order */
  Atoms atoms;
} Side;
static float truth[FEW * WIDTH]; /* the first atoms of the first side */

static PetscErrorCode RandomRows(uint64_t seed, float *unit)
{
  PetscFunctionBeginUser;
  for (int64_t i = 0; i < M * WIDTH; i++)
    unit[i] = (float)random_normal(seed, RANDOM_LAST, (uint64_t)i);
  PetscCall(AtomsPrepare(kernels, CENTRING_RAW, M, WIDTH, unit, NULL, unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atom place[j] where j fires in `from`; those from m on are left out. */
static PetscErrorCode MovedCodes(const Codes *from, const int64_t *place, int64_t m, AtomCodes *to)
{
  int64_t count = 0;
  PetscFunctionBeginUser;
  *to = (AtomCodes){.n = TOKENS, .m = m};
  PetscCall(CodesReserve(&to->tokens, TOKENS, TOKENS * FIRING));
  to->tokens.rows = TOKENS;
  for (int64_t t = 0; t < TOKENS; t++) {
    for (int64_t j = 0; j < m; j++)
      for (int64_t q = from->start[t]; q < from->start[t + 1]; q++)
        if (place[from->atom[q]] == j) {
          to->tokens.atom[count] = (int32_t)j;
          to->tokens.value[count++] = from->value[q];
        }
    to->tokens.start[t + 1] = count;
  }
  PetscCall(AtomCodesSort(to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void assemble(int64_t m, Side *side)
{
  side->atoms =
      (Atoms){m, WIDTH, side->unit, side->encoder, &side->codes, FEW, truth, side->stable, NULL};
}

/* Random atoms, encoder rows and codes: FIRING atoms a token, each with a value of its own. */
static PetscErrorCode RandomSide(uint64_t seed, Side *side)
{
  int32_t atom[TOKENS * FIRING];
  float code[TOKENS * FIRING];
  int64_t start[TOKENS + 1], place[M];
  const Codes codes = {TOKENS, start, atom, code};
  PetscFunctionBeginUser;
  for (int64_t t = 0; t <= TOKENS; t++) start[t] = t * FIRING;
  for (int64_t q = 0; q < TOKENS * FIRING; q++) {
    atom[q] = (int32_t)random_permuted(seed, RANDOM_SAMPLE, (uint64_t)(q / FIRING), M, q % FIRING);
    code[q] = 1 + (float)random_below(seed, RANDOM_SAMPLE, (uint64_t)q, 1000) / 500;
  }
  for (int64_t j = 0; j < M; j++) side->stable[j] = place[j] = j;
  PetscCall(RandomRows(seed, side->unit));
  PetscCall(RandomRows(seed + 100, side->encoder));
  PetscCall(MovedCodes(&codes, place, M, &side->codes));
  assemble(M, side);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atom j of a becomes atom 7 j + 3 modulo M, times sign; of those the first m. */
static PetscErrorCode Permuted(const Side *a, float sign, int64_t m, Side *side)
{
  int64_t place[M];
  PetscFunctionBeginUser;
  for (int64_t j = 0; j < M; j++) side->stable[j] = place[j] = m < M ? j : (7 * j + 3) % M;
  for (int64_t j = 0; j < M; j++)
    for (int64_t i = 0; i < WIDTH; i++) {
      side->unit[place[j] * WIDTH + i] = sign * a->unit[j * WIDTH + i];
      side->encoder[place[j] * WIDTH + i] = sign * a->encoder[j * WIDTH + i];
    }
  PetscCall(MovedCodes(&a->codes.tokens, place, m, &side->codes));
  assemble(m, side);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void test_entries(void)
{
  static const char *const files[] = {
#define X(name) #name,
#include "comparison.def"
#undef X
      NULL};
  int primary = 0;
  for (int v = 0; v < measures; v++) {
    const Comparison *one = chosen[v].comparison;
    OK(!strcmp(files[v], one->entry.name) && one->entry.summary && one->value,
       "%s: named as its file, complete", files[v]);
    primary += one->primary;
  }
  OK(primary == 1, "one comparison is the primary one");
}

static void check_laws(int v, const double *self, const double *perm, const double *there,
                       const double *back, const double *moved, const double *negative,
                       const double *part)
{
  const Comparison *one = chosen[v].comparison;
  const char *name = one->entry.name;
  if (one->laws & LAW_SELF) {
    NEAR(self[v], 1, 1e-6, "%s: with itself", name);
    NEAR(perm[v], 1, 1e-6, "%s: with itself in another order", name);
    OK(there[v] > -.1 && there[v] < .9, "%s: %g for strangers", name, there[v]);
  }
  if (one->laws & LAW_SYMMETRIC) NEAR(there[v], back[v], 1e-14, "%s: symmetric", name);
  if (one->laws & LAW_ORDER)
    NEAR(there[v], moved[v], 1e-13, "%s: the order of atoms does not matter", name);
  if (one->laws & LAW_SIGNED)
    OK(negative[v] < .7, "%s: signed, %g for negatives", name, negative[v]);
  else if (!(one->needs & (NEED_MATCHING | NEED_TRUTH)))
    NEAR(negative[v], self[v], 1e-6, "%s: unsigned", name);
  if (one->laws & LAW_SELF && !one->whole)
    OK(part[v] > .5 && part[v] < 1 + 1e-6, "%s: 15 against 100 atoms: %g", name, part[v]);
}

static PetscErrorCode TestLaws(void)
{
  static Side a, b, p, n, few;
  double self[MOST], perm[MOST], there[MOST], back[MOST], moved[MOST], negative[MOST], part[MOST];
  PetscFunctionBeginUser;
  PetscCall(RandomSide(1, &a));
  PetscCall(RandomSide(2, &b));
  PetscCall(Permuted(&a, 1, M, &p));
  PetscCall(Permuted(&a, -1, M, &n));
  PetscCall(Permuted(&a, 1, FEW, &few));
  memcpy(truth, a.unit, sizeof(truth));
  PetscCall(PairValues(kernels, a.atoms, a.atoms, chosen, self));
  PetscCall(PairValues(kernels, a.atoms, p.atoms, chosen, perm));
  PetscCall(PairValues(kernels, a.atoms, b.atoms, chosen, there));
  PetscCall(PairValues(kernels, b.atoms, a.atoms, chosen, back));
  PetscCall(PairValues(kernels, p.atoms, b.atoms, chosen, moved));
  PetscCall(PairValues(kernels, a.atoms, n.atoms, chosen, negative));
  PetscCall(PairValues(kernels, few.atoms, a.atoms, chosen, part));
  for (int v = 0; v < measures; v++) check_laws(v, self, perm, there, back, moved, negative, part);
  Side *const all[] = {&a, &b, &p, &n, &few};
  for (int i = 0; i < 5; i++) PetscCall(AtomCodesDestroy(&all[i]->codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double value_of(const double *values, const char *name)
{
  for (int v = 0; v < measures; v++)
    if (!strcmp(chosen[v].comparison->entry.name, name)) return values[v];
  return (double)NAN;
}

/* Cosines, a against b:  .6  .8  /  1  0  /  .8 -.6. Two of three atoms are matched, for the
   largest sum: atom 1 at 1 and atom 0 at .8. */
static PetscErrorCode TestByHand(void)
{
  const float a[] = {.6f, .8f, 1, 0, .8f, -.6f}, b[] = {1, 0, 0, 1};
  double values[MOST];
  PetscFunctionBeginUser;
  PetscCall(PairValues(kernels, (Atoms){3, 2, a}, (Atoms){2, 2, b}, chosen, values));
  NEAR(value_of(values, "matched_cosine"), .9, 1e-7, "matched_cosine by hand");
  NEAR(value_of(values, "matched_share"), 1, 0, "matched_share by hand");
  NEAR(value_of(values, "max_cosine"), ((.8 + 1 + .8) / 3 + (1 + .8) / 2) / 2, 1e-7,
       "max_cosine by hand");
  NEAR(value_of(values, "max_cosine_quantile"), .8, 1e-7, "its median by hand");
  NEAR(value_of(values, "matched_absolute"), .9, 1e-7, "matched_absolute by hand");
  NEAR(value_of(values, "subspace"), 1, 1e-12, "both span the plane");
  NEAR(value_of(values, "recurrence"), (2. / 3 + 1) / 2, 1e-12,
       "two of three, two of two have a mutual best");
  OK(isnan(value_of(values, "matched_encoder")) && isnan(value_of(values, "shared_features")) &&
         isnan(value_of(values, "code_best")) && isnan(value_of(values, "gt_mcc")) &&
         isnan(value_of(values, "stable_subspace")),
     "no encoder, no codes, no truth, no other runs: no value");
  PetscCall(PairValues(kernels, (Atoms){0, 2, a}, (Atoms){2, 2, b}, chosen, values));
  for (int v = 0; v < measures; v++)
    OK(isnan(values[v]), "%s: no atoms, no value", chosen[v].comparison->entry.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Four tokens, two atoms a side. By hand: atom 0 of a fires as 1 2 0 0, of b as 2 4 0 0
   (correlation 1, the same tokens); atom 1 of a as 0 0 1 1, of b as 0 1 1 0 (correlation 0, one
   token of three). Encoder rows match crosswise, at .6 and 1 where the atoms' matching is straight.
 */
static PetscErrorCode TestSidesByHand(void)
{
  const float unit[] = {1, 0, 0, 1}, crossed[] = {0, 1, .8f, .6f};
  int64_t start_a[] = {0, 1, 2, 3, 4}, start_b[] = {0, 1, 3, 4, 4};
  int32_t atom_a[] = {0, 0, 1, 1}, atom_b[] = {0, 0, 1, 1};
  float code_a[] = {1, 2, 1, 1}, code_b[] = {2, 4, 1, 1};
  AtomCodes a = {.n = 4, .m = 2, .tokens = {4, start_a, atom_a, code_a}},
            b = {.n = 4, .m = 2, .tokens = {4, start_b, atom_b, code_b}};
  double values[MOST];
  PetscFunctionBeginUser;
  PetscCall(AtomCodesSort(&a));
  PetscCall(AtomCodesSort(&b));
  PetscCall(PairValues(kernels, (Atoms){2, 2, unit, unit, &a, 2, unit},
                       (Atoms){2, 2, unit, crossed, &b, 2, crossed}, chosen, values));
  NEAR(value_of(values, "code_correlation"), .5, 1e-12, "code_correlation by hand");
  NEAR(value_of(values, "code_jaccard"), (1 + 1. / 3) / 2, 1e-12, "code_jaccard by hand");
  NEAR(value_of(values, "matched_encoder"), .9, 1e-7, "matched_encoder by hand");
  NEAR(value_of(values, "shared_features"), 0, 0, "the encoder's partners are others");
  NEAR(value_of(values, "matched_both"), ((1 + 0) / 2. + (1 + .6) / 2) / 2, 1e-7,
       "matched_both by hand");
  NEAR(value_of(values, "gt_mcc"), (1 + .9) / 2, 1e-7, "gt_mcc by hand");
  a.tokens = b.tokens = (Codes){0};
  PetscCall(AtomCodesDestroy(&a));
  PetscCall(AtomCodesDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A comparison of that name with one setting. */
static PetscErrorCode ValueWith(const char *name, const char *setting, const char *word, Atoms a,
                                Atoms b, double *value)
{
  const Comparison *one = (const Comparison *)family_find(&comparisons, name);
  ChosenComparison with[2] = {{.comparison = one}};
  Settings settings = {0};
  PetscFunctionBeginUser;
  PetscCall(ArrayCreateBytes((int64_t)one->entry.params_size, 1, &with[0].params));
  settings_set(&settings, setting, word);
  PetscCall(ParamsRead(&settings, "", one->entry.params, with[0].params));
  PetscCall(PairValues(kernels, a, b, with, value));
  PetscCall(ParamsRelease(one->entry.params, with[0].params));
  PetscCall(ArrayDestroyBytes(&with[0].params));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Three pairs with the same partners by atom and by encoder row: cosines 1 and 1, .6 and 1, 1 and
   .6. So each threshold alone lets two pass, and both one. */
static PetscErrorCode TestThresholds(void)
{
  const float a[] = {1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0};
  const float one[] = {1, 0, 0, 0, 0, 0, 0, 0, .6f, .8f, 0, 0, 0, 0, 0, 0, 1, 0};
  const float other[] = {1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, .6f, .8f};
  double value;
  PetscFunctionBeginUser;
  PetscCall(ValueWith("shared_features", "t", "0.7", (Atoms){3, 6, a, a}, (Atoms){3, 6, one, other},
                      &value));
  NEAR(value, 1. / 3, 1e-12, "shared_features asks for both cosines");
  PetscCall(ValueWith("shared_features", "t", "0.5", (Atoms){3, 6, a, a}, (Atoms){3, 6, one, other},
                      &value));
  NEAR(value, 1, 0, "shared_features at a lower threshold");
  PetscCall(
      ValueWith("recurrence", "t", "0.7", (Atoms){3, 6, a, a}, (Atoms){3, 6, one, other}, &value));
  NEAR(value, 2. / 3, 1e-12, "recurrence leaves out the pair below its threshold");
  PetscCall(
      ValueWith("recurrence", "t", "0.5", (Atoms){3, 6, a, a}, (Atoms){3, 6, one, other}, &value));
  NEAR(value, 1, 0, "recurrence at a lower threshold");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Cosines as in TestByHand: the largest are .8 .8 .8 1 1, so the quantile .6 lies at place 2.4.
   Two dictionaries with one direction twice, and a second one of their own. The truth with one
   atom turned round: signed it is as good as nothing. */
static PetscErrorCode TestSettings(void)
{
  const float a[] = {.6f, .8f, 1, 0, .8f, -.6f}, b[] = {1, 0, 0, 1};
  const float twice[] = {1, 0, 0, 1, 0, 0, 0, 1, 0}, again[] = {1, 0, 0, 1, 0, 0, 0, 0, 1};
  const float turned[] = {-1, 0, 0, 1};
  const Atoms known = {2, 2, b, NULL, NULL, 2, turned};
  double value;
  PetscFunctionBeginUser;
  PetscCall(
      ValueWith("max_cosine_quantile", "q", "0.6", (Atoms){3, 2, a}, (Atoms){2, 2, b}, &value));
  NEAR(value, .88, 1e-7, "a quantile between two of them");
  PetscCall(ValueWith("subspace", "q", "1", (Atoms){3, 3, twice}, (Atoms){3, 3, again}, &value));
  NEAR(value, 1, 1e-12, "the leading directions agree");
  PetscCall(ValueWith("subspace", "q", "2", (Atoms){3, 3, twice}, (Atoms){3, 3, again}, &value));
  NEAR(value, .5, 1e-12, "the second ones do not");
  PetscCall(ValueWith("gt_mcc", "sign", "signed", known, known, &value));
  NEAR(value, 0, 1e-7, "gt_mcc of a turned atom");
  PetscCall(ValueWith("gt_mcc", "sign", "absolute", known, known, &value));
  NEAR(value, 1, 1e-7, "gt_mcc of a turned atom, absolute");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  Mistakes *mistakes;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesDestroy(&mistakes));
  for (; comparisons.entries[measures]; measures++)
    chosen[measures].comparison = (const Comparison *)comparisons.entries[measures];
  test_entries();
  PetscCall(TestLaws());
  PetscCall(TestByHand());
  PetscCall(TestSidesByHand());
  PetscCall(TestThresholds());
  PetscCall(TestSettings());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
