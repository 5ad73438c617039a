/* Reanimation: scores of atoms that are active nowhere in a batch are pushed up. */
#include "learn/sae.h"
#include <string.h>

typedef struct {
  double weight;
  int over;
} Reanimation;

enum { OVER_ALL, OVER_SILENT };
static const char *const over_words[] = {"all", "silent", NULL};

static const Param params[] = {
    {"weight", PARAM_REAL, offsetof(Reanimation, weight), "0.001", 0, 1e6,
     "what the loss loses of the mean score; the library's regulariser, over silent atoms, sums "
     "over tokens: its 0.1 is 0.1 times their number here"},
    {"over", PARAM_WORD, offsetof(Reanimation, over), "all",
     .doc = "the sum of the silent atoms' scores is divided by the number of all atoms, or of the "
            "silent ones (and of tokens)",
     .words = over_words},
    {0},
};

static double lift(const void *settings, int64_t m, int64_t silent)
{
  const Reanimation *how = settings;
  return how->weight / (double)(how->over == OVER_ALL ? m : max_i64(silent, 1));
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  const char *encoder = settings_get(all, "encoder.name");
  Text why = {0};
  (void)settings;
  *path = "name";
  if (encoder && !strcmp(encoder, "identity"))
    text_add(&why, "scores are pushed up by the encoder's rows and biases, and the identity has "
                   "none that learn; take encoder: linear or tied");
  return why.s;
}

const SAERevive sae_revive_reanimation = {
    .entry = {"reanimation", "scores of atoms that are active nowhere in the batch are pushed up",
              "KempnerInstitute/overcomplete v0.3, with Fel et al. 2025, arXiv:2502.12892", params,
              sizeof(Reanimation), .check = check},
    .lift = lift,
};
