/* Codes of many tokens by exchanging whole sets of atoms. */
#pragma once
#include "codes.h"

enum { EXCHANGE_ROWS = 256 };

typedef struct Exchange Exchange;

/* ExchangeCreate - for m atoms; ExchangeDestroy takes NULL too; ExchangeRenew takes K = D D^T [m x
   m], stride ld, which has `constant` added to each element. Not collective. */
PetscErrorCode ExchangeCreate(const Kernels *kernels, int64_t m, const CodeRule *rule,
                              Exchange **exchange);
PetscErrorCode ExchangeDestroy(Exchange **exchange);
PetscErrorCode ExchangeRenew(Exchange *exchange, const double *K, int64_t ld, double constant);
/* Codes Z [rows x m] of tokens with products S [rows x m], at most EXCHANGE_ROWS, each by itself.
   found[r]: false where exchanging came to no end, or met atoms that depend on each other; the row
   is then of no meaning. */
void exchange_rows(Exchange *exchange, int64_t rows, const float *S, float *Z, bool *found);
