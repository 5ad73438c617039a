/* The specification: YAML -> checked experiment -> list of runs. */
#pragma once
#include "base/seeds.h"

/* One candidate set of the spec. */
typedef struct {
  char *name;
  char *file;        /* path of a file with /atoms, or NULL */
  Settings settings; /* made here: those of a run of its method ("method", "width" = count, …),
                        without normalise.* and held_out; a file: none */
  bool shared;       /* made once, with the first anchors seed; a file always is */
  int64_t count;     /* candidates p; of a file too */
  int64_t width;     /* d of a file's points; 0 where made here */
  int line, column;
} AnchorSet;

/* Which tokens are trained on. */
typedef struct {
  double held_out;  /* share of the groups that is not trained on by any run */
  double subsample; /* share of the others that each run trains on */
} Portion;

/* Where a value came from. */
typedef struct {
  const char *from; /* "default", "spec" or "grid" */
  int line, column; /* 0: none */
} Origin;

/* One model at one grid point: its runs differ only in seeds, and follow one another. */
typedef struct {
  char *model;       /* "topk" or "topk width=256 code.k=8" */
  char *folder;      /* "topk" */
  Settings settings; /* as Run.settings */
  Origin *origin;    /* [settings.count] */
  unsigned seeds;    /* SEED_* that its chosen entries draw from */
  int set;           /* number of its AnchorSet, or -1 */
  int share;         /* number of its Portion in Experiment.share */
  int64_t runs;      /* how many */
  int64_t blocks;    /* of `combine: blocks`; 0: another way */
  int64_t *block;    /* [blocks x 5] numbers among the group's runs of (i, d, a), (i', d, a),
                        (i, d', a), (i, d, a'), (i', d', a'); runs that coincide have one number */
  int surrogate;     /* number of the group that is this one trained on surrogate tokens, or -1 */
  bool is_surrogate; /* this one is trained on surrogate tokens */
  int line, column;  /* of the model in the spec */
} Group;

/* One run: a group with its seeds. */
typedef struct {
  char *id;          /* 16 hexadecimal digits: name of its folder; NULL before ExperimentBind */
  char *model;       /* as its group's */
  char *folder;      /* as its group's */
  Settings settings; /* "method", "width", …, "train.*", "normalise.*", "held_out": every setting by
                        its path, defaults filled in. A setting that names a candidate set holds
                        the set's name before ExperimentBind and the id of the AnchorRun after it */
  int64_t seed[SEED_PURPOSES]; /* -1: the model does not draw from that purpose */
  int anchors;                 /* number in Experiment.anchors made for this run, or -1 */
  int group;                   /* number in Experiment.group */
  int64_t first; /* number of the first run of this id and folder, which is the same run (two grid
                    points may come to one); of no meaning before ExperimentBind */
} Run;

/* One candidate set as runs need it: a set of the spec at one normalisation, split and seed. */
typedef struct {
  char *id;          /* 16 digits, of what makes it: anchors/<id>.h5; NULL before ExperimentBind */
  int set;           /* number of (one of) its AnchorSet */
  Settings settings; /* all settings of the run that makes it, as Run.settings; a file: none */
  int64_t seed;      /* serves every purpose of that run; -1 for a file */
  int share; /* number of its Portion (nothing left out) in Experiment.share, -1 for a file */
} AnchorRun;

typedef struct {
  char *path, *folder; /* of the spec file */
  char *text;          /* its bytes */
  char *name;
  int64_t token_files;
  char **token_paths; /* to open: the spec's folder is in them */
  double least;       /* value of the tokens once they are open, where that is below 0; else 0 */
  int64_t sets;
  AnchorSet *set;
  int64_t anchors_count;
  AnchorRun *anchors;
  int64_t runs;
  Run *run; /* in the order of the plan: models as written, grid points, seeds */
  int64_t groups;
  Group *group;
  int64_t shares;
  Portion *share; /* [shares] the different ones */
  double checkpoint_minutes;
  int64_t snapshots;         /* of each run's atoms while it is trained */
  int64_t train_tokens;      /* measure.train_tokens */
  int64_t metrics_count;     /* `all` is spelt out */
  Choice *metrics;           /* chosen metrics */
  int64_t comparisons_count; /* `all` is spelt out */
  Choice *comparisons;
  double partners_t;                 /* compare.partners: the least cosine of partners */
  bool partners_centred;             /* of atoms minus their mean */
  unsigned centrings;                /* bit c: the Centring of that number */
  bool across_all;                   /* compare.across: every two groups */
  int64_t across_count;              /* else these couples of models */
  char *(*across)[2];                /* [across_count] names, as Group.folder */
  char *images;                      /* folder of the groups' pictures, or NULL */
  int64_t image_rows, image_columns; /* of a picture's cells; 0: as the positions say */
  char *texts;                       /* a line for each token or group, or NULL */
  Text resolved; /* the spec with every default, as YAML; reads back as the same plan */
} Experiment;

/* The families whose words a spec may use; given by the caller, since they live in later layers. */
typedef struct {
  const Family *methods, *metrics, *comparisons;
  bool tokens_later; /* the token files need not be there */
} SpecFamilies;

/* ExperimentRead - reads and checks a spec without opening the tokens: names, types, bounds,
   combinations. All mistakes are collected with file:line:column; *experiment is NULL when there
   are any. Not collective (rank 0 calls it, or every rank). */
PetscErrorCode ExperimentRead(const char *path, const SpecFamilies *families, Mistakes *mistakes,
                              Experiment **experiment);
/* ExperimentBind - with the tokens known: checks what depends on them (batch and counts against
   training tokens), and gives runs and anchors their ids. n_train [shares] has the number of
   training tokens (the fewest that a run may have) for each Experiment.share; d is the tokens'
   width. Same on every rank, not collective. Mistakes leave the experiment without ids. */
PetscErrorCode ExperimentBind(Experiment *experiment, const SpecFamilies *families,
                              const char *tokens_digest, const int64_t *n_train, int64_t d,
                              Mistakes *mistakes);
/* ExperimentDestroy - frees all of it. Not collective. */
PetscErrorCode ExperimentDestroy(Experiment **experiment);
/* PlanTable - plan.csv of a bound experiment, as docs/files.md has it. Not collective. */
PetscErrorCode PlanTable(const Experiment *experiment, Table **plan);
