/* A mean of the parameters after each step, whose weights fall by the same share from each to the
   one before. */
#include "learn/train.h"

typedef struct {
  double decay;
} EMA;

static const Param params[] = {
    {"decay", PARAM_REAL, offsetof(EMA, decay), "0.999", 0, 0.9999999,
     "weight of a step's parameters, in parts of that of the step after"},
    {0},
};

static double decay(const void *settings)
{
  return ((const EMA *)settings)->decay;
}

const Average average_ema = {
    .entry = {"ema",
              "the model is the mean of the parameters after each step, with weights that fall "
              "back in time",
              "openai/sparse_autoencoder, EmaModel, beside Gao et al. 2024, arXiv:2406.04093",
              params, sizeof(EMA)},
    .decay = decay,
};
