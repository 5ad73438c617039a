/* Archetypal weights: rows of W on the simplex over the anchors, or each over a few of them. */
#pragma once
#include "learn/pick.h"
#include "learn/sae.h"

/* Settings that atoms made of anchors share; the fields are those of the entry's own struct. */
#define SIMPLEX_PARAMS(type)                                                                       \
  {"anchors", PARAM_ANCHORS, offsetof(type, simplex.anchors), NULL,                                \
   .doc = "name of the candidate set"},                                                            \
      {"pick",    PARAM_WORD,      offsetof(type, simplex.pick),                                   \
       "default", .doc = PICK_DOC, .words = pick_words},                                           \
      {"start",                                                                                    \
       PARAM_WORD,                                                                                 \
       offsetof(type, simplex.start),                                                              \
       "anchors",                                                                                  \
       .doc =                                                                                      \
           "an atom starts from the anchors picked for it, or as a mixture of two that the init "  \
           "seed draws",                                                                           \
       .words = simplex_starts,                                                                    \
       .quiet = true},                                                                             \
      {"support",                                                                                  \
       PARAM_INT,                                                                                  \
       offsetof(type, simplex.support),                                                            \
       "0",                                                                                        \
       0,                                                                                          \
       1e9,                                                                                        \
       "anchors that an atom is made of: those nearest to it, 2 or more; 0: all",                  \
       .quiet = true},                                                                             \
      {"simplex",                                                                                  \
       PARAM_WORD,                                                                                 \
       offsetof(type, simplex.nearest),                                                            \
       "relu_divide",                                                                              \
       .doc = "how weights return to the simplex: negatives to 0 and divided by the sum, or to "   \
              "the nearest point",                                                                 \
       .words = simplex_words,                                                                     \
       .quiet = true},                                                                             \
  {                                                                                                \
    "renew", PARAM_INT, offsetof(type, simplex.renew), "100", 1, 1e9,                              \
        "steps after which the nearest anchors are looked for again; of no use without support",   \
        .quiet = true                                                                              \
  }
typedef struct {
  char *anchors;
  int pick, start, nearest;
  int64_t support, renew;
} SimplexParams;
extern const char *const simplex_words[]; /* "relu_divide", "euclidean" */
typedef enum { SIMPLEX_START_ANCHORS, SIMPLEX_START_RANDOM } SimplexStart;
extern const char *const simplex_starts[]; /* "anchors", "random" */

/* Entry.check: whether pick and support suit the number of anchors. */
char *simplex_check(const SimplexParams *params, const Settings *all, const char **path);
/* Entry.draws: the seeds that the start draws from. */
unsigned simplex_draws(const SimplexParams *params);
/* The anchors that atom j here starts from. */
AnchorPick simplex_pick(const SAE *sae, const SimplexParams *params, int64_t j);
/* Declares W [m x p], or [m x support], and what belongs to it. */
void simplex_tensors(SAE *sae, const SimplexParams *params);
/* Starting weights of the atoms here: one anchor, or a mixture of two. */
void simplex_start(SAE *sae, const SimplexParams *params);
/* D = W C, in the order of the anchors. */
void simplex_form(SAE *sae, float *D);
/* A common scale e^s of all atoms, where the tensor log_multiplier (s) is declared; else 1. */
void simplex_add_multiplier(SAE *sae);
float simplex_multiplier(SAE *sae);
/* SimplexPullBack - dW = e^s G C^T, ds = <G, D>. Collective. */
PetscErrorCode SimplexPullBack(SAE *sae);
/* SAEAtoms.project of W: negatives to 0, rows divided by their sum + 1e-8; a row whose sum is below
 * 1e-6 keeps its previous value (Fel et al. 2025, pseudo-code). Or rows go to the nearest point. */
void simplex_project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous);
/* SAEAtoms.replace of W: row j has all its weight on the anchor nearest to the token x (by lane64,
   the lowest index among equals). */
void simplex_replace(SAE *sae, int64_t j, const float *x, const float *xc);
/* The point of the simplex nearest to w [p], in place: w_q less a threshold, where that is above 0
   (Held, Wolfe and Crowder 1974; Michelot 1986), in float64, in order. */
void simplex_nearest(int64_t p, double *w);
/* SAEAtoms.renew of W: docs/numerics.md section 4. */
void simplex_renew(SAE *sae);

/* Which anchors each atom here is made of; W's columns are these. */
typedef struct Support {
  int64_t count, renew;
  int32_t *anchor; /* [rows x count] ascending in a row */
  float *half;     /* [p] -|C|^2 / 2 */
  float *blocks;   /* the anchors in blocks of DOT_BLOCK columns, [p x DOT_BLOCK] each */
  float *row;      /* [rows x d] */
  /* The products, by stretches of anchors whose rows stay in the second cache. */
  int64_t stretch, stretches; /* anchors of one; how many */
  int64_t *start;             /* [stretches rows + 1] of each stretch and atom, in the next three */
  int32_t *sorted;            /* [rows count] the anchors that these were made of */
  int32_t *pick, *atom;       /* [rows count] anchors, atoms here */
  float *value;               /* [rows count] weights, or products */
  float *part;                /* [rows x DOT_BLOCK] columns of D or G */
} Support;

/* SupportCreate - for the atoms here, no anchors yet. Not collective. SupportDestroy takes NULL. */
PetscErrorCode SupportCreate(SAE *sae, int64_t count, int64_t renew);
PetscErrorCode SupportDestroy(SAE *sae);
/* Row j starts from its picked anchors and the nearest others. */
void support_start(SAE *sae, const SimplexParams *params);
/* simplex_form, the weights of SimplexPullBack and simplex_renew where there is a support. */
void support_form(SAE *sae, float *D);
void support_pull_back(SAE *sae, float *dW);
void support_renew(SAE *sae);
/* Atom j here is made of the anchors nearest to anchor q, with all its weight on q. */
void support_replace(SAE *sae, int64_t j, int64_t q);
