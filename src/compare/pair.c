/* Two sets of atoms: cosines, matchings and maxima, made once for all comparisons. */
#include "compare/pair.h"
#include "base/shared.h"
#include "compare/assignment.h"
#include "compare/best.h"
#include "measure/rows.h"
#include <math.h>
#include <string.h>

static const int64_t room = INT64_C(6) << 30; /* bytes of weights on one node */

PetscErrorCode LargestWithin(const Kernels *kernels, int64_t m, int64_t d, const float *unit,
                             float *largest)
{
  const Cosines of = {kernels, m, m, d, unit, unit, .within = true};
  Weights *cosines;
  float *again;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m, &again));
  PetscCall(WeightsCreate(&of, 0, &cosines));
  PetscCall(WeightsFill(cosines, largest, again));
  PetscCall(WeightsDestroy(&cosines));
  PetscCall(ArrayDestroy(&again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Match(const Cosines *of, Weights *weights, Matched *matched)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(of->rows, &matched->partner));
  PetscCall(AssignmentOfWeights(weights, of->rows > of->columns, matched->partner, &matched->sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The cosines of the matched: the same chains once more. */
static PetscErrorCode MatchedCosines(const Cosines *of, Matched *matched)
{
  int64_t *start;
  int32_t *partner;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(of->rows, &matched->cosine));
  PetscCall(ArrayCreate(of->rows + 1, &start));
  PetscCall(ArrayCreate(of->rows, &partner));
  for (int64_t i = 0; i < of->rows; i++) {
    start[i + 1] = i + 1;
    partner[i] = (int32_t)max_i64(0, matched->partner[i]);
  }
  of->kernels->chains(of->rows, start, partner, of->d, of->B, of->d, of->A, of->d, NULL, 0,
                      matched->cosine);
  for (int64_t i = 0; i < of->rows; i++)
    if (matched->partner[i] < 0) matched->cosine[i] = 0;
  PetscCall(ArrayDestroy(&partner));
  PetscCall(ArrayDestroy(&start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { BLOCK_ROWS = 32 };

/* Which atoms are each other's nearest, by blocks of rows. */
static PetscErrorCode FindMutual(const Cosines *of, float *mutual)
{
  const int64_t rows = of->rows, columns = of->columns, d = of->d;
  Packed packed = {0};
  uint64_t *nearest;
  float *cosine, *most;
  int32_t *at;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(BLOCK_ROWS * columns, &cosine));
  PetscCall(ArrayCreate(rows, &nearest));
  PetscCall(ArrayCreate(columns, &most));
  PetscCall(ArrayCreate(columns, &at));
  for (int64_t j = 0; j < columns; j++) most[j] = -2;
  of->kernels->pack(columns, d, of->B, d, &packed);
  for (int64_t i = 0; i < rows; i += BLOCK_ROWS) {
    const int64_t here = min_i64(BLOCK_ROWS, rows - i);
    of->kernels->scores(here, of->A + i * d, d, &packed, NULL, cosine, columns);
    for (int64_t q = 0; q < here; q++) {
      nearest[i + q] = best_of(columns, cosine + q * columns);
      best_columns(columns, cosine + q * columns, (int32_t)(i + q), most, at);
    }
  }
  for (int64_t i = 0; i < rows; i++)
    mutual[i] = at[key_number(nearest[i])] == i ? key_cosine(nearest[i]) : -2;
  packed_clear(&packed);
  PetscCall(ArrayDestroy(&at));
  PetscCall(ArrayDestroy(&most));
  PetscCall(ArrayDestroy(&nearest));
  PetscCall(ArrayDestroy(&cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights of the cosines, the shorter side as their rows, and the largest of each row and column
   where they are not NULL. */
static PetscErrorCode MakeWeights(const Cosines *of, float *largest_a, float *largest_b,
                                  Weights **weights)
{
  const bool turned = of->rows > of->columns;
  const Cosines other = cosines_turned(of);
  PetscFunctionBeginUser;
  PetscCall(WeightsCreate(turned ? &other : of, WEIGHTS_ROOM, weights));
  PetscCall(WeightsFill(*weights, turned ? largest_b : largest_a, turned ? largest_a : largest_b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that is asked of the atoms themselves. */
static PetscErrorCode OfAtoms(unsigned needs, const Cosines *of, AtomPair *pair)
{
  Weights *weights;
  PetscFunctionBeginUser;
  if (needs & NEED_MAXIMA) {
    PetscCall(ArrayCreate(of->rows, &pair->largest_a));
    PetscCall(ArrayCreate(of->columns, &pair->largest_b));
  }
  PetscCall(MakeWeights(of, pair->largest_a, pair->largest_b, &weights));
  if (needs & NEED_MATCHING) {
    PetscCall(Match(of, weights, &pair->atoms));
    PetscCall(MatchedCosines(of, &pair->atoms));
  }
  if (needs & NEED_ABSOLUTE) {
    PetscCall(WeightsAbsolute(weights));
    PetscCall(Match(of, weights, &pair->absolute));
  }
  PetscCall(WeightsDestroy(&weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the encoders' rows, and of both. */
static PetscErrorCode OfEncoders(unsigned needs, Cosines *of, AtomPair *pair)
{
  Weights *weights;
  PetscFunctionBeginUser;
  of->A = pair->a.encoder;
  of->B = pair->b.encoder;
  PetscCall(MakeWeights(of, NULL, NULL, &weights));
  PetscCall(Match(of, weights, &pair->encoder));
  PetscCall(WeightsDestroy(&weights));
  PetscCall(MatchedCosines(of, &pair->encoder));
  if (!(needs & NEED_BOTH)) PetscFunctionReturn(PETSC_SUCCESS);
  of->A_too = pair->a.unit;
  of->B_too = pair->b.unit;
  PetscCall(MakeWeights(of, NULL, NULL, &weights));
  PetscCall(Match(of, weights, &pair->both));
  PetscCall(WeightsDestroy(&weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairCreate(const Kernels *kernels, const Atoms *a, const Atoms *b, unsigned needs,
                          AtomPair *pair)
{
  Cosines of = {kernels, a->m, b->m, a->d, a->unit, b->unit};
  PetscFunctionBeginUser;
  *pair = (AtomPair){.kernels = kernels, .a = *a, .b = *b, .of_a = a->m, .of_b = b->m};
  if (a->m == 0 || b->m == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (needs & (NEED_MATCHING | NEED_MAXIMA | NEED_ABSOLUTE)) PetscCall(OfAtoms(needs, &of, pair));
  if (needs & NEED_MUTUAL) {
    PetscCall(ArrayCreate(a->m, &pair->mutual));
    PetscCall(FindMutual(&of, pair->mutual));
  }
  if (needs & NEED_ENCODER && a->encoder && b->encoder) PetscCall(OfEncoders(needs, &of, pair));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairDestroy(AtomPair *pair)
{
  Matched *const all[] = {&pair->atoms, &pair->absolute, &pair->encoder, &pair->both};
  PetscFunctionBeginUser;
  for (int i = 0; i < 4; i++) {
    PetscCall(ArrayDestroy(&all[i]->cosine));
    PetscCall(ArrayDestroy(&all[i]->partner));
  }
  PetscCall(ArrayDestroy(&pair->largest_a));
  PetscCall(ArrayDestroy(&pair->largest_b));
  PetscCall(ArrayDestroy(&pair->mutual));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairWorkers(MPI_Comm comm, int64_t m, int64_t *number, int64_t *count)
{
  const int64_t weights = min_i64(WEIGHTS_ROOM, m * m * (int64_t)sizeof(int32_t)),
                at_once = max_i64(1, room / max_i64(1, weights));
  int rank, size;
  Nodes *nodes;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  *number = rank;
  *count = size;
  if (at_once >= size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NodesCreate(comm, &nodes));
  int64_t works = nodes_rank(nodes) < at_once, before = 0;
  PetscCallMPI(MPI_Exscan(&works, &before, 1, MPI_INT64_T, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(&works, count, 1, MPI_INT64_T, MPI_SUM, comm));
  *number = !works ? -1 : rank == 0 ? 0 : before;
  PetscCall(NodesDestroy(&nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is everything there that a comparison needs of this pair? */
static bool can_say(const AtomPair *pair, unsigned needs)
{
  if (pair->a.m == 0 || pair->b.m == 0) return false;
  if (needs & (NEED_ENCODER | NEED_BOTH) && !pair->encoder.partner) return false;
  if (needs & NEED_OTHERS && (!pair->a.stable || !pair->b.stable)) return false;
  return !(needs & NEED_CODES) ||
         (pair->a.codes && pair->b.codes && pair->a.codes->n && pair->b.codes->n);
}

double value_of_pair(AtomPair *pair, const ChosenComparison *chosen, int64_t v)
{
  const Comparison *one = chosen[v].comparison;
  pair->own_a = pair->a.own ? pair->a.own[v] : NULL;
  pair->own_b = pair->b.own ? pair->b.own[v] : NULL;
  return can_say(pair, one->needs) ? one->value(pair, chosen[v].params) : (double)NAN;
}

void pair_values(AtomPair *pair, const ChosenComparison *chosen, double *values)
{
  for (int64_t v = 0; chosen[v].comparison; v++) values[v] = value_of_pair(pair, chosen, v);
}

PetscErrorCode PairValues(const Kernels *kernels, Atoms a, Atoms b, const ChosenComparison *chosen,
                          double *values)
{
  double **own_a, **own_b;
  AtomPair pair;
  PetscFunctionBeginUser;
  PetscCall(OwnCreate(kernels, &a, chosen, &own_a));
  PetscCall(OwnCreate(kernels, &b, chosen, &own_b));
  a.own = own_a;
  b.own = own_b;
  PetscCall(PairCreate(kernels, &a, &b, chosen_needs(chosen), &pair));
  pair_values(&pair, chosen, values);
  PetscCall(PairDestroy(&pair));
  PetscCall(OwnDestroy(chosen, &own_a));
  PetscCall(OwnDestroy(chosen, &own_b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SpreadJoin(MPI_Comm comm, int64_t count, double *values)
{
  uint64_t *bits;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(count, &bits));
  memcpy(bits, values, (size_t)count * sizeof(*bits));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bits, (int)count, MPI_UINT64_T, MPI_BOR, comm));
  memcpy(values, bits, (size_t)count * sizeof(*bits));
  PetscCall(ArrayDestroy(&bits));
  PetscFunctionReturn(PETSC_SUCCESS);
}
