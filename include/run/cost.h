/* The model of the cost: time, bytes and memory of a run, from its sizes and the machine's numbers.
   docs/scaling.md derives each term. */
#pragma once
#include "base/param.h"
#include "learn/route.h"
#include "run/machine.h"

/* The ranks that train one run, and how they are joined. */
typedef struct {
  int ranks, nodes;     /* ranks >= nodes >= 1, spread evenly */
  double busy;          /* ranks of all groups on a node */
  double link, latency; /* between nodes: bytes a second of a node, seconds of a message */
} CostGroup;

/* What decides on the cost of a run. */
typedef struct {
  bool kmeans;
  double n, d, m;          /* training tokens, their width, atoms or centroids */
  double batch, steps;     /* k-means: steps are iterations */
  double active;           /* atoms of a token that are not 0 */
  double anchors, support; /* of archetypal atoms: p, and how many each mixes; 0: all */
  double renew;            /* steps after which these are chosen anew */
  bool relaxed;
  Route route;
} CostShape;

typedef struct {
  Route route;
  double compute, messages; /* seconds of a step; of k-means: of an iteration */
  double step;              /* both */
  double run;               /* seconds of all steps */
  double sent;              /* bytes that each rank sends to other nodes in a step, on average */
  double shared;     /* bytes that each rank reads of what others of its node made, one node */
  double rank, node; /* bytes of memory: of a rank alone, and shared by those of a node */
  double memory;     /* of a rank, with its part of what the node shares */
  double disk;       /* bytes of files */
} Cost;

/* What settings mean for n training tokens of width d, with p candidates (0: none). */
CostShape cost_shape(const Settings *settings, int64_t n, int64_t d, int64_t p);
Cost cost_of(const Machine *machine, const CostShape *shape, const CostGroup *group);
/* One rank alone on the machine. */
CostGroup cost_alone(void);
