/* Decisions over the codes of a whole batch, the same on any number of ranks. */
#pragma once
#include "learn/sae.h"

/* Tokens of the batch of this step. */
int64_t sae_batch(const SAE *sae);

/*
  KeepLargest - of the codes of all tokens of the batch (values above 0) the `total` largest

  Collective. Equal values are kept by the order of their tokens in the batch, then of their atoms.
  inout codes: of this rank's tokens. out least: the smallest value kept, 0 if none is.
*/
PetscErrorCode KeepLargest(SAE *sae, int64_t total, Codes *codes, double *least);
