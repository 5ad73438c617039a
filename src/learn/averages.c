/* The registry of averages. */
#include "learn/train.h"

#define X(name) extern const Average average_##name;
#include "average.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &average_##name.entry,
#include "average.def"
#undef X
    NULL,
};

const Family averages = {"average", "averages", entries};
