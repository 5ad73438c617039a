/* The registered metrics. */
#include "measure/metric.h"

#define X(name) extern const Metric metric_##name;
#include "metric.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &metric_##name.entry,
#include "metric.def"
#undef X
    NULL,
};

const Family metrics = {"metric", "metrics", entries};
