/* All pairs of one group's runs, spread over the ranks. */
#include "compare/group.h"
#include <string.h>

int64_t pair_number(int64_t runs, int64_t i, int64_t j)
{
  return i * (2 * runs - i - 1) / 2 + j - i - 1;
}

double *pair_value(const GroupPairs *all, int64_t pair, Stage stage, Centring centring,
                   int64_t measure)
{
  return all->value + ((pair * STAGES + stage) * CENTRINGS + centring) * all->measures + measure;
}

/* Both centrings of one pair at one stage. */
static PetscErrorCode OnePair(const Kernels *kernels, const ComparedGroup *group,
                              const ChosenComparison *chosen, int64_t i, int64_t j, Stage stage,
                              Mistakes *mistakes, GroupPairs *all)
{
  const Living *a = &all->living[i], *b = &all->living[j];
  const int64_t pair = pair_number(all->runs, i, j);
  float *A, *B, *unit_a, *unit_b;
  PetscFunctionBeginUser;
  PetscCall(AtomsRead(group->run[i].folder, stage, a, mistakes, &A));
  PetscCall(AtomsRead(group->run[j].folder, stage, b, mistakes, &B));
  PetscCall(ArrayCreate(a->alive * a->d, &unit_a));
  PetscCall(ArrayCreate(b->alive * b->d, &unit_b));
  if (A && B) {
    if (stage == STAGE_INITIAL)
      all->same[pair] = a->m == b->m && !memcmp(A, B, (size_t)(a->m * a->d) * sizeof(*A));
    keep_living(a, A);
    keep_living(b, B);
  }
  for (Centring c = 0; A && B && c < CENTRINGS; c++) {
    PetscCall(AtomsPrepare(kernels, c, a->alive, a->d, A, unit_a));
    PetscCall(AtomsPrepare(kernels, c, b->alive, b->d, B, unit_b));
    PetscCall(PairValues(kernels, (Atoms){a->alive, a->d, unit_a}, (Atoms){b->alive, b->d, unit_b},
                         chosen, pair_value(all, pair, stage, c, 0)));
  }
  PetscCall(ArrayDestroy(&unit_b));
  PetscCall(ArrayDestroy(&unit_a));
  PetscCall(ArrayDestroy(&B));
  PetscCall(ArrayDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLiving(const ComparedGroup *group, Mistakes *mistakes, GroupPairs *all)
{
  PetscFunctionBeginUser;
  for (int64_t r = 0; r < group->runs; r++) {
    PetscCall(LivingRead(group->run[r].folder, mistakes, &all->living[r]));
    if (r > 0 && all->living[r].d != all->living[0].d)
      mistake(mistakes, group->run[r].folder, 0, 0, "atoms of width %lld among runs of width %lld",
              (long long)all->living[r].d, (long long)all->living[0].d);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GroupPairsCreate(MPI_Comm comm, const Kernels *kernels, const ComparedGroup *group,
                                const ChosenComparison *chosen, Mistakes *mistakes, bool *any,
                                GroupPairs *all)
{
  const int64_t runs = group->runs;
  int64_t job = 0;
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  *all = (GroupPairs){.runs = runs, .pairs = runs * (runs - 1) / 2};
  while (chosen[all->measures].comparison) all->measures++;
  const int64_t values = all->pairs * STAGES * CENTRINGS * all->measures;
  PetscCall(ArrayCreate(runs, &all->living));
  PetscCall(ArrayCreate(values, &all->value));
  PetscCall(ArrayCreate(all->pairs, &all->same));
  PetscCall(ReadLiving(group, mistakes, all));
  PetscCall(MistakesAgree(comm, mistakes, any));
  if (*any) PetscFunctionReturn(PETSC_SUCCESS);
  for (Stage s = 0; s < STAGES; s++)
    for (int64_t i = 0; i < runs; i++)
      for (int64_t j = i + 1; j < runs; j++)
        if (job++ % size == rank)
          PetscCall(OnePair(kernels, group, chosen, i, j, s, mistakes, all));
  PetscCall(SpreadJoin(comm, values, all->value));
  PetscCall(SpreadJoin(comm, all->pairs, all->same));
  PetscCall(MistakesAgree(comm, mistakes, any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GroupPairsDestroy(GroupPairs *all)
{
  PetscFunctionBeginUser;
  for (int64_t r = 0; r < all->runs; r++) PetscCall(ArrayDestroy(&all->living[r].atom));
  PetscCall(ArrayDestroy(&all->living));
  PetscCall(ArrayDestroy(&all->value));
  PetscCall(ArrayDestroy(&all->same));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void pair_matrix(const GroupPairs *all, int64_t n, const int64_t *run, Stage stage,
                 Centring centring, int64_t measure, double *h)
{
  for (int64_t q = 0; q < n; q++)
    for (int64_t p = 0; p < n; p++) {
      const int64_t i = min_i64(run[p], run[q]), j = max_i64(run[p], run[q]);
      if (i == j) continue;
      h[p * n + q] = *pair_value(all, pair_number(all->runs, i, j), stage, centring, measure);
    }
}

bool purpose_varies(const ComparedGroup *group, int purpose)
{
  for (int64_t r = 1; r < group->runs; r++)
    if (group->run[r].seed[purpose] != group->run[0].seed[purpose]) return true;
  return false;
}

int64_t runs_that_enter(const ComparedGroup *group, bool *enters)
{
  int64_t entered = 0;
  for (int64_t r = 0; r < group->runs; r++) {
    enters[r] = true;
    for (int64_t q = 0; q < r; q++)
      for (int p = 0; p < SEED_PURPOSES; p++)
        if (enters[q] && purpose_varies(group, p) && group->run[r].seed[p] == group->run[q].seed[p])
          enters[r] = false;
    entered += enters[r];
  }
  return entered;
}
