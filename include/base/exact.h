/* Sums of float64 numbers that do not depend on the order of their terms: a wide fixed-point
   accumulator, rounded once, to nearest even. */
#pragma once
#include "base/error.h"

#define EXACT_WORDS 70

/* value = sum of word[i] * 2^(32 i - 1120); words hold more than 32 bits until they are normalised.
 * Zero-initialised is 0. */
typedef struct {
  int64_t word[EXACT_WORDS];
  int64_t pending; /* additions since the words were normalised */
  int64_t special; /* non-finite terms seen */
} Exact;

/* Adds x. */
void exact_add(Exact *sum, double x);
/* Adds another sum. */
void exact_join(Exact *sum, const Exact *other);
/* The sum, correctly rounded; NaN if a term was not finite. */
double exact_value(const Exact *sum);

/* ExactSum - n sums joined over the ranks of comm, in place; every rank gets them. Collective. */
PetscErrorCode ExactSum(MPI_Comm comm, int64_t n, Exact *sums);
