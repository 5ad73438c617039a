/* The specification: YAML -> checked experiment -> list of runs. */
#pragma once
#include "base/param.h"
#include "base/table.h"

/* One candidate set of the spec. */
typedef struct {
  char *name;
  char *file;        /* path of a file with /atoms, or NULL */
  Settings settings; /* method.name, method.iterations, count, … when made here */
  bool shared;
  int line;
} AnchorSet;

/* One run: a model at one grid point with its seeds. */
typedef struct {
  char *id;          /* 16 hexadecimal digits: name of its folder */
  char *model;       /* group: "topk" or "topk width=256 code.k=8" */
  char *folder;      /* "topk" */
  Settings settings; /* method, width, …, normalise.*, train.*, held_out: every setting by its path,
                        defaults filled in */
  int64_t seed_init, seed_data, seed_anchors; /* -1: the model does not draw from that purpose */
  int anchors; /* number in Experiment.anchors made for this run, or -1 */
  int group;   /* number of its group (model at a grid point) */
} Run;

/* One candidate set as a run needs it: a set of the spec at one normalisation, split and seed.
 * Named by what makes it. */
typedef struct {
  char *id;          /* 16 digits: anchors/<id>.h5 */
  int set;           /* number of the AnchorSet */
  Settings settings; /* of its method, with normalise.* and held_out */
  int64_t seed;      /* anchors seed; -1 for a file */
} AnchorRun;

typedef struct {
  char *path, *folder; /* of the spec file */
  char *text;          /* its bytes */
  char *name;
  int64_t token_files;
  char **token_paths;
  int64_t sets;
  AnchorSet *set;
  int64_t anchors_count;
  AnchorRun *anchors;
  int64_t runs;
  Run *run;
  int64_t groups;
  double checkpoint_minutes;
  int64_t train_tokens;  /* measure.train_tokens */
  int64_t metrics_count; /* -1: all */
  Choice *metrics;       /* chosen metrics */
  int64_t comparisons_count;
  Choice *comparisons;
  Text resolved; /* the spec with every default, as YAML */
} Experiment;

/* The families whose words a spec may use; given by the caller, since they live in later layers. */
typedef struct {
  const Family *methods, *metrics, *comparisons;
} SpecFamilies;

/* ExperimentRead - reads and checks a spec without opening the tokens: names, types, bounds,
combinations. All mistakes are collected with file:line:column. Not collective (rank 0 calls it, or
every rank). *experiment NULL when there are mistakes. PetscErrorCode ExperimentRead(const char
*path, const SpecFamilies *families, Mistakes *mistakes, Experiment **experiment);
/* ExperimentBind - with the tokens known: checks what depends on them (batch and counts against
training tokens, k and width), and gives runs and anchors their ids. Same on every rank. */
PetscErrorCode ExperimentBind(Experiment *experiment, const char *tokens_digest, int64_t n_train,
                              int64_t d, Mistakes *mistakes);
PetscErrorCode ExperimentDestroy(Experiment **experiment);
/* PlanTable - plan.csv. */
PetscErrorCode PlanTable(const Experiment *experiment, Table **plan);
