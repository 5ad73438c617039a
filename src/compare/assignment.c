/* Optimal one-to-one matching: sides put in order, solved, and the least of the optimal ones
 * chosen. */
#include "compare/assignment.h"

#include "base/array.h"
#include "compare/assignment_parts.h"

#include <math.h>

/* to [columns x rows] = the transpose of from [rows x columns], by squares that fit the cache */
static void transpose(int64_t rows, int64_t columns, const int32_t *from, int32_t *to)
{
  enum { SIDE = 32 };
  for (int64_t i = 0; i < rows; i += SIDE)
    for (int64_t j = 0; j < columns; j += SIDE)
      for (int64_t c = j; c < j + SIDE && c < columns; c++)
        for (int64_t r = i; r < i + SIDE && r < rows; r++) to[c * rows + r] = from[r * columns + c];
}

PetscErrorCode MatchingCreate(Weights *weights, Matching *M)
{
  PetscFunctionBegin;
  *M = (Matching){.n = weights_rows(weights), .m = weights_columns(weights), .weights = weights};
  PetscCall(PetscMalloc4(M->m, &M->price, M->n, &M->column, M->n, &M->worth, M->m, &M->owner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MatchingDestroy(Matching *M)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(M->price, M->column, M->worth, M->owner));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The potential of each matched row of M, and the least price */
static void potentials(const Matching *M, double *row, double *level)
{
  for (int64_t i = 0; i < M->n; i++) row[i] = (double)M->worth[i] - M->price[M->column[i]];
  *level = M->price[0];
  for (int64_t j = 1; j < M->m; j++) *level = fmin(*level, M->price[j]);
  if (M->n == M->m) *level = (double)NAN; /* nobody stays unmatched */
}

/* The least optimal matching, from any optimal one with its prices; `turned`: M's rows are the
 * caller's columns */
static PetscErrorCode ChooseLeast(Matching *M, bool turned, int64_t *partner, int64_t *sum)
{
  OptimalSet S = {.rows = turned ? M->m : M->n, .columns = turned ? M->n : M->m};
  double *potential;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(M->n, &potential));
  potentials(M, potential, &S.level);
  PetscCall(TightPairsFind(M->weights, potential, M->price, &S.tight, &S.dominated));
  if (turned) PetscCall(TightPairsTurn(M->m, &S.tight));
  S.a = turned ? M->price : potential;
  S.b = turned ? potential : M->price;
  S.column = turned ? M->owner : M->column;
  S.owner = turned ? M->column : M->owner;
  for (int64_t j = 0; j < M->m; j++)
    if (M->owner[j] < 0) M->owner[j] = turned ? (int32_t)S.columns : OWNER_NONE;
  PetscCall(AssignmentLeast(&S));
  PetscCheck(assignment_proved(&S), PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "the prices do not prove the matching to be optimal");
  *sum = 0;
  for (int64_t i = 0; i < S.rows; i++) {
    partner[i] = S.column[i] == S.columns ? -1 : S.column[i];
    if (partner[i] >= 0) *sum += (int64_t)(S.a[i] + S.b[partner[i]]);
  }
  PetscCall(TightPairsDestroy(&S.tight));
  PetscCall(PetscFree(potential));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentOfWeights(Weights *weights, bool turned, int64_t *partner, int64_t *sum)
{
  const int64_t n = weights_rows(weights), m = weights_columns(weights);
  Matching M;

  PetscFunctionBegin;
  PetscCheck(n <= m && m <= 1 << 20, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "%lld x %lld: sides of at most 2^20 can be matched, the shorter to the longer",
             (long long)n, (long long)m);
  *sum = 0;
  for (int64_t i = 0; i < (turned ? m : n); i++) partner[i] = -1;
  if (n == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatchingCreate(weights, &M));
  PetscCall(AssignmentMatch(&M));
  PetscCall(ChooseLeast(&M, turned, partner, sum));
  PetscCall(MatchingDestroy(&M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentSolve(int64_t rows, int64_t columns, const int32_t *weight,
                               int64_t *partner, int64_t *sum)
{
  const bool turned = rows > columns;
  int32_t *copy = NULL;
  Weights *weights;

  PetscFunctionBegin;
  if (turned) {
    PetscCall(PetscMalloc1(rows * columns, &copy));
    transpose(rows, columns, weight, copy);
  }
  PetscCall(WeightsOf(turned ? columns : rows, turned ? rows : columns, turned ? copy : weight,
                      &weights));
  PetscCall(AssignmentOfWeights(weights, turned, partner, sum));
  PetscCall(WeightsDestroy(&weights));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentOfCosines(const Cosines *of, int64_t room, int64_t *partner, int64_t *sum)
{
  const bool turned = of->rows > of->columns;
  const Cosines other = cosines_turned(of);
  Weights *weights;

  PetscFunctionBegin;
  PetscCall(WeightsCreate(turned ? &other : of, room, &weights));
  PetscCall(WeightsFill(weights, NULL, NULL));
  PetscCall(AssignmentOfWeights(weights, turned, partner, sum));
  PetscCall(WeightsDestroy(&weights));
  PetscFunctionReturn(PETSC_SUCCESS);
}
