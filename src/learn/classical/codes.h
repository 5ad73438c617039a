/* Codes that solve a small quadratic problem for each token, exactly, by active sets. */
#pragma once
#include "learn/classical.h"

/* Minimises |x - z D|^2 / 2 + l1 sum |z_j| over z >= 0, z of either sign, or z >= 0 of sum 1. */
typedef struct {
  double l1;
  bool either_sign, simplex;
} CodeRule;

typedef struct CodeSolver CodeSolver;

/* CodeSolverCreate - for dictionaries [m x d]; CodeSolverRenew takes the atoms; CodeSolverRows
   gives codes Z [rows x m] of X [rows x d], each by itself, so that no token's code depends on
   another. CodeSolverDestroy takes NULL too. Not collective. */
PetscErrorCode CodeSolverCreate(const Kernels *kernels, int64_t m, int64_t d, const CodeRule *rule,
                                CodeSolver **solver);
PetscErrorCode CodeSolverDestroy(CodeSolver **solver);
PetscErrorCode CodeSolverRenew(CodeSolver *solver, const float *D);
void code_solver_rows(CodeSolver *solver, int64_t rows, const float *X, float *Z);

/* EncodeSolved - Method.encode of a model with such codes. Not collective. */
PetscErrorCode EncodeSolved(const Dictionary *dictionary, int64_t n, const float *X,
                            const CodeRule *rule, Codes *codes);
