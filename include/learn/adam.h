/* The step that Adam and AdamW share. */
#pragma once
#include "learn/train.h"

typedef struct {
  double lr, beta1, beta2, epsilon;
} AdamParams;

/* Settings of a struct that begins with AdamParams. */
#define ADAM_PARAMS                                                                                \
  {"lr", PARAM_REAL, offsetof(AdamParams, lr), "5e-4", 0, 1e6, "learning rate", .open_min = true}, \
      {"beta1", PARAM_REAL, offsetof(AdamParams, beta1), "0.9",                                    \
       0,       0.9999999,  "decay of the first moment"},                                          \
      {"beta2", PARAM_REAL, offsetof(AdamParams, beta2), "0.999",                                  \
       0,       0.9999999,  "decay of the second moment"},                                         \
  {                                                                                                \
    "epsilon", PARAM_REAL, offsetof(AdamParams, epsilon), "1e-8", 0, 1,                            \
        "added to the root of the second moment", .open_min = true                                 \
  }

/* x to the power n >= 0, by repeated squaring: the same products everywhere. */
double whole_power(double x, int64_t n);
/* Optimizer.rate and Optimizer.update of Adam, for any struct that begins with AdamParams. */
double adam_rate(const void *params);
void adam_update(const void *params, const Update *now);
