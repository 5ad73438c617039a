/* The model of the cost: time, bytes and memory of a run, from its sizes and the machine's numbers.
   docs/scaling.md derives each term. */
#pragma once
#include "learn/method.h"
#include "run/machine.h"

/* The ranks that train one run, and how they are joined. */
typedef struct {
  int ranks, nodes;     /* ranks >= nodes >= 1, spread evenly */
  double busy;          /* ranks of all groups on a node */
  double link, latency; /* between nodes: bytes a second of a node, seconds of a message */
} CostGroup;

/* Steps of batches; iterations of k-means; units of a method that says itself what it has to do. */
typedef enum { COST_STEPS, COST_KMEANS, COST_UNITS } CostKind;

/* What decides on the cost of a run. */
typedef struct {
  CostKind kind;
  const char *method; /* its name in the registry */
  double n, d, m;     /* training tokens, their width, atoms or centroids */
  double batch, steps;
  double drawn;     /* of k-means: centroids or candidates drawn one after another for the start */
  double oversized; /* of k-means: candidates that the start holds */
  MethodWork work;  /* of a method of units */
  /* of steps */
  double active;           /* atoms of a token that are not 0 */
  double entries;          /* codes of a token that are held, at most */
  double bytes;            /* of one of them */
  double anchors, support; /* of archetypal atoms: p, and how many each mixes; 0: all */
  double renew;            /* steps after which these are chosen anew */
  double points;           /* candidates that are held, to mix or to start from */
  double scans;            /* times that a token is held against all atoms */
  double levels;           /* reconstructions that are compared with the token */
  bool relaxed, filtered;  /* scores by a filter in 16-bit integers */
  double picks;            /* of a pursuit that goes by products of the atoms; 0: none */
  bool unrolled;           /* picks are gone back through */
  double hidden;           /* width of the encoder's hidden layer; 0: it has none */
  bool tied;               /* the encoder's rows are not its own */
  bool gate, apart;       /* sums of several parts; residuals of all codes apart from the levels' */
  bool averaged, revived; /* parameters have means; dead atoms a loss of their own */
  Route route;
} CostShape;

typedef struct {
  Route route;
  double compute, messages; /* seconds of a step; of k-means: of an iteration; of a unit */
  double step;              /* both */
  double once;              /* seconds before the first step, and after the last */
  double run;               /* seconds of all steps, and once */
  double sent;              /* bytes that each rank sends to other nodes in a step, on average */
  double shared;     /* bytes that each rank reads of what others of its node made, one node */
  double rank, node; /* bytes of memory: of a rank alone, and shared by those of a node */
  double memory;     /* of a rank, with its part of what the node shares; without the program */
  double disk;       /* bytes of files */
} Cost;

/* CostShapeOf - what settings mean for n training tokens of width d, with p candidates (0: none).
   Not collective. */
PetscErrorCode CostShapeOf(const Settings *settings, int64_t n, int64_t d, int64_t p,
                           CostShape *shape);
Cost cost_of(const Machine *machine, const CostShape *shape, const CostGroup *group);
/* The memory of it, in rank, node and memory: part of cost_of, by its route. */
void cost_memory(const CostShape *shape, const CostGroup *group, Cost *cost);
/* One rank alone on the machine. */
CostGroup cost_alone(void);
