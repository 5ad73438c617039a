/* AuxK as overcomplete has it: codes that were not chosen learn to predict the residual, and the
   chosen ones learn from it too. */
#include "learn/sae.h"
#include <string.h>

typedef struct {
  int64_t k;
  double weight;
} Attached;

static const Param params[] = {
    {"k", PARAM_INT, offsetof(Attached, k), "0", 0, 1e9,
     "atoms not chosen that predict each token's residual; 0: half of all atoms"},
    {"weight", PARAM_REAL, offsetof(Attached, weight), "0.1", 0, 1e6,
     "weight of the squared error that remains, beside the goal's"},
    {0},
};

static SAEUnchosen unchosen(const void *settings, int64_t m)
{
  const Attached *how = settings;
  return (SAEUnchosen){min_i64(how->k ? how->k : max_i64(m / 2, 1), m), how->weight};
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const char *code = settings_get(all, "code.name");
  (void)settings;
  *path = "name";
  if (code && strcmp(code, "topk") && strcmp(code, "batchtopk") && strcmp(code, "jumprelu"))
    text_add(&why,
             "only topk, batchtopk and jumprelu leave scores above 0 that are not chosen, not %s; "
             "take auxk or reanimation",
             code);
  return why.s;
}

const SAERevive sae_revive_auxk_attached = {
    .entry = {"auxk_attached",
              "the best atoms that a token has not chosen predict its residual, dead or not, and "
              "the chosen ones learn from what remains",
              "KempnerInstitute/overcomplete v0.3, top_k_auxiliary_loss", params, sizeof(Attached),
              .check = check},
    .unchosen = unchosen,
};
