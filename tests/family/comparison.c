/* Laws that every registered comparison obeys.
   RUN ranks=1 */
#include "../tap.h"
#include "base/random.h"
#include "compare/pair.h"

enum { M = 100, WIDTH = 12, MOST = 32 };
static const Kernels *kernels;
static ChosenComparison chosen[MOST]; /* all comparisons */
static int measures;

static Atoms random_atoms(uint64_t seed, int64_t m, float *unit)
{
  for (int64_t i = 0; i < m * WIDTH; i++)
    unit[i] = (float)random_normal(seed, RANDOM_LAST, (uint64_t)i);
  if (AtomsPrepare(kernels, CENTRING_RAW, m, WIDTH, unit, NULL, unit)) m = 0;
  return (Atoms){m, WIDTH, unit};
}

/* Atom j of a becomes atom 7 j + 3 modulo M, times sign. */
static Atoms permuted(Atoms a, float sign, float *unit)
{
  for (int64_t j = 0; j < a.m; j++)
    for (int64_t i = 0; i < WIDTH; i++)
      unit[(7 * j + 3) % a.m * WIDTH + i] = sign * a.unit[j * WIDTH + i];
  return (Atoms){a.m, WIDTH, unit};
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

static PetscErrorCode TestLaws(void)
{
  float A[M * WIDTH], B[M * WIDTH], P[M * WIDTH], N[M * WIDTH];
  double self[MOST], perm[MOST], there[MOST], back[MOST], moved[MOST], negative[MOST], part[MOST];
  const Atoms a = random_atoms(1, M, A), b = random_atoms(2, M, B);
  const Atoms p = permuted(a, 1, P), n = permuted(a, -1, N), few = {15, WIDTH, A};
  PetscFunctionBeginUser;
  PetscCall(PairValues(kernels, a, a, chosen, self));
  PetscCall(PairValues(kernels, a, p, chosen, perm));
  PetscCall(PairValues(kernels, a, b, chosen, there));
  PetscCall(PairValues(kernels, b, a, chosen, back));
  PetscCall(PairValues(kernels, p, b, chosen, moved));
  PetscCall(PairValues(kernels, a, n, chosen, negative));
  PetscCall(PairValues(kernels, few, a, chosen, part));
  for (int v = 0; v < measures; v++) {
    const char *name = chosen[v].comparison->entry.name;
    NEAR(self[v], 1, 1e-6, "%s: with itself", name);
    NEAR(perm[v], 1, 1e-6, "%s: with itself in another order", name);
    OK(there[v] >= 0 && there[v] < .7, "%s: %g for strangers", name, there[v]);
    NEAR(there[v], back[v], 1e-14, "%s: symmetric", name);
    NEAR(there[v], moved[v], 1e-14, "%s: the order of atoms does not matter", name);
    OK(negative[v] < .7, "%s: signed, %g for negatives", name, negative[v]);
    OK(part[v] > .6 && part[v] < 1 + 1e-6, "%s: 15 against 100 atoms: %g", name, part[v]);
  }
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
  PetscCall(PairValues(kernels, (Atoms){0, 2, a}, (Atoms){2, 2, b}, chosen, values));
  for (int v = 0; v < measures; v++)
    OK(isnan(values[v]), "%s: no atoms, no value", chosen[v].comparison->entry.name);
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
