/* The model is what the last step left. */
#include "learn/train.h"

const Average average_none = {
    .entry = {"none", "the model is what the last step left", NULL, NULL, 0}};
