/* The parts of comparing one group. */
#pragma once
#include "compare/compare.h"

typedef enum { STAGE_INITIAL, STAGE_END, STAGES } Stage;
extern const char *const stage_names[STAGES]; /* in the tables */
extern const char *const stage_files[STAGES]; /* initial.h5, model.h5 */

/* Which atoms of a run live: fired on a token of the training sample. */
typedef struct {
  int64_t m, d;  /* of the whole dictionary */
  int64_t alive; /* how many live */
  int64_t *atom; /* [alive] their numbers, ascending */
} Living;

/* The file of a stage: in the run's folder, or the model file that stands for it. Fresh memory. */
char *stage_path(const char *folder, Stage stage);
/* LivingRead - from a run's atoms.csv and model.h5. Not collective. */
PetscErrorCode LivingRead(const char *folder, Mistakes *mistakes, Living *living);
/* AtomsRead - all atoms of a stage, D [m x d]; the caller's, freed with ArrayDestroy. What is
   missing is a mistake and *D NULL. Not collective. */
PetscErrorCode AtomsRead(const char *folder, Stage stage, const Living *living, Mistakes *mistakes,
                         float **D);
/* EncoderRead - likewise the encoder's rows; *E NULL without a mistake where the model has none. */
PetscErrorCode EncoderRead(const char *folder, Stage stage, const Living *living,
                           Mistakes *mistakes, float **E);
/* Moves the living atoms to the front of D. */
void keep_living(const Living *living, float *D);

/* All pairs of a group: pair (i, j), i < j, is number pair_number(). A value is NaN where there is
   none, or the centring was not asked for. */
typedef struct {
  int64_t runs, pairs, measures;
  Living *living;    /* [runs] */
  double *value;     /* [pairs x STAGES x CENTRINGS x measures] */
  double *with_dead; /* [pairs x CENTRINGS x measures] at the end, dead atoms counted as 0 */
  int64_t *next;     /* [runs] the run that enters after this one, the first after the last; -1:
                        this one does not enter, or is alone */
  double *end_start; /* [runs x CENTRINGS x measures] end of a run against the start of the next */
  double *nearest;   /* [runs x CENTRINGS] mean over atoms of the largest cosine with another */
  double *effective_rank; /* [runs] of the living atoms' unit rows */
  double *same;           /* [pairs] 1: both started from the same atoms */
  double *active;         /* [runs] mean number of codes of a held-out token, of living atoms */
  double *negative;       /* [runs] 1: some of them are negative */
} GroupPairs;

int64_t pair_number(int64_t runs, int64_t i, int64_t j);
double *pair_value(const GroupPairs *all, int64_t pair, Stage stage, Centring centring,
                   int64_t measure);
double *with_dead_value(const GroupPairs *all, int64_t pair, Centring centring, int64_t measure);
double *end_start_value(const GroupPairs *all, int64_t run, Centring centring, int64_t measure);

/*
  GroupPairsCreate, GroupPairsDestroy - computes them, spread over the ranks

  Each rank reads the atoms of a run once and keeps them while they fit into a GiB.

  Collective on comm.

  out  any   there were mistakes, on every rank then
*/
PetscErrorCode GroupPairsCreate(MPI_Comm comm, const Kernels *kernels, const ComparedGroup *group,
                                const CompareOptions *options, Mistakes *mistakes, bool *any,
                                GroupPairs *all);
PetscErrorCode GroupPairsDestroy(GroupPairs *all);

/* pair_matrix: h [n x n] of the values of n of the group's runs, by run number, symmetric; the
   diagonal is not set. */
void pair_matrix(const GroupPairs *all, int64_t n, const int64_t *run, Stage stage,
                 Centring centring, int64_t measure, double *h);

/* Whether the runs saw tokens less their mean (normalise.center mean); true where the tokens are
   not known. Raw atoms of other models share an offset, and so look alike whatever they mean. */
bool centred_tokens(const ComparedGroup *group);
/* The one row of a model that counts without adjustment: the primary measure, on raw atoms, where
   the tokens were centred. */
bool is_primary(const ComparedGroup *group, const ChosenComparison *one, Centring centring);

/* Whether the runs of a group differ in the seed of a purpose. */
bool purpose_varies(const ComparedGroup *group, int purpose);
