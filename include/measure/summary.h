/* Tables over many runs: runs.csv and groups.csv. */
#pragma once
#include "base/seeds.h"

/* One run of the plan and what came of it. */
typedef struct {
  const char *id, *model;      /* model: the group */
  int64_t seed[SEED_PURPOSES]; /* -1: not drawn from */
  const char *status;          /* "done", "failed" or "stopped" */
  const char *reason;
  const Table *metrics; /* its metrics.csv; NULL: not measured */
} RunSummary;

/*
  RunsTable - runs.csv: one row for each run, in the given order

  Columns run, model, seed_init, seed_data, seed_anchors, where a run draws from it seed_subsample
  ("-": the model does not draw from it), status, reason, then for each plain metric (empty setting)
  the held-out value and <metric>_train; one column without suffix for a metric that exists on one
  split only. Metrics come in the order in which the runs' tables first name them.

  Not collective.
*/
PetscErrorCode RunsTable(int64_t runs, const RunSummary *run, Table **table);

/*
  GroupsTable - groups.csv: mean over the finished runs of each model, for each plain metric and
  split

  Columns model, metric, split, runs, mean, sd, low, high: sd with n - 1, the interval
  mean +- t_{n-1} sd / sqrt(n) at 95 %, all three empty below two runs. A run without the value does
  not count. Models in the order of the runs.

  Not collective.
*/
PetscErrorCode GroupsTable(int64_t runs, const RunSummary *run, Table **table);
