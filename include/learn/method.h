/* A method learns a dictionary from tokens, step by step. */
#pragma once
#include "data/reader.h"
#include "learn/codes.h"
#include "learn/route.h"
#include "learn/state.h"

/* Candidate points that atoms may start from or be mixed of. */
typedef struct {
  int64_t p, d;
  float *points; /* [p x d] in units of the normalised tokens, the same on every rank */
  char digest[33];
} Anchors;

/* What a run is given. Everything is borrowed for the run's life. */
typedef struct {
  MPI_Comm comm; /* the ranks that train this one model */
  View view;
  Reader *reader; /* of the view, for what is read in order; learners of a pack share it */
  void **
      scratch; /* learners of a pack leave here what they share in turns; NULL: nothing is shared */
  const Settings *settings;
  Route route; /* of training steps; ROUTE_AUTO: chosen */
  int64_t seed_init, seed_data, seed_anchors, seed_subsample; /* 0 where unused */
  const Anchors *anchors;                                     /* NULL: the model uses none */
} Task;

typedef enum { STEP_MORE, STEP_DONE, STEP_FAILED } StepState;

/* What a step tells. Lists of numbers go to log.jsonl as they are. */
typedef struct {
  StepState state;
  const char *reason; /* why it ended: "steps", "converged", "loss is not finite", …; static text */
  int64_t step, steps; /* done so far, and in all (an upper bound) */
  int64_t tokens;      /* seen in this step */
  bool log;            /* worth a line in the log */
  /* For the manifest, static text; NULL where the method has none: routes taken so far ("none" on
     one rank), whether ranks of a node share memory ("one rank", "shared", "private"), and in what
     scores were looked at so far ("fp32", "int16", "fp32 and int16"). */
  const char *route, *memory, *encoder;
  int values;
  struct {
    const char *name;
    double value;
  } value[12];
} StepReport;

/* A kernel that a method needs, so many times for each token: scores, sum_products and so on at the
   sizes a and b of src/run/bench_parts.c, which times it. */
typedef struct {
  const char *kernel; /* static text; NULL: none */
  double a, b, times;
} WorkPart;
enum { WORK_PARTS = 10 };

/* What a run has to do, for the model of the cost and for benches. Operations are additions and
   multiplications, each counted. */
typedef struct {
  WorkPart part[WORK_PARTS]; /* what a token cannot do without, beside being read; for benches */
  double units;              /* passes over the training tokens at most, or batches; 0: none */
  double batch;              /* tokens of a unit; 0: all */
  double leaf;               /* tokens that a rank takes at a time; 0: 1,024 */
  double first;    /* of the units, those before the kind that most are, which is meant here: */
  double before;   /* float32 operations of dense products in those, for each token */
  double products; /* float32 operations of dense products, for each token */
  double exact;    /* float64 operations, for each token */
  double touched;  /* bytes gathered from tables, for each token */
  double after, after_exact; /* the same operations at the end of a unit, on each rank */
  double spread;             /* float32 operations there that the ranks share */
  double once;               /* float64 operations of a run, on each rank */
  double sums;               /* numbers that ranks join in a unit */
  double gathered;           /* values of tokens that every rank is given, once */
  double memory; /* bytes of a rank at most, beside its atoms, tokens and sums; those that ranks
                    share: spread_memory */
  double spread_memory;
} MethodWork;

typedef struct Dictionary Dictionary;

typedef struct {
  Entry entry; /* params: the settings of a model of this method, beside the run's common ones */
  /* Allocates the learner and its starting parameters. Collective on task->comm, as all that
   * follow. */
  PetscErrorCode (*create)(const Task *task, void **self);
  /* All that a checkpoint must hold. The memory stays where it is until destroy. */
  PetscErrorCode (*state)(void *self, State *state);
  /* After a state was read into the arrays: rebuild what is derived from it. NULL: nothing is. */
  PetscErrorCode (*resumed)(void *self);
  /* Tokens seen so far: learners that go through the same order side by side are stepped so that
     it stays equal. The same on every rank. */
  int64_t (*seen)(const void *self);
  /* One step. */
  PetscErrorCode (*step)(void *self, StepReport *report);
  /* The arrays of model.h5 (without /normalise), now: before the first step they are those of
   * initial.h5. */
  PetscErrorCode (*model)(void *self, State *model);
  /* Further attributes of model.h5 ("log_multiplier"); NULL: none. */
  PetscErrorCode (*attributes)(void *self, H5Writer *writer);
  PetscErrorCode (*destroy)(void **self);
  /* Codes of n normalised tokens X [n x d] by a finished model. Not collective. */
  PetscErrorCode (*encode)(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes);
  /* What a run with params has to do for n training tokens of width d, with p candidates. NULL:
     the model of the cost knows (k-means, sae). */
  MethodWork (*work)(const void *params, double n, double d, double p);
  /* What only a learner knows that was made from its tokens, put right in its work. NULL: nothing.
   */
  void (*fitted)(const void *self, MethodWork *work);
} Method;

extern const Family methods;
