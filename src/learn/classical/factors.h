/* Factorisations that alternate between codes and atoms: each pass finds the codes of all tokens by
   the present atoms, and sums Z^T Z and Z^T X, from which the atoms are renewed. */
#pragma once
#include "codes.h"
#include "learn/sparsity.h"

typedef struct {
  CodeSolver *solver;
  bool ready; /* the solver holds the present atoms */
} Factors;

/* FactorsCreate, FactorsDestroy - not collective. */
PetscErrorCode FactorsCreate(const Classical *c, const CodeRule *rule, Factors *factors);
PetscErrorCode FactorsDestroy(Factors *factors);
/* Numbers of such a pass: [m x (d + m)], row j being (Z^T X)_j, (Z^T Z)_j. */
int64_t factors_count(const Classical *c);
/* FactorsLeaf - its leaf; the objective gets |x - z D|^2 / 2 + l1 |z|. Not collective. */
PetscErrorCode FactorsLeaf(Classical *c, Factors *factors, double l1, int64_t rows, const float *X,
                           double *sums);
/* Whether the objective has fallen by no more than a share of it since the last pass; ends the run
   then, or where that was the last pass, and tells of it. The atoms are to be renewed: true. */
bool factors_go_on(Classical *c, double objective, double tolerance, int64_t passes,
                   StepReport *report);
/* (Z^T Z)_jl and (Z^T X)_ji in sums. */
static inline double factors_zz(const Classical *c, const double *sums, int64_t j, int64_t l)
{
  return sums[j * (c->d + c->m) + c->d + l];
}
static inline double factors_zx(const Classical *c, const double *sums, int64_t j, int64_t i)
{
  return sums[j * (c->d + c->m) + i];
}
/* FactorsSettle - atoms in the order of their energy sum z_j^2 |D_j|^2, largest first; unit: as
   unit rows (a zero row stays). Not collective. */
PetscErrorCode FactorsSettle(Classical *c, const double *sums, bool unit);
/* StartFromTokens - distinct training tokens drawn at random as atoms. Collective. */
PetscErrorCode StartFromTokens(Classical *c);

/* The setting `sparsity` of factorisations; the field is that of the entry's own struct. */
#define SPARSITY_PARAM(type)                                                                       \
  {                                                                                                \
    "sparsity", PARAM_CHOICE, offsetof(type, sparsity), "none",                                    \
        .doc = "a penalty on the codes", .family = &sparsities, .quiet = true                      \
  }
/* Its part of Entry.check: only l1 without warm-up is defined here. */
char *sparsity_check(const Choice *sparsity, const char **path);
/* The weight of sum_j z_j beside |x - z D|^2 / 2; 0 without a penalty. */
double sparsity_weight(const Choice *sparsity, int64_t d);
