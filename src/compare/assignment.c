/* Optimal one-to-one matching: sides put in order, solved, and the least of the optimal ones
 * chosen. */
#include "compare/assignment.h"

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

/* The potential of each matched row of M, and the least price */
static void potentials(const Matching *M, double *row, double *level)
{
  for (int64_t i = 0; i < M->n; i++)
    row[i] = (double)M->weight[i * M->m + M->column[i]] - M->price[M->column[i]];
  *level = M->price[0];
  for (int64_t j = 1; j < M->m; j++) *level = fmin(*level, M->price[j]);
  if (M->n == M->m) *level = (double)NAN; /* nobody stays unmatched */
}

/* The least optimal matching, from any optimal one with its prices; `turned`: M's rows are the
 * caller's columns */
static PetscErrorCode ChooseLeast(Matching *M, bool turned, const int32_t *weight, int64_t *partner,
                                  int64_t *sum)
{
  OptimalSet S = {.rows = turned ? M->m : M->n, .columns = turned ? M->n : M->m, .weight = weight};
  double *potential;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(M->n, &potential));
  potentials(M, potential, &S.level);
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
    if (partner[i] >= 0) *sum += weight[i * S.columns + partner[i]];
  }
  PetscCall(PetscFree(potential));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentSolve(int64_t rows, int64_t columns, const int32_t *weight,
                               int64_t *partner, int64_t *sum)
{
  const bool turned = rows > columns;
  Matching M = {.n = turned ? columns : rows, .m = turned ? rows : columns, .weight = weight};
  int32_t *copy = NULL;

  PetscFunctionBegin;
  PetscCheck(M.n >= 0 && M.m <= 1 << 20, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "sides of at most 2^20 can be matched");
  *sum = 0;
  for (int64_t i = 0; i < rows; i++) partner[i] = -1;
  if (M.n == 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (turned) {
    PetscCall(PetscMalloc1(rows * columns, &copy));
    transpose(rows, columns, weight, copy);
    M.weight = copy;
  }
  PetscCall(PetscMalloc3(M.m, &M.price, M.n, &M.column, M.m, &M.owner));
  PetscCall(AssignmentMatch(&M));
  PetscCall(ChooseLeast(&M, turned, weight, partner, sum));
  PetscCall(PetscFree3(M.price, M.column, M.owner));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AssignmentWeights(int64_t count, const float *cosine, int32_t *weight)
{
  int wrong = 0;

  PetscFunctionBegin;
  for (int64_t i = 0; i < count; i++) {
    const bool good = fabsf(cosine[i]) < 1.5f; /* not so for a NaN; rounding may pass 1 a little */
    weight[i] = good ? (int32_t)lrintf(cosine[i] * 0x1p30f) : 0;
    wrong |= !good;
  }
  for (int64_t i = 0; wrong && i < count; i++)
    PetscCheck(fabsf(cosine[i]) < 1.5f, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "number %lld of %lld is %g, which is no cosine", (long long)i, (long long)count,
               (double)cosine[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
