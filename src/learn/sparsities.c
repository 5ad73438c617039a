/* The registry of sparsities. */
#include "learn/sparsity.h"

#define X(name) extern const Sparsity sparsity_##name;
#include "sparsity.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &sparsity_##name.entry,
#include "sparsity.def"
#undef X
    NULL,
};

const Family sparsities = {"sparsity", "sparsities", entries};
