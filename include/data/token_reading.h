/* Reading tokens in two halves, of which the first may be left to a helper thread: stored bytes,
   then their meaning. */
#pragma once
#include "data/tokens.h"
#include <stdatomic.h>

/* Where reading failed: error is an errno, -1 at the end of a file, 0 where it was stopped. */
typedef struct {
  int64_t row;
  int error;
} FetchFailure;

size_t tokens_stored_size(const Tokens *tokens); /* bytes that a row has room in below */
/* tokens_fetch - the stored bytes of count rows: stored [count x tokens_stored_size]. Plain reads
   and waiting alone, so that any thread may call it. false: a failure, or *stop (NULL: never)
   became true. TokensFetchError - raises that failure as TokensRead would. */
bool tokens_fetch(Tokens *tokens, int64_t count, const int64_t *row, void *stored,
                  const atomic_bool *stop, FetchFailure *failure);
PetscErrorCode TokensFetchError(const Tokens *tokens, const FetchFailure *failure);
/* TokensUnpack - what was fetched as float32, not normalised. X [count x d]. Not collective.
   Errors: PETSC_ERR_FP at a non-finite value, with its row. */
PetscErrorCode TokensUnpack(const Tokens *tokens, int64_t count, const int64_t *row,
                            const void *stored, float *X);
/* tokens_ask - count rows from row on will be wanted: the system may read them ahead. */
void tokens_ask(const Tokens *tokens, int64_t row, int64_t count);
