/* A sparse autoencoder is a composition: code x atoms x encoder x goal x revival. This header is
   what the parts see; docs/numerics.md section 3 defines the step. */
#pragma once
#include "base/shared.h"
#include "learn/method.h"
#include "learn/train.h"

/* Settings of `method: sae`. */
typedef struct {
  int64_t width;
  Choice code, atoms, encoder, goal, revive;
  int64_t epochs, steps, batch;
  Choice optimizer, schedule;
  double clip;
} SAEParams;

/* A named part of the parameter block: rows of atoms this rank owns, or an array that all ranks
 * hold. */
typedef struct {
  const char *name;  /* as in model.h5 */
  char names[3][40]; /* of parameters and moments in a checkpoint */
  bool shared;
  int rank;             /* of the array in files: 1 or 2 */
  int64_t cols;         /* numbers for each atom; shared: in all */
  int64_t rows;         /* atoms here; shared: 1 */
  float *p, *g, *m, *v; /* [rows x cols] parameters, gradient, moments */
} Tensor;

enum { SAE_TENSORS = 8 };

/* What the parts work on. */
typedef struct {
  const Task *task;
  const Kernels *kernels;
  MPI_Comm comm;
  Nodes *nodes; /* of comm */
  int rank, size;
  SAEParams params;
  int64_t m, d;
  int64_t first, rows; /* the atoms this rank owns */
  int64_t *starts;     /* [size + 1] the first atom of each rank, then m */
  int tensors;
  Tensor tensor[SAE_TENSORS];
  float *block[4]; /* parameters, gradients, moments: all tensors one after another */
  int64_t block_size;
  float *D, *E, *b; /* [m x d], [m x d], [m]: atoms, encoder rows, encoder bias of all ranks; once
                       on a node */
  float *bias;      /* [d] view of the tensor */
  struct Encoder *encoder; /* made from E and b */
  Packed anchors;          /* packed anchors where the atoms need them */
  float *G;                /* [rows x d] gradient of this rank's atoms */
  int64_t step, steps, per_epoch, n_train;
  Route wanted, route;     /* as forced (or auto), and of this step */
  unsigned taken;          /* bits 1 << route of the steps so far */
  double active;           /* atoms of a token in the batch before; 0: none yet */
  int64_t *silent;         /* [m] tokens since each atom fired */
  struct SAEBatch *batch;  /* scratch of a step */
  struct Support *support; /* of archetypal weights; NULL: every atom mixes all anchors */
} SAE;

/* SAEAddTensor - declares a tensor while the model is laid out; its number. cols 0: one number for
 * each atom, a vector in files. tensor_named finds one.
 */
int sae_add_tensor(SAE *sae, const char *name, bool shared, int64_t cols);
Tensor *tensor_named(SAE *sae, const char *name);

typedef struct {
  Entry entry;
  /* Appends the codes of n tokens with scores S [n x m]. Room for n * m_most(params, m) nonzeros is
   * there. Local. */
  void (*forward)(const void *params, const Kernels *kernels, int64_t n, int64_t m, const float *S,
                  Codes *codes);
  int64_t (*most)(const void *params, int64_t m); /* nonzeros a token can have */
  double (*l1)(const void *params); /* weight of mean over tokens of sum_j z_j |D_j|; NULL: none */
  /* NULL, or k: the code of a token depends on its k largest scores above 0 alone (lowest index
   * first among equals), so that forward may be given fewer atoms that hold these. */
  int64_t (*largest)(const void *params);
} SAECode;

typedef struct {
  Entry entry;
  void (*tensors)(SAE *sae);         /* declares what it learns */
  PetscErrorCode (*start)(SAE *sae); /* starting values of its tensors' rows here. Collective */
  void (*form)(SAE *sae, float *D);  /* D [rows x d] of the atoms here */
  /* After a step but the last, where something is chosen anew now and then. NULL: nothing is. */
  void (*renew)(SAE *sae);
  PetscErrorCode (*pull_back)(SAE *sae); /* sae->G -> gradients of its tensors. Collective */
  /* The same of the atom in row j alone, where it needs nothing else: sae->G is the gradient of the
     tensor `atoms` then, and changed in place. NULL: pull_back does it. */
  void (*pull_back_row)(SAE *sae, int64_t j);
  /* The constraint on rows row .. row + rows - 1 of a tensor, any tensor, after the optimizer's
     step; previous [rows x cols] is what they were before it. */
  void (*project)(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous);
} SAEAtoms;

/* Where free atoms start: rows [rows x d] of the atoms here, any length but 0. Collective. */
typedef struct {
  Entry entry;
  PetscErrorCode (*start)(const void *params, SAE *sae, float *rows);
} SAEStart;

typedef struct {
  Entry entry;
  void (*start)(const void *params, SAE *sae,
                const float *D); /* encoder rows and biases here, D [rows x d] the starting atoms */
} SAEEncoder;

/* n tokens with their codes: e [n x d] = gradient of the loss by the reconstruction up to the
   factor 2 / (b d), g [nonzeros] = dot products for the code gradient, square [n] = each token's
   share |e|^2 of the loss. D [m x d], xc [n x d]; work [residuals_work(n, m)]. */
typedef struct {
  Entry entry;
  void (*pass)(const Kernels *kernels, int64_t n, const Codes *codes, int64_t m, int64_t d,
               const float *D, const float *xc, float *e, float *g, double *square, float *work);
} SAEGoal;

/* Help for silent atoms: an auxiliary loss of weight `weight`, in which k dead atoms (silent for
 * dead_after tokens) predict the residual. */
typedef struct {
  int64_t k, dead_after;
  double weight; /* 0: none */
} SAEAux;
typedef struct {
  Entry entry;
  SAEAux (*aux)(const void *params, int64_t d);
} SAERevive;

extern const Family sae_codes, sae_atoms, sae_starts, sae_encoders, sae_goals, sae_revivals;

/* SAESum - one or two exact sums joined over the ranks of a model. Collective; no rank leaves
 * before all have come. */
PetscErrorCode SAESum(SAE *sae, int n, Exact *sums);

/* SAECreate … SAEDestroy - the life of a model, behind Method. All collective on the task's comm.
 * SAEStep trains on one batch. */
PetscErrorCode SAECreate(const Task *task, SAE **sae);
PetscErrorCode SAEPublish(SAE *sae); /* D, E, b of all ranks from the tensors */
PetscErrorCode SAEStep(SAE *sae, StepReport *report);
PetscErrorCode SAEDestroy(SAE **sae);
/* SAERehearse - for benches, after a step: all that its ranks exchange, and the optimizer at rate
   0, once more. Collective. */
PetscErrorCode SAERehearse(SAE *sae);
extern const Param sae_params[];
