/* The penalty that codes without thresholds share: `l1`, or a sparsity in its place. */
#pragma once
#include "learn/sae.h"
#include "learn/sparsity.h"

/* The first settings of such a code; its struct begins with PenaltyParams. */
#define PENALTY_PARAMS(type)                                                                       \
  {"l1",                                                                                           \
   PARAM_REAL,                                                                                     \
   offsetof(type, l1),                                                                             \
   "1e-3",                                                                                         \
   0,                                                                                              \
   1e6,                                                                                            \
   "weight of the mean over tokens of sum_j z_j |D_j|",                                            \
   .instead = "sparsity"},                                                                         \
  {                                                                                                \
    "sparsity", PARAM_CHOICE, offsetof(type, sparsity), "none",                                    \
        .doc = "a penalty in place of l1", .family = &sparsities, .instead = "l1", .quiet = true   \
  }
typedef struct {
  double l1;
  Choice sparsity;
} PenaltyParams;

/* Entry.check, SAECode.numbers; the kept weight at the start and after a step; the weight of L1 in
   a step. numbers[0] of the code is the kept weight. */
char *penalty_check(const PenaltyParams *params, const char **path);
const char *const *penalty_numbers(const void *params);
double penalty_start(const PenaltyParams *params);
void penalty_adapt(const PenaltyParams *params, double l0, double *weight);
double penalty_l1(const PenaltyParams *params, const CodeNow *now);
