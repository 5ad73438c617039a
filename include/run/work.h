/* What the stages of a run folder share: the experiment, its tokens as each run sees them, and the
 * folder. */
#pragma once
#include "learn/dictionary.h"
#include "plan/experiment.h"
#include "run/queue.h"

typedef struct {
  MPI_Comm world;
  int rank, size;
  const Kernels *kernels;
  Experiment *experiment;
  Tokens *tokens;
  Split **split;      /* [experiment->shares] of all training tokens; equal ones are one */
  int64_t *least;     /* [experiment->shares] the fewest tokens that a run trains on */
  Tokens **surrogate; /* [experiment->shares] where a group is trained on surrogate tokens; equal
                         ones are one; NULL before SurrogatesOpen */
  int64_t n, d;       /* tokens and their width */
  char *out;          /* the run folder */
  char spec_digest[33];
  int groups;    /* 0: as many as there is work for */
  Route route;   /* of training steps; ROUTE_AUTO: chosen */
  int64_t packs; /* most runs that are trained side by side by one group; 0: chosen */
} Work;

/* WorkOpen - reads and checks the spec, opens its tokens, splits them, names the runs. Mistakes are
   collected (the same on all ranks), and *work is NULL when there are any. out NULL: ARDIS_OUT,
   else runs/<name>. Nothing is written. WorkClose takes NULL too. Collective on world. */
PetscErrorCode WorkOpen(MPI_Comm world, const char *spec, const char *out, Mistakes *mistakes,
                        Work **work);
PetscErrorCode WorkClose(Work **work);
/* WorkOpenSizes - the same for a spec whose tokens are not there, n of width d: for planning. Work
   has neither tokens nor splits then. Collective on world. */
PetscErrorCode WorkOpenSizes(MPI_Comm world, const char *spec, int64_t n, int64_t d,
                             Mistakes *mistakes, Work **work);
/* The first share with the same held-out groups. */
int64_t same_split(const Experiment *experiment, int64_t share);
/* SurrogatesOpen, SurrogatesClose - the surrogate tokens that groups of the plan are trained on:
   made where they are not there, DIR/surrogate-<held_out>.h5. Every row is normal, with the mean
   and the covariance of the training tokens (of at most 1,048,576 of them, evenly spaced in file
   order); groups are those of the tokens, so the split is the same. Nothing is done where there is
   no such group, or twice. Collective on world. */
PetscErrorCode SurrogatesOpen(Work *work, Mistakes *mistakes);
PetscErrorCode SurrogatesClose(Work *work);
/* Training tokens of a run of a share, the fewest that its seed may give (without tokens: as if all
   groups were equal). */
int64_t work_train(const Work *work, int share);

/* A run's folder, its file, the anchors' file: fresh memory (free). */
char *run_folder(const Work *work, const Run *run);
char *run_file(const Work *work, const Run *run, const char *name);
char *anchors_file(const Work *work, const AnchorRun *anchors);

/* WorkView - the tokens as settings and a share of held-out groups want them, surrogate tokens
 where the settings say so. ViewRelease frees its
 * normaliser. Not collective. */
PetscErrorCode WorkView(const Work *work, const Settings *settings, int share, View *view);
PetscErrorCode ViewRelease(View *view);

/* Which stages of a run's folder are done, with the digest of what they depended on: stages.csv
 * (stage, inputs, status, reason). */
typedef enum { RUN_PENDING, RUN_DONE, RUN_FAILED, RUN_STOPPED } RunStatus;
extern const char *const run_status_words[];
typedef struct {
  RunStatus status;
  char reason[200];
} Outcome;
/* OutcomeRead - of a stage whose inputs agree; RUN_PENDING where it has not ended. inputs NULL:
   any. OutcomeWrite replaces the stage's row. Not collective. */
PetscErrorCode OutcomeRead(const char *folder, const char *stage, const char *inputs,
                           Outcome *outcome);
PetscErrorCode OutcomeWrite(const char *folder, const char *stage, const char *inputs,
                            const Outcome *outcome);
