/* The registry of optimizers. */
#include "learn/train.h"

#define X(name) extern const Optimizer optimizer_##name;
#include "optimizer.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &optimizer_##name.entry,
#include "optimizer.def"
#undef X
    NULL,
};

const Family optimizers = {"optimizer", "optimizers", entries};
