/* The registry of starts of k-means. */
#include "learn/kmeans.h"

#define X(name) extern const KMeansInit kmeans_init_##name;
#include "kmeans-init.def" /* written by the Makefile from the folder's listing */
#undef X

static const Entry *const entries[] = {
#define X(name) &kmeans_init_##name.entry,
#include "kmeans-init.def"
#undef X
    NULL,
};

const Family kmeans_inits = {"kmeans-init", "kmeans-inits", entries};
