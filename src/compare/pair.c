/* Two sets of atoms: cosines, matchings and maxima, made once for all comparisons. */
#include "compare/pair.h"
#include "base/shared.h"
#include "compare/assignment.h"
#include "measure/rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t room = INT64_C(6) << 30; /* bytes of weights on one node */

enum { ROWS = 32, LANES = 16 };

/* Every row of A with every row of B, and what is to be made of their cosines; NULL: nothing. */
typedef struct {
  const Kernels *kernels;
  int64_t rows, columns, d;
  const float *A, *B;           /* [rows x d], [columns x d] of norm 1 */
  const float *A_too, *B_too;   /* likewise: the mean of the two cosines counts; NULL: none */
  bool within;                  /* A is B: no row counts with itself */
  int32_t *weight;              /* [rows x columns] */
  float *largest_a, *largest_b; /* [rows], [columns] */
} Cosines;

/* least[q] = the larger of itself and c[q]; a NaN is passed over. */
static void raise_lanes(const float *restrict c, float *restrict least)
{
  for (int q = 0; q < LANES; q++) least[q] = c[q] > least[q] ? c[q] : least[q];
}

/* One row of cosines: gives the largest, and raises that of each column. */
static float largest_of(int64_t columns, const float *c, float *most)
{
  const int64_t whole = columns / LANES * LANES;
  float lane[LANES], one = -INFINITY;
  for (int q = 0; q < LANES; q++) lane[q] = -INFINITY;
  for (int64_t j = 0; j < whole; j += LANES) {
    raise_lanes(c + j, most + j);
    raise_lanes(c + j, lane);
  }
  for (int64_t j = whole; j < columns; j++) {
    if (c[j] > most[j]) most[j] = c[j];
    if (c[j] > one) one = c[j];
  }
  for (int q = 0; q < LANES; q++) one = lane[q] > one ? lane[q] : one;
  return one;
}

/* Rows i .. i + here - 1, whose cosines these are. */
static PetscErrorCode TakeBlock(const Cosines *of, int64_t i, int64_t here, float *cosine)
{
  const int64_t columns = of->columns;
  PetscFunctionBeginUser;
  for (int64_t q = 0; q < here && of->within; q++) cosine[q * columns + i + q] = -INFINITY;
  for (int64_t q = 0; q < here && of->largest_a; q++)
    of->largest_a[i + q] = largest_of(columns, cosine + q * columns, of->largest_b);
  if (of->weight) PetscCall(AssignmentWeights(here * columns, cosine, of->weight + i * columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CosinesTake(const Cosines *of)
{
  const int64_t columns = of->columns, d = of->d;
  Packed packed = {0}, too = {0};
  float *cosine, *second = NULL;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(ROWS * columns, &cosine));
  of->kernels->pack(columns, d, of->B, d, &packed);
  if (of->A_too) {
    PetscCall(ArrayCreate(ROWS * columns, &second));
    of->kernels->pack(columns, d, of->B_too, d, &too);
  }
  for (int64_t j = 0; j < columns && of->largest_b; j++) of->largest_b[j] = -INFINITY;
  for (int64_t i = 0; i < of->rows; i += ROWS) {
    const int64_t here = min_i64(ROWS, of->rows - i);
    of->kernels->scores(here, of->A + i * d, d, &packed, NULL, cosine, columns);
    if (of->A_too) of->kernels->scores(here, of->A_too + i * d, d, &too, NULL, second, columns);
    for (int64_t q = 0; q < here * columns && of->A_too; q++)
      cosine[q] = (cosine[q] + second[q]) * .5f;
    PetscCall(TakeBlock(of, i, here, cosine));
  }
  packed_clear(&too);
  packed_clear(&packed);
  PetscCall(ArrayDestroy(&second));
  PetscCall(ArrayDestroy(&cosine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LargestWithin(const Kernels *kernels, int64_t m, int64_t d, const float *unit,
                             float *largest)
{
  Cosines of = {kernels, m, m, d, unit, unit, .within = true, .largest_a = largest};
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m, &of.largest_b));
  PetscCall(CosinesTake(&of));
  PetscCall(ArrayDestroy(&of.largest_b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Match(const Cosines *of, Matched *matched)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(of->rows, &matched->partner));
  PetscCall(AssignmentSolve(of->rows, of->columns, of->weight, matched->partner, &matched->sum));
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
  of->kernels->chains(of->rows, start, partner, of->d, of->B, of->d, of->A, of->d, matched->cosine);
  for (int64_t i = 0; i < of->rows; i++)
    if (matched->partner[i] < 0) matched->cosine[i] = 0;
  PetscCall(ArrayDestroy(&partner));
  PetscCall(ArrayDestroy(&start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that is asked of the atoms themselves. */
static PetscErrorCode OfAtoms(unsigned needs, Cosines *of, AtomPair *pair)
{
  PetscFunctionBeginUser;
  if (needs & NEED_MAXIMA) {
    PetscCall(ArrayCreate(of->rows, &pair->largest_a));
    PetscCall(ArrayCreate(of->columns, &pair->largest_b));
    of->largest_a = pair->largest_a;
    of->largest_b = pair->largest_b;
  }
  PetscCall(CosinesTake(of));
  of->largest_a = of->largest_b = NULL;
  if (needs & NEED_MATCHING) {
    PetscCall(Match(of, &pair->atoms));
    PetscCall(MatchedCosines(of, &pair->atoms));
  }
  if (!(needs & NEED_ABSOLUTE)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < of->rows * of->columns; i++)
    of->weight[i] = of->weight[i] < 0 ? -of->weight[i] : of->weight[i];
  PetscCall(Match(of, &pair->absolute));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the encoders' rows, and of both. */
static PetscErrorCode OfEncoders(unsigned needs, Cosines *of, AtomPair *pair)
{
  PetscFunctionBeginUser;
  of->A = pair->a.encoder;
  of->B = pair->b.encoder;
  PetscCall(CosinesTake(of));
  PetscCall(Match(of, &pair->encoder));
  PetscCall(MatchedCosines(of, &pair->encoder));
  if (!(needs & NEED_BOTH)) PetscFunctionReturn(PETSC_SUCCESS);
  of->A_too = pair->a.unit;
  of->B_too = pair->b.unit;
  PetscCall(CosinesTake(of));
  PetscCall(Match(of, &pair->both));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairCreate(const Kernels *kernels, const Atoms *a, const Atoms *b, unsigned needs,
                          AtomPair *pair)
{
  Cosines of = {kernels, a->m, b->m, a->d, a->unit, b->unit};
  PetscFunctionBeginUser;
  *pair = (AtomPair){.kernels = kernels, .a = *a, .b = *b, .of_a = a->m, .of_b = b->m};
  if (a->m == 0 || b->m == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (needs & (NEED_MATCHING | NEED_ABSOLUTE | NEED_ENCODER))
    PetscCall(ArrayCreate(of.rows * of.columns, &of.weight));
  if (needs & (NEED_MATCHING | NEED_MAXIMA | NEED_ABSOLUTE)) PetscCall(OfAtoms(needs, &of, pair));
  if (needs & NEED_ENCODER && a->encoder && b->encoder) PetscCall(OfEncoders(needs, &of, pair));
  PetscCall(ArrayDestroy(&of.weight));
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
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PairWorkers(MPI_Comm comm, int64_t m, int64_t *number, int64_t *count)
{
  const int64_t weights = m * m * (int64_t)sizeof(int32_t),
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
  return !(needs & NEED_CODES) ||
         (pair->a.codes && pair->b.codes && pair->a.codes->n && pair->b.codes->n);
}

void pair_values(AtomPair *pair, const ChosenComparison *chosen, double *values)
{
  for (int64_t v = 0; chosen[v].comparison; v++) {
    const Comparison *one = chosen[v].comparison;
    pair->own_a = pair->a.own ? pair->a.own[v] : NULL;
    pair->own_b = pair->b.own ? pair->b.own[v] : NULL;
    values[v] = can_say(pair, one->needs) ? one->value(pair, chosen[v].params) : (double)NAN;
  }
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
