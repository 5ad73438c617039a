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

/* Entry.check; then what a code with such a struct has as numbers, start, l1 and stepped.
   numbers[0] is the weight that is kept from step to step. */
char *penalty_check(const PenaltyParams *params, const char **path);
const char *const *penalty_numbers(const void *params);
void penalty_begin(SAE *sae);
double penalty_l1(const CodeNow *now);
void penalty_stepped(CodeNow *now, double l0);
/* SAECode.most of a code that may keep every atom. */
int64_t every_atom(const CodeNow *now, int64_t m);
