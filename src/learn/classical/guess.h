/* Which atoms the nonnegative codes of some tokens will use, roughly and all at once. */
#pragma once
#include "compute/kernels.h"

enum { GUESS_STEPS = 32, GUESS_ROWS = 64 };

typedef struct {
  const Kernels *kernels;
  int64_t m;
  float *K; /* [m x m] */
  Packed packed;
  float step;   /* 1 / a bound of the steepest slope */
  float *Y, *P; /* [GUESS_ROWS x m] */
  float momentum[GUESS_STEPS];
} Guess;

/* GuessCreate - for m atoms; GuessDestroy. Not collective. */
PetscErrorCode GuessCreate(const Kernels *kernels, int64_t m, Guess *guess);
PetscErrorCode GuessDestroy(Guess *guess);
/* Takes K = D D^T [m x m], stride ld. */
void guess_renew(Guess *guess, const double *K, int64_t ld);
/* Z [rows x m], at most GUESS_ROWS: near the least of z K z / 2 - z b over z >= 0 for each row of
   products b. */
void guess_rows(Guess *guess, int64_t rows, const float *b, float *Z);
