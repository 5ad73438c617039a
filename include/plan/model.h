/* One model of a spec while it is read. Inside plan only. */
#pragma once
#include "plan/reader.h"

typedef struct {
  Reader *reader;
  const NodeItem *item; /* in models */
  const Node *own;      /* as written */
  const Entry *method;
  const Node *word; /* that names the method */
  Node *map;        /* own laid over common, without method, seeds and grid */
} Model;

/* What the root says for all models. */
typedef struct {
  Node *normalise, *train, *held_out, *subsample, *null_surrogate, *seeds;
  Grid grid;
} Common;

/* ModelMerge - model->method and model->map; method NULL after a mistake. Not collective. */
PetscErrorCode ModelMerge(Reader *reader, const NodeItem *item, const Common *common, Model *model);
/* ModelResolve - the settings of a model from a map such as model->map. */
PetscErrorCode ModelResolve(const Model *model, Node *map, Resolve *resolve);
/* ModelResolveSilently - the same, mistakes untold; what is required and missing is "". */
PetscErrorCode ModelResolveSilently(const Model *model, Node *map, Settings *settings);
/* ModelSurrogates - a further group for each of groups first .. last - 1: the same trained on
   surrogate tokens. at: where they were asked for. */
PetscErrorCode ModelSurrogates(const Model *model, int64_t first, int64_t last, const Node *at,
                               const Seeds *seeds);
/* ModelGroups - the groups and runs of a model at the points of a grid. */
PetscErrorCode ModelGroups(const Model *model, const Grid *points, const Seeds *seeds);
/* CommonCheck - the mistakes in the common settings themselves. */
PetscErrorCode CommonCheck(Reader *reader, const Common *common);
