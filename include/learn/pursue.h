/* Matching pursuit: codes picked one after another from what is left of a token. */
#pragma once
#include "learn/rounded.h"
#include "learn/sae.h"

/* What the picks of a batch were, for the way back; tokens in order. */
struct SAETrace {
  int64_t k, rows; /* picks a token; tokens so far */
  int32_t *pick;   /* [batch x k] */
  float *coefficient;
};

/* Products of the atoms with each other, which tell how scores change with each pick, and the atoms
   in integers, which tell a token's first scores: not what they are, but near enough to leave few
   that can be the largest. */
enum { GRAM_ATOMS = 4096, GRAM_PICKS = 3 }; /* made of so many atoms at most, picks at least */
typedef struct Gram {
  const Kernels *kernels;
  Nodes *nodes;
  int64_t m, d;
  int16_t *x;     /* [m x m] in units, rounded */
  double longest; /* at least the norm of the longest atom */
  float unit;
  float *products; /* some of them before they are rounded */
  bool integer;    /* there are rows: */
  Rounded rows;    /* the atoms */
  double rest;     /* the largest of their rests; infinity where one cannot be rounded */
} Gram;
bool gram_helps(int64_t m, double picks);
/* How far a float32 chain over d products, of rows of length 1, is from the true sum. */
double gram_chain_error(int64_t d);

/*
  GramCreate - room for what is known of m atoms of d

  Collective on the ranks of a node, on which it lies once; nodes NULL: this rank alone. integer:
  the first scores of tokens are made in integers. GramRenew (collective likewise): from the atoms E
  [m x d], and as they are packed. GramDestroy (collective likewise) takes NULL too.
*/
PetscErrorCode GramCreate(const Kernels *kernels, Nodes *nodes, int64_t m, int64_t d, bool integer,
                          Gram **gram);
PetscErrorCode GramRenew(Gram *gram, const float *E, const Packed *packed);
PetscErrorCode GramDestroy(Gram **gram);

/* Settings that codes by pursuit share; the fields are those of the entry's own struct. */
#define PURSUIT_PARAMS(type)                                                                       \
  {"k",                                                                                            \
   PARAM_INT,                                                                                      \
   offsetof(type, k),                                                                              \
   "32",                                                                                           \
   1,                                                                                              \
   1e6,                                                                                            \
   "picks for each token; an atom may be picked again"},                                           \
  {                                                                                                \
    "stop", PARAM_REAL, offsetof(type, stop), "0", 0, 1,                                           \
        "a token is done when this share of its norm, or less, is left"                            \
  }
typedef struct {
  int64_t k;
  double stop;
} PursuitParams;

/* Entry.check of such a code: what it cannot be combined with. most: of its entries. */
char *pursuit_check(const Settings *all, const char **path);
int64_t pursuit_most(const CodeNow *now, int64_t m);
/*
  Pursue - k picks for each of n tokens X [n x d]

  Local. Each pick is the atom with the largest chain of what is left and its row (lowest index
  among equals), that number its coefficient; left = fmaf(-coefficient, row, left). After the end
  picks are of atom 0 with coefficient 0. P, D: the atoms, packed and as they are; S [n x m]
  scratch. With now->gram most scores are not made; the picks are the same. out pick, coefficient [n
  x k].
*/
PetscErrorCode Pursue(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m, int64_t d,
                      const float *X, const Packed *P, const float *D, float *S, int32_t *pick,
                      float *coefficient);
/* The picks of one token as a code: atoms ascending, coefficients of one atom added in their order.
   Gives how many; atom and value have room for k. */
int64_t pursuit_merge(int64_t k, const int32_t *pick, const float *coefficient, int32_t *atom,
                      float *value);
