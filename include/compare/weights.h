/* What pairs of rows of two matrices are worth: round(2^30 cosine), held in memory or made again
   whenever a row is asked for. Nothing here is collective. */
#pragma once
#include "compute/kernels.h"

/* Every row of A with every row of B. */
typedef struct {
  const Kernels *kernels;
  int64_t rows, columns, d;
  const float *A, *B;         /* [rows x d], [columns x d] of norm 1 */
  const float *A_too, *B_too; /* likewise: the mean of the two cosines counts; NULL: none */
  bool absolute;              /* the cosine's size counts */
  bool within;                /* A is B: a row's cosine with itself is -infinity */
} Cosines;

/* The same with the sides in each other's place: the same cosines. */
static inline Cosines cosines_turned(const Cosines *of)
{
  Cosines turned = *of;
  turned.rows = of->columns;
  turned.columns = of->rows;
  turned.A = of->B;
  turned.B = of->A;
  turned.A_too = of->B_too;
  turned.B_too = of->A_too;
  return turned;
}

typedef struct Weights Weights;

/* WEIGHTS_ROOM: bytes up to which weights are held, 32,768 x 32,768 of them. Beyond, as many bytes
   of rows are kept. */
static const int64_t WEIGHTS_ROOM = INT64_C(1) << 32;

/*
  WeightsCreate - weights of the cosines, held if they take at most `room` bytes

  Borrows what `of` points to until WeightsDestroy. WeightsFill must be called before rows are
  asked for; it also gives the largest cosine of each row and column, where they are not NULL.
*/
PetscErrorCode WeightsCreate(const Cosines *of, int64_t room, Weights **weights);
PetscErrorCode WeightsFill(Weights *weights, float *largest_a, float *largest_b);
/* WeightsAbsolute - the cosines' sizes from now on. */
PetscErrorCode WeightsAbsolute(Weights *weights);
/* WeightsOf - weights [rows x columns] that are there already, any whole numbers; borrowed. */
PetscErrorCode WeightsOf(int64_t rows, int64_t columns, const int32_t *weight, Weights **weights);
/* WeightsSample - of row i the rows-th part, i * all / rows, and of columns likewise. Borrows
   `from`. */
PetscErrorCode WeightsSample(const Weights *from, int64_t rows, int64_t columns, Weights **weights);
PetscErrorCode WeightsDestroy(Weights **weights);

int64_t weights_rows(const Weights *weights);
int64_t weights_columns(const Weights *weights);

/* WeightsRow - row i [columns], until the next is asked for. WeightsNext likewise, cheaper where
   rows are asked for in turn. */
PetscErrorCode WeightsRow(Weights *weights, int64_t i, const int32_t **row);
PetscErrorCode WeightsNext(Weights *weights, int64_t i, const int32_t **row);

/* Mixed from a part of what makes row i, and whether rows i and j are made of the same: equal rows
   of weights, though not all such rows. */
uint64_t weights_look(const Weights *weights, int64_t i);
bool weights_alike(const Weights *weights, int64_t i, int64_t j);

/* WeightsRound - round(2^30 cosine) for count cosines. Errors: PETSC_ERR_ARG_OUTOFRANGE for a NaN,
   or what is no cosine, by its number. */
PetscErrorCode WeightsRound(int64_t count, const float *cosine, int32_t *weight);
