/* Factorisations whose atoms are mixtures of anchors, D = W C with W >= 0. */
#pragma once
#include "factors.h"
#include "learn/pick.h"

/* Settings of all of them. */
typedef struct {
  int64_t width, iterations, sweeps;
  double tolerance;
  char *anchors;
  int pick;
} MixtureParams;

#define MIXTURE_PARAMS(type)                                                                       \
  {"width", PARAM_INT, offsetof(type, mixture.width), NULL, 1, 1e9, "atoms of the dictionary"},    \
      {"anchors", PARAM_ANCHORS, offsetof(type, mixture.anchors), NULL,                            \
       .doc = "name of the candidate set that atoms are mixtures of"},                             \
      {"pick",    PARAM_WORD,      offsetof(type, mixture.pick),                                   \
       "default", .doc = PICK_DOC, .words = pick_words},                                           \
      {"iterations",                                                                               \
       PARAM_INT,                                                                                  \
       offsetof(type, mixture.iterations),                                                         \
       "100",                                                                                      \
       0,                                                                                          \
       1e6,                                                                                        \
       "most times that the atoms are renewed, each after a pass over the training tokens"},       \
      {"tolerance",                                                                                \
       PARAM_REAL,                                                                                 \
       offsetof(type, mixture.tolerance),                                                          \
       "1e-4",                                                                                     \
       0,                                                                                          \
       1,                                                                                          \
       "it ends when a pass lowers the objective by no more than this share of it; 0: never"},     \
  {                                                                                                \
    "sweeps", PARAM_INT, offsetof(type, mixture.sweeps), "20", 1, 1e6,                             \
        "steps of projected gradient for each pass"                                                \
  }

/* MixtureStart, mixture_count, MixtureLeaf, MixtureFinish, MixtureDestroy - as ClassicalParts;
   strict: rows of W sum to 1. */
PetscErrorCode MixtureStart(Classical *c, const MixtureParams *params, bool strict,
                            const CodeRule *rule);
PetscErrorCode MixtureLeaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums);
PetscErrorCode MixtureFinish(Classical *c, const double *sums, double objective,
                             StepReport *report);
PetscErrorCode MixtureDestroy(Classical *c);
#define MIXTURE_PARTS                                                                              \
  .count = factors_count, .leaf = MixtureLeaf, .finish = MixtureFinish, .destroy = MixtureDestroy
/* Method.work of codes of such a share of the atoms. */
MethodWork mixture_work(const MixtureParams *params, double d, double p, double share);
/* Entry.draws, and Entry.check: whether the pick suits the number of anchors. */
unsigned mixture_draws(const MixtureParams *params);
char *mixture_check(const MixtureParams *params, const Settings *all, const char **path);
