/* Adam with weight decay apart from the gradient: p = p - lr decay p before Adam's step. */
#include "learn/adam.h"
#include <string.h>

typedef struct {
  AdamParams adam;
  double decay;
} AdamW;

static const Param params[] = {
    ADAM_PARAMS,
    {"decay", PARAM_REAL, offsetof(AdamW, decay), "1e-5", 0, 1,
     "share of every parameter that a step at learning rate 1 takes away"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const char *atoms = settings_get(all, "atoms.name");
  *path = "decay";
  if (((const AdamW *)settings)->decay > 0 && atoms && !strncmp(atoms, "hull", 4))
    text_add(&why, "weights of anchors have a sum of 1, and decay would only be undone; take 0, or "
                   "adam");
  return why.s;
}

static void update(const void *settings, const Update *now)
{
  const float keep = (float)(1 - now->rate * ((const AdamW *)settings)->decay);
  for (int64_t i = 0; i < now->count; i++) now->p[i] *= keep;
  adam_update(settings, now);
}

const Optimizer optimizer_adamw = {
    .entry = {"adamw", "Adam with weight decay apart from the gradient",
              "Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2", params, sizeof(AdamW),
              .check = check},
    .rate = adam_rate,
    .update = update,
};
