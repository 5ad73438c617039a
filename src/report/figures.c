/* The family of figures. */
#include "report/figure.h"

#define X(name) extern const Figure figure_##name;
#include "figure.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &figure_##name.entry,
#include "figure.def"
#undef X
    NULL,
};

const Family figures = {"figure", "figures", entries};
