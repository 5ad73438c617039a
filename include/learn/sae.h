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
  Choice optimizer, schedule, average;
  double clip;
} SAEParams;

/* A named part of the parameter block: rows of atoms this rank owns, or an array that all ranks
 * hold. */
typedef struct {
  const char *name;  /* as in model.h5 */
  char names[4][40]; /* of parameters, moments and averages in a checkpoint */
  bool shared;
  int rank;             /* of the array in files: 1 or 2 */
  int64_t cols;         /* numbers for each atom; shared: in all */
  int64_t rows;         /* atoms here; shared: 1 */
  float *p, *g, *m, *v; /* [rows x cols] parameters, gradient, moments */
} Tensor;

enum { SAE_TENSORS = 16, SAE_LEARNED = 2, SAE_NUMBERS = 4, SAE_LEVELS = 24 };

/* A code as it stands: its settings, what it has learned, and whether tokens are of training. */
typedef struct {
  const struct SAECode *code;
  const void *params;
  int64_t k;                         /* codes kept for a token, in place of its own k; 0: its own */
  const float *learned[SAE_LEARNED]; /* [m] of all ranks, as code->learned names them */
  double numbers[SAE_NUMBERS];       /* what it keeps from step to step */
  int64_t step, steps;
  double unit;       /* root mean square of a dimension of the normalised tokens; training only */
  const float *bias; /* [m] the encoder's */
  struct SAETrace *trace;  /* where a code by pursuit leaves its picks; NULL: nowhere */
  const struct Gram *gram; /* products of all atoms, for a code by pursuit; NULL: it does without */
  bool training;
} CodeNow;

/* Reconstructions that a loss compares with the token: the first from codes of level 0, each
   further one from those of one more level. */
typedef struct {
  int count;
  int64_t
      bound[SAE_LEVELS + 1]; /* ascending: codes (or atoms) below it are of this level or lower */
  double weight[SAE_LEVELS + 1]; /* of each squared error; their sum is 1 */
  int64_t k, k_evaluation; /* codes kept in training and after it, in place of the code's own; 0 */
  bool by_atom;            /* codes go to levels by their atom; else by size, largest first */
  bool
      relative; /* a token's squared error counts over the token's square, times d; else as it is */
} SAELevels;

/* The k largest scores above 0 that a token has not chosen are codes too, in a further
   reconstruction by all codes, whose squared error counts `weight` (0: none). */
typedef struct {
  int64_t k;
  double weight;
} SAEUnchosen;

/* What the parts work on. */
typedef struct {
  const Task *task;
  const Kernels *kernels;
  MPI_Comm comm;
  Nodes *nodes; /* of comm */
  int rank, size;
  SAEParams params;
  int64_t m, d;
  int64_t inputs;      /* numbers that an encoder row takes: d, or its hidden layer's width */
  int64_t first, rows; /* the atoms this rank owns */
  int64_t *starts;     /* [size + 1] the first atom of each rank, then m */
  int tensors;
  Tensor tensor[SAE_TENSORS];
  float *block[4]; /* parameters, gradients, moments: all tensors one after another */
  int64_t block_size;
  float *average, *shown, *shown_atoms; /* learn/average.h: [block_size] sums of parameters, their
                                           means; [rows x d]; NULL: no average */
  float *D, *E, *b; /* [m x d], [m x inputs], [m]: atoms, encoder rows, encoder bias of all ranks;
                       once on a node. D of a single rank may be its tensor `atoms` itself */
  bool published;   /* D and E have the rows of the tensors, as the optimizer left them */
  float *bias;      /* [d] view of the tensor */
  struct Encoder *encoder; /* made from E and b */
  Packed hidden;           /* of the encoder's hidden layer, where it has one */
  Packed anchors;          /* packed anchors where the atoms need them */
  double *weights;         /* [columns of W] scratch, where its rows go to the nearest point */
  CodeNow now;             /* the code, of this step */
  int learned;             /* tensors that it learns: */
  int learned_tensor[SAE_LEARNED];
  float *learned_all[SAE_LEARNED]; /* [m] of all ranks, once on a node */
  double l1;                       /* weight of the penalty in this step */
  SAELevels levels;                /* of the goal */
  SAEUnchosen unchosen;            /* of the revival */
  float *G;                        /* [rows x d] gradient of this rank's atoms */
  float *GE; /* [rows x inputs] of the encoder's rows; NULL: nothing learns from it */
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

/*
  SAECode - what becomes of scores: which entries a token has, with their values

  A code may have more entries than values that are not 0: those that something is learned from.
  Only values that are not 0 count as active.
*/
typedef struct SAECode {
  Entry entry;
  /* Appends the entries of n tokens with scores S [n x m]. Room for n * most(now, m) is there.
     Local. */
  void (*forward)(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m, const float *S,
                  Codes *codes);
  int64_t (*most)(const CodeNow *now, int64_t m); /* entries a token can have */
  double (*l1)(const CodeNow *now); /* weight of mean over tokens of sum_j z_j |D_j|; NULL: none */
  /* NULL, or k: the code of a token depends on its k largest scores above 0 alone (lowest index
   * first among equals), so that forward may be given fewer atoms that hold these. */
  int64_t (*largest)(const CodeNow *now);
  /* What follows is NULL where a code has no such thing. */
  const char *const *learned; /* names of what it learned, ended by NULL; one number an atom each */
  float (*shown)(int which, float x); /* what now.learned has of it; NULL: itself */
  bool more;                          /* entries have a further number in training (Codes.more) */
  void (*start)(SAE *sae);            /* its starting values, and those of now.numbers */
  const char *const *(*numbers)(const void *params); /* names of now.numbers, ended by NULL */
  /* After all tokens of a batch have entries: what is decided over the whole batch, for the entries
     of this rank's tokens. Collective. */
  PetscErrorCode (*settle)(SAE *sae, Codes *codes);
  /* Slopes of the entries by their scores in place of those by their values, and own: by what it
     learned. Local. */
  void (*slopes)(const CodeNow *now, const Codes *codes, float *g, float *own);
  /* The gradients of what it learned, from sums over the batch for each atom here: of own slopes,
     and of the slopes of the main part. Local. */
  void (*finish)(SAE *sae, const float *own, const float *slopes, float factor);
  /* Codes are max(0, score) wherever it is above 0 in a second reconstruction by atoms that count
     as constant; penalties are on that one, and the encoder's biases learn from it alone. */
  bool gate;
  /* Entries come from tokens X [n x d], not from scores: rows P (packed), E [m x d]; S [n x m]
     scratch. codes as in forward. */
  PetscErrorCode (*pursue)(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                           int64_t d, const float *X, const Packed *P, const float *E, float *S,
                           Codes *codes);
  bool unrolled; /* such a code's gradient goes back through its picks, which it leaves in now.trace
                  */
  void (*stepped)(CodeNow *now, double l0);      /* after a step with l0 active atoms a token */
  double (*loss)(const CodeNow *now, double l0); /* its own term, l0 active atoms a token */
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
     tensor `atoms` then, and changed in place; gives the square of its norm (square64). NULL:
     pull_back does it. */
  double (*pull_back_row)(SAE *sae, int64_t j);
  /* The constraint on rows row .. row + rows - 1 of a tensor, any tensor, after the optimizer's
     step; previous [rows x cols] is what they were before it. */
  void (*project)(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous);
  /* Row j of its tensors as near as they come to a token x [d], or centred xc, under the
     constraint. */
  void (*replace)(SAE *sae, int64_t j, const float *x, const float *xc);
} SAEAtoms;

/* Where free atoms start: rows [rows x d] of the atoms here, any length but 0. Collective. */
typedef struct {
  Entry entry;
  PetscErrorCode (*start)(const void *params, SAE *sae, float *rows);
} SAEStart;

enum { ROWS_LEARNED, ROWS_ATOMS, ROWS_IDENTITY, ROWS_HIDDEN };
typedef struct {
  Entry entry; /* its struct begins with EncoderParams */
  int rows;    /* what the encoder's rows are; those of the identity have no biases either, and
                  ROWS_HIDDEN are learned and have a hidden layer before them (learn/hidden.h) */
  void (*start)(const void *params, SAE *sae,
                const float *D); /* encoder rows here, D [rows x d] the starting atoms; or NULL */
  int64_t (*hidden)(const void *params, int64_t d); /* width of the hidden layer; NULL: none */
} SAEEncoder;

/* The setting that encoders share. */
#define ENCODER_BIAS(type)                                                                         \
  {                                                                                                \
    "bias", PARAM_WORD, offsetof(type, bias), "zero",                                              \
        .doc = "where the centring bias starts: at 0, at the mean or at the geometric median of "  \
               "training tokens, at most 4,096 evenly spaced",                                     \
        .words = encoder_bias_words, .quiet = true                                                 \
  }
extern const char *const encoder_bias_words[]; /* "zero", "mean", "median" */
typedef struct {
  int bias;
} EncoderParams;
/* BiasStart - the centring bias as the encoder's settings say. Local. */
PetscErrorCode BiasStart(SAE *sae);

typedef struct {
  Entry entry;
  /* m atoms; k: the code's, 0 where it has none. */
  void (*levels)(const void *params, int64_t m, int64_t k, SAELevels *levels);
} SAEGoal;

/* The setting that goals share; the field is that of the entry's own struct. */
#define GOAL_LOSS(type)                                                                            \
  {                                                                                                \
    "loss", PARAM_WORD, offsetof(type, loss), "mse",                                               \
        .doc = "a token's squared error as it is, or over the token's own square, times d",        \
        .words = goal_loss_words, .quiet = true                                                    \
  }
extern const char *const goal_loss_words[]; /* "mse", "nmse" */
typedef struct {
  int loss;
} GoalLoss;

/* Help for silent atoms: an auxiliary loss of weight `weight`, in which k dead atoms (silent for
 * dead_after tokens) predict the residual. */
typedef enum { DEAD_BY_TOKENS, DEAD_BY_STEPS, DEAD_BY_EPOCH } DeadCount;
typedef struct {
  int64_t k, dead_after;
  double weight;   /* 0: none */
  DeadCount count; /* what dead_after is of; by epoch: silent since the epoch began */
} SAEAux;
/* Every so many steps, so many times, dead atoms begin anew from tokens, with encoder rows of
 * scale times the mean norm. */
typedef struct {
  int64_t every, times, dead_after;
  double scale;
  DeadCount count;
} SAEResample;
typedef struct {
  Entry entry;
  SAEAux (*aux)(const void *params, int64_t d);           /* NULL: none */
  SAEUnchosen (*unchosen)(const void *params, int64_t m); /* NULL: none */
  SAEResample (*resample)(const void *params);            /* NULL: never */
  /* The loss loses this much of the sum over atoms that are active nowhere in a batch, `silent` of
     m, of their mean score over the batch. NULL: nothing. */
  double (*lift)(const void *params, int64_t m, int64_t silent);
} SAERevive;

/* ROWS_ of its encoder. */
int encoder_rows(const SAE *sae);
/* Numbers that the rows of such an encoder take, for tokens of width d. */
int64_t encoder_inputs(const Choice *encoder, int64_t d);
/* The tensor of its rows; NULL: they are not learned. */
Tensor *encoder_tensor(SAE *sae);
/* Codes it keeps for a token; 0: no fixed number. */
int64_t code_k(const CodeNow *now);
/* A code with these settings that has learned nothing yet, for finished models. */
CodeNow code_now(const Choice *code);

/* SplitLevels - the codes of each level, from those of all. Local. */
PetscErrorCode SplitLevels(const Kernels *kernels, const SAELevels *levels, const Codes *codes,
                           Codes *const to[]);
/*
  goal_pass - residuals and slopes of n tokens whose codes are split into levels

  Local. in xc [n x d], D [m x d], codes[] and out g[] for each level. out e[] [n x d] for each
  level: the gradient of the loss by what the level's codes add, up to the factor 2 / (b d);
  square [n] each token's share of b d loss; rest [n x d] the residual of all codes (may be e[0]).
  leaf, or NULL: [leaves x d] sums of e[0] over leaves of tokens. work [residuals_work(n, m)].
*/
void goal_pass(const Kernels *kernels, const SAELevels *levels, int64_t n, int64_t m, int64_t d,
               const float *D, const float *xc, const Codes *const codes[], float *const g[],
               float *const e[], float *rest, double *square, float *leaf, float *work);

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
