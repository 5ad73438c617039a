/* Atoms that the other runs have best, chosen without the run that they are compared with.
   RUN ranks=1 */
#include "compare/others.h"
#include "../tap.h"

enum { RUNS = 3, ATOMS = 2, WIDTH = 5 };

/* By hand. Of run 0 against run 1, run 2 has atom 1 best (.7, the other .6), though with run 1
   itself it would be atom 0; of run 1, run 2 has atom 0 best (.6, the other .56): nothing in
   common. Of 0 against 2, run 1 has atom 0 best, of run 2 atom 1: .6. Of 1 against 2, run 0 has
   atom 0 best, of run 2 atom 0: nothing. */
static const float unit[RUNS][ATOMS * WIDTH] = {
    {1, 0, 0, 0, 0, 0, 1, 0, 0, 0},
    {1, 0, 0, 0, 0, 0, .8f, .6f, 0, 0},
    {0, .7f, 0, 0, .71414284f, .6f, 0, 0, .8f, 0},
};

static PetscErrorCode Fill(const Kernels *kernels, const bool *enters, Others *others)
{
  PetscFunctionBeginUser;
  PetscCall(OthersCreate(RUNS, 1, ATOMS, enters, others));
  for (int i = 0; i < RUNS; i++)
    for (int j = i + 1; j < RUNS; j++) {
      const Atoms a = {ATOMS, WIDTH, unit[i]}, b = {ATOMS, WIDTH, unit[j]};
      AtomPair pair;
      PetscCall(PairCreate(kernels, &a, &b, NEED_MATCHING, &pair));
      PetscCall(OthersKeep(others, 0, i, j, &pair));
      PetscCall(PairDestroy(&pair));
    }
  PetscCall(OthersJoin(PETSC_COMM_SELF, others));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(const Kernels *kernels, const Others *others, const char *q, int i,
                            int j, double *value)
{
  const Comparison *one = (const Comparison *)family_find(&comparisons, "stable_subspace");
  ChosenComparison chosen[2] = {{.comparison = one}};
  Settings settings = {0};
  PetscFunctionBeginUser;
  PetscCall(ArrayCreateBytes((int64_t)one->entry.params_size, 1, &chosen[0].params));
  settings_set(&settings, "q", q);
  PetscCall(ParamsRead(&settings, "", one->entry.params, chosen[0].params));
  PetscCall(OthersValues(kernels, others, 0, i, j, (Atoms){ATOMS, WIDTH, unit[i]},
                         (Atoms){ATOMS, WIDTH, unit[j]}, chosen, value));
  PetscCall(ParamsRelease(one->entry.params, chosen[0].params));
  PetscCall(ArrayDestroyBytes(&chosen[0].params));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tests(void)
{
  static const double known[RUNS] = {0, .36, 0};
  const bool all[RUNS] = {true, true, true}, two[RUNS] = {true, true, false};
  const Kernels *kernels;
  Mistakes *mistakes;
  Others others;
  double value;
  int pair = 0;
  PetscFunctionBeginUser;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(MistakesDestroy(&mistakes));
  PetscCall(Fill(kernels, all, &others));
  for (int i = 0; i < RUNS; i++)
    for (int j = i + 1; j < RUNS; j++) {
      PetscCall(Value(kernels, &others, "1", i, j, &value));
      NEAR(value, known[pair++], 1e-7, "runs %d and %d: the one atom of each", i, j);
    }
  PetscCall(Value(kernels, &others, "2", 0, 1, &value));
  NEAR(value, (1 + .64) / 2, 1e-7, "both atoms: principal angles of cosine 1 and .8");
  PetscCall(OthersDestroy(&others));
  PetscCall(Fill(kernels, two, &others));
  PetscCall(Value(kernels, &others, "1", 0, 1, &value));
  OK(isnan(value), "no third run that enters: no value");
  PetscCall(Value(kernels, &others, "1", 0, 2, &value));
  NEAR(value, .36, 1e-7, "a run that does not enter is compared by those that do");
  PetscCall(OthersDestroy(&others));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(Tests());
  return TestEnd();
}
