/* The registry of methods. */
#include "learn/method.h"

#define X(name) extern const Method method_##name;
#include "method.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &method_##name.entry,
#include "method.def"
#undef X
    NULL,
};

const Family methods = {"method", "methods", entries};
