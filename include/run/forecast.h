/* What the runs of a spec will cost on a cluster, before anything is started. */
#pragma once
#include "run/cost.h"
#include "run/work.h"

/* The job to come. */
typedef struct {
  int ranks, nodes, groups; /* groups 0: as `ardis run` has it: one a rank while there are runs */
  int cores;                /* of a node; 0: as measured */
  Route route;              /* of training steps; ROUTE_AUTO: chosen */
  double link, latency;     /* between nodes: bytes a second of a node, seconds of a message */
} Job;

/* One line of it: the runs of a group of the plan, or the candidate sets of one kind. */
typedef struct {
  const char *name;
  int64_t runs;
  CostShape shape;
  CostGroup group;
  Cost cost;             /* of one of the runs */
  int64_t group_of_plan; /* number in Experiment.group, or -1: candidates */
} ForecastLine;

typedef struct {
  int64_t lines;
  ForecastLine *line;
  int groups[2];    /* of ranks: for candidate sets, for runs */
  int64_t packs[2]; /* 0: no such work */
  int64_t most[2];  /* runs of the largest pack */
  double seconds;   /* all of it */
  double memory;    /* of a rank, at most */
  double disk;
} Forecast;

/* ForecastMake - the costs of all that work plans on a job. Not collective. ForecastDestroy frees
   what it holds. */
PetscErrorCode ForecastMake(const Work *work, const Machine *machine, const Job *job,
                            Forecast *forecast);
PetscErrorCode ForecastDestroy(Forecast *forecast);
/* The forecast for people. */
void forecast_text(const Forecast *forecast, const Machine *machine, const Job *job, Text *text);
/* Seconds and bytes as people say them: "3.2 hours", "12 GB". */
void text_duration(Text *text, double seconds);
void text_bytes(Text *text, double bytes);
