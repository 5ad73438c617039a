/* For each atom the sum of the weights of its matches in the other runs, as whole numbers, so that
   those of one run can be taken off again. */
#include "compare/others.h"
#include "compare/weights.h"
#include "compare/group.h"
#include <math.h>
#include <stdlib.h>

PetscErrorCode OthersCreate(int64_t runs, int64_t slots, int64_t most, const bool *enters,
                            Others *others)
{
  PetscFunctionBeginUser;
  *others = (Others){.runs = runs, .slots = slots, .most = most};
  PetscCall(ArrayCreate(runs, &others->enters));
  PetscCall(ArrayCreate(slots * runs * most, &others->total));
  PetscCall(ArrayCreate(slots * runs * (runs - 1) / 2, &others->kept));
  for (int64_t r = 0; r < runs; r++) others->entered += others->enters[r] = enters[r];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OthersDestroy(Others *others)
{
  PetscFunctionBeginUser;
  for (int64_t p = 0; others->kept && p < others->slots * others->runs * (others->runs - 1) / 2;
       p++) {
    PetscCall(ArrayDestroy(&others->kept[p].cosine));
    PetscCall(ArrayDestroy(&others->kept[p].partner));
  }
  PetscCall(ArrayDestroy(&others->kept));
  PetscCall(ArrayDestroy(&others->total));
  PetscCall(ArrayDestroy(&others->enters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Matched *kept_of(const Others *others, int64_t slot, int64_t i, int64_t j)
{
  return &others->kept[slot * (others->runs * (others->runs - 1) / 2) +
                       pair_number(others->runs, i, j)];
}

static int64_t *total_of(const Others *others, int64_t slot, int64_t run)
{
  return others->total + (slot * others->runs + run) * others->most;
}

/* In 2^-16ths, so that cosines that differ by rounding alone are equal. */
static int64_t coarse(int32_t weight)
{
  return (weight + (1 << 13)) >> 14;
}

/* sum_a[i] and sum_b[partner of i] += sign times the weight of the matched; NULL: not wanted. */
static PetscErrorCode AddWeights(const Matched *matched, int64_t m, int64_t sign, int64_t *sum_a,
                                 int64_t *sum_b)
{
  int32_t *weight;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m, &weight));
  PetscCall(WeightsRound(m, matched->cosine, weight));
  for (int64_t i = 0; i < m; i++) {
    if (matched->partner[i] < 0) continue;
    if (sum_a) sum_a[i] += sign * coarse(weight[i]);
    if (sum_b) sum_b[matched->partner[i]] += sign * coarse(weight[i]);
  }
  PetscCall(ArrayDestroy(&weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OthersKeep(Others *others, int64_t slot, int64_t i, int64_t j, AtomPair *pair)
{
  PetscFunctionBeginUser;
  if (!pair->atoms.partner) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(AddWeights(&pair->atoms, pair->a.m, 1,
                       others->enters[j] ? total_of(others, slot, i) : NULL,
                       others->enters[i] ? total_of(others, slot, j) : NULL));
  *kept_of(others, slot, i, j) = pair->atoms;
  pair->atoms = (Matched){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OthersJoin(MPI_Comm comm, Others *others)
{
  const int64_t each = others->runs * others->most;
  PetscFunctionBeginUser;
  for (int64_t s = 0; s < others->slots; s++)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, others->total + s * each, (int)each, MPI_INT64_T,
                               MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool others_kept(const Others *others, int64_t slot, int64_t i, int64_t j)
{
  return kept_of(others, slot, i, j)->partner != NULL;
}

typedef struct {
  int64_t total, atom;
} Found;

static int by_total(const void *a, const void *b)
{
  const Found *x = a, *y = b;
  if (x->total != y->total) return x->total > y->total ? -1 : 1;
  return (x->atom > y->atom) - (x->atom < y->atom);
}

/* The atoms in order of these sums, the largest first. */
static PetscErrorCode OrderBy(int64_t m, const int64_t *total, int64_t *order)
{
  Found *found;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m, &found));
  for (int64_t i = 0; i < m; i++) found[i] = (Found){total[i], i};
  qsort(found, (size_t)m, sizeof(*found), by_total);
  for (int64_t i = 0; i < m; i++) order[i] = found[i].atom;
  PetscCall(ArrayDestroy(&found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode OthersValues(const Kernels *kernels, const Others *others, int64_t slot, int64_t i,
                            int64_t j, Atoms a, Atoms b, const ChosenComparison *chosen,
                            double *values)
{
  const bool left = others->entered - others->enters[i] - others->enters[j] > 0;
  int64_t *total, *order;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(a.m + b.m, &total));
  PetscCall(ArrayCreate(a.m + b.m, &order));
  for (int64_t q = 0; q < a.m; q++) total[q] = total_of(others, slot, i)[q];
  for (int64_t q = 0; q < b.m; q++) total[a.m + q] = total_of(others, slot, j)[q];
  PetscCall(AddWeights(kept_of(others, slot, i, j), a.m, -1, others->enters[j] ? total : NULL,
                       others->enters[i] ? total + a.m : NULL));
  PetscCall(OrderBy(a.m, total, order));
  PetscCall(OrderBy(b.m, total + a.m, order + a.m));
  a.stable = left ? order : NULL;
  b.stable = left ? order + a.m : NULL;
  AtomPair pair = {.kernels = kernels, .a = a, .b = b, .of_a = a.m, .of_b = b.m};
  for (int64_t v = 0; chosen[v].comparison; v++)
    if (chosen[v].comparison->needs & NEED_OTHERS) values[v] = value_of_pair(&pair, chosen, v);
  PetscCall(ArrayDestroy(&order));
  PetscCall(ArrayDestroy(&total));
  PetscFunctionReturn(PETSC_SUCCESS);
}
