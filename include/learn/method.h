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
} Method;

extern const Family methods;
