/* A metric is a sum over tokens: it contains no MPI. It declares a state whose parts join by exact
   sum, minimum or maximum, adds one tile, and finishes from the joined state. measure owns the
   single pass over the tokens and the single reduction. */
#pragma once
#include "base/exact.h"
#include "base/table.h"
#include "learn/dictionary.h"

/* One tile of tokens with everything the metrics may ask for. */
typedef struct {
  int64_t n, d;
  const float *X; /* [n x d] normalised */
  const float *Y; /* [n x d] reconstructions */
  const Codes *codes;
  const Dictionary *dictionary;
  const float *cosines; /* [n x m] of tokens and atoms, where the metric asks for them, else NULL */
} Tile;

/* Sizes of a metric's state for m atoms and tokens of width d. */
typedef struct {
  int64_t exact, least, most, count; /* numbers of each kind of part */
} MetricShape;

typedef struct {
  Exact *exact;   /* joined by exact sum */
  double *least;  /* starts at +infinity, joined by minimum */
  double *most;   /* starts at -infinity, joined by maximum */
  int64_t *count; /* joined by sum */
} MetricState;

/* Where finish puts its numbers. setting may be NULL ("" in the file). */
typedef struct MetricOutput MetricOutput;
void metric_put(MetricOutput *output, const char *setting, double value);

typedef struct {
  Entry entry;
  const char *unit;
  int better;      /* 1 high, -1 low, 0 neither */
  bool once;       /* does not depend on the split: reported with split train only */
  bool train_only; /* computed on the training sample only, reported with split train */
  bool cosines;    /* add reads tile->cosines */
  bool codeless;   /* reads neither codes nor reconstructions: atoms without an encoder have it */
  MetricShape (*shape)(int64_t m, int64_t d, const void *params); /* NULL: no state, no add */
  void (*add)(const Tile *tile, const void *params, MetricState *state);
  /* tokens: how many were seen; the same on every rank. */
  PetscErrorCode (*finish)(const Dictionary *dictionary, int64_t tokens, const void *params,
                           const MetricState *state, MetricOutput *output);
} Metric;

extern const Family metrics;

/* A metric that was asked for. Lists of them end with a metric of NULL. */
typedef struct {
  const Metric *metric;
  void *params; /* as the metric's entry declares them, or NULL */
} ChosenMetric;

/*
  MeasureRun - one pass over the training sample and one over the held-out tokens for one model

  Every rank takes whole tiles of each; one reduction at the end of a pass, by exact sums, minima,
  maxima and integer sums, so neither the ranks nor the tile's size can change a bit. Without
  held-out tokens there are no rows of split held_out.

  Collective on comm.

  in   view          the tokens, split and normalised as the model saw them
  in   dictionary    the finished model, the same on every rank
  in   chosen        the metrics, ended by an entry of NULL; their order is the rows' order
  in   train_tokens  limit of the training sample
  out  values        rows of metrics.csv (metric, split, setting, value), on every rank; the
  caller's out  atoms         rows of atoms.csv (atom, fired_train, fired_held_out, norm), likewise
*/
PetscErrorCode MeasureRun(MPI_Comm comm, const View *view, const Dictionary *dictionary,
                          const ChosenMetric *chosen, int64_t train_tokens, Table **values,
                          Table **atoms);
