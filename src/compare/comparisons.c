/* The registered comparisons. */
#include "compare/comparison.h"

#define X(name) extern const Comparison comparison_##name;
#include "comparison.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &comparison_##name.entry,
#include "comparison.def"
#undef X
    NULL,
};

const Family comparisons = {"comparison", "comparisons", entries};
