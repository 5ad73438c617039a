/* Rows rounded to 16-bit integers, as `filter` takes them: with it the scores of tokens are known
   within a bound in less time than as float32 chains. */
#pragma once
#include "compute/kernels.h"

typedef struct {
  int64_t m, d;
  Packed pairs;               /* of integers, d / 2 of a row, rounded up */
  float *scale, *norm, *rest; /* [m] as those of Quantised */
  Quantised part;             /* the rows that this rank rounded */
} Rounded;

/*
  RoundedCreate - room for m rows of d

  Collective on the ranks of a node, where the rows lie once; nodes NULL: this rank alone.
  rounded_renew (local) takes rows first .. first + count - 1 of E [m x d], first a multiple of
  PACKED_ROWS. RoundedDestroy: collective likewise.
*/
PetscErrorCode RoundedCreate(Nodes *nodes, int64_t m, int64_t d, Rounded *rounded);
void rounded_renew(const Kernels *kernels, int64_t first, int64_t count, const float *E,
                   Rounded *rounded);
PetscErrorCode RoundedDestroy(Nodes *nodes, Rounded *rounded);
