/* What makes codes sparse where the code itself does not: a penalty on their sum (L1) or on their
   number (L0), of a fixed weight or one that is led to a target. */
#pragma once
#include "base/param.h"

/* The penalty of a step. */
typedef struct {
  double l1;    /* weight of the mean over tokens of sum_j z_j |D_j| */
  double slope; /* derivative of the penalty by L0, the active codes a token of the batch */
  double loss;  /* the penalty on L0 */
} Penalty;

typedef struct {
  Entry entry;
  bool of_number; /* only for codes with thresholds, which a number of codes can move */
  bool adapts;    /* to codes without thresholds by a weight that is kept from step to step */
  double (*start)(const void *params); /* of that weight */
  /* l0: of this batch where the code has thresholds, else not known and 0; weight: the kept one;
     rise: 0 to 1 over the warm-up. */
  Penalty (*penalty)(const void *params, bool thresholds, double l0, double weight, double rise);
  /* The kept weight after a step with l0 active codes a token. */
  double (*adapt)(const void *params, double l0, double weight);
  const Share *(*warmup)(const void *params);
} Sparsity;

extern const Family sparsities;
