/* In how many other dictionaries atoms are found, and in how many they would be by chance. */
#include "compare/stable_parts.h"
#include <math.h>
#include <string.h>

enum { ATOMS = 8192, MOST_REPEATS = 64 };

void recurrence_counts(const AtomSets *sets, const Partners *partners, int64_t atoms, double t,
                       int64_t *count)
{
  const int64_t S = sets->sets;
  for (int64_t s = 0; s < S; s++) count[s] = 0;
  for (int64_t i = 0; i < atoms; i++) {
    int64_t found = 0;
    for (int64_t b = 0; b < S; b++)
      found += partners->atom[i * S + b] >= 0 && (double)partners->cosine[i * S + b] >= t;
    count[found]++;
  }
  for (int64_t s = S - 2; s >= 0; s--) count[s] += count[s + 1];
}

/* At least the expected number of pairs with a cosine of at least t > 0 among independent isotropic
   directions: a cap of angle a has at most sin(a)^(d - 1) / 2 of the sphere. Atoms minus their mean
   are isotropic too. */
static double chance_bound(double pairs, double t, int64_t d)
{
  double bound = pairs / 2;
  for (int64_t i = 0; i < d - 1 && bound > 1e-300; i++) bound *= sqrt(1 - t * t);
  return bound;
}

PetscErrorCode SetsCreate(Nodes *nodes, int64_t d, int64_t count, const int64_t *size,
                          AtomSets *sets)
{
  PetscFunctionBeginUser;
  *sets = (AtomSets){.sets = count, .d = d};
  PetscCall(ArrayCreate(count + 1, &sets->first));
  for (int64_t r = 0; r < count; r++) sets->first[r + 1] = sets->first[r] + size[r];
  PetscCall(SharedCreate(nodes, max_i64(1, sets->first[count] * d), &sets->unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SetsDestroy(Nodes *nodes, AtomSets *sets)
{
  PetscFunctionBeginUser;
  PetscCall(SharedDestroy(nodes, &sets->unit));
  PetscCall(ArrayDestroy(&sets->first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The null dictionaries of one repeat, each made by one rank of the node. */
static PetscErrorCode FillNulls(Nodes *nodes, const Kernels *kernels, const NullSource *source,
                                NullKind kind, Centring centring, int64_t repeat, AtomSets *sets)
{
  const int64_t m = set_size(sets, 0), d = sets->d;
  float *D;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m * d, &D));
  for (int64_t r = nodes_rank(nodes); r < sets->sets; r += nodes_size(nodes)) {
    PetscCall(NullDictionary(source, kind, repeat * sets->sets + r, m, D));
    PetscCall(AtomsPrepare(kernels, centring, m, d, D, NULL, sets->unit + r * m * d));
  }
  PetscCall(ArrayDestroy(&D));
  PetscCall(NodesBarrier(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds up what one repeat finds: edges, and count[s] as recurrence_counts has them. */
static PetscErrorCode OneRepeat(MPI_Comm comm, const Kernels *kernels, const AtomSets *sets,
                                double t, int64_t *edges, int64_t *count)
{
  const int64_t S = sets->sets, m = set_size(sets, 0);
  Partners partners;
  int64_t *now;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(S, &now));
  PetscCall(PartnersFind(comm, kernels, sets, 1, &partners));
  recurrence_counts(sets, &partners, m, t, now);
  for (int64_t s = 0; s < S; s++) count[s] += now[s];
  for (int64_t s = 1; s < S; s++) *edges += now[s];
  PetscCall(PartnersDestroy(&partners));
  PetscCall(ArrayDestroy(&now));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ChanceFind(MPI_Comm comm, Nodes *nodes, const Kernels *kernels,
                          const NullSource *source, NullKind kind, int64_t d, int64_t m,
                          int64_t sets, const PartnerRule *rule, Chance *chance)
{
  const int64_t repeats = m ? max_i64(1, min_i64(MOST_REPEATS, ATOMS / m)) : 0;
  int64_t *size, *count, edges = 0;
  AtomSets null;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(sets, &chance->share));
  chance->edges = 0;
  chance->share[0] = m > 0; /* each atom is found in its own dictionary */
  if (kind == NULL_RANDOM &&
      chance_bound((double)(repeats * (sets - 1) * m * m), rule->t, d) < 1e-6)
    PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(sets, &size));
  PetscCall(ArrayCreate(sets, &count));
  for (int64_t r = 0; r < sets; r++) size[r] = m;
  PetscCall(SetsCreate(nodes, d, sets, size, &null));
  for (int64_t q = 0; q < repeats; q++) {
    PetscCall(FillNulls(nodes, kernels, source, kind, rule->centring, q, &null));
    PetscCall(OneRepeat(comm, kernels, &null, rule->t, &edges, count));
    PetscCall(NodesBarrier(nodes));
  }
  if (repeats && sets > 1) chance->edges = (double)edges / (double)(repeats * (sets - 1));
  for (int64_t s = 0; s < sets && repeats; s++)
    chance->share[s] = (double)count[s] / (double)(repeats * m);
  PetscCall(SetsDestroy(nodes, &null));
  PetscCall(ArrayDestroy(&count));
  PetscCall(ArrayDestroy(&size));
  PetscFunctionReturn(PETSC_SUCCESS);
}
