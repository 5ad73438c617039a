/* Adam with bias correction. */
#include "learn/adam.h"

static const Param params[] = {
    ADAM_PARAMS,
    {0},
};

const Optimizer optimizer_adam = {
    .entry = {"adam", "Adam with bias correction", "Kingma & Ba 2015, arXiv:1412.6980, algorithm 1",
              params, sizeof(AdamParams)},
    .rate = adam_rate,
    .update = adam_update,
};
