/* Sparse codes in compressed rows: the active atoms of each token, ascending, with their values. */
#pragma once
#include "base/array.h"

typedef struct {
  int64_t rows;   /* tokens */
  int64_t *start; /* [rows + 1] */
  int32_t *atom;  /* [start[rows]] ascending inside a row */
  float *value;   /* [start[rows]] */
  float *more;    /* [start[rows]] in training, where the code has a further number; else NULL */
  bool has_more;  /* reserve room for it */
  int64_t row_space, space;
} Codes;

/* CodesReserve - room for rows tokens with count nonzeros in all; what is there is kept.
 * codes_clear frees. Not collective. */
PetscErrorCode CodesReserve(Codes *codes, int64_t rows, int64_t count);
void codes_clear(Codes *codes);
