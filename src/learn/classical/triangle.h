/* The triangular factor of a matrix that rows are added to, a few at a time. */
#pragma once
#include "compute/kernels.h"

enum { TRIANGLE_TOGETHER = 8 };

/* L L^T = K of the rows in use, all in float64. */
typedef struct {
  const Kernels *kernels;
  int64_t ld;       /* of L: the most rows there can be, a multiple of 8 */
  int64_t count;    /* rows in use */
  int32_t *in;      /* [most] which rows of K they are */
  double *L;        /* [most x ld] */
  double *inverse;  /* [most] of L's diagonal */
  double *right[2]; /* [most] L^-1 of two right sides */
  double *part;     /* [ld x 8] scratch */
} Triangle;

/* TriangleCreate - for up to `most` rows; TriangleDestroy. Not collective. */
PetscErrorCode TriangleCreate(const Kernels *kernels, int64_t most, Triangle *triangle);
PetscErrorCode TriangleDestroy(Triangle *triangle);
/* Adds rows [count, at most 8] of K (stride ldK) with their right sides [2 x 8]; entered [count]:
   false for one that depends on the others, what is left of it being no more than 1e-10 of its
   diagonal. Gives how many entered. */
int64_t triangle_extend(Triangle *triangle, const double *K, int64_t ldK, int64_t count,
                        const int32_t *row, const double *right, bool *entered);
/* y [count] = L^-T y. */
void triangle_solve(const Triangle *triangle, double *y);
