/* AuxK: dead atoms learn to predict the residual. */
#include "learn/sae.h"

typedef struct {
  int64_t k, dead_after;
  double weight;
  int count;
} AuxK;
static const char *const count_words[] = {"tokens", "steps", "epoch", NULL}; /* as DeadCount */

static const Param params[] = {
    {"k", PARAM_INT, offsetof(AuxK, k), "0", 0, 1e9,
     "dead atoms that predict each token's residual; 0: half the tokens' width"},
    {"weight", PARAM_REAL, offsetof(AuxK, weight), "0.03125", 0, 1e6,
     "weight of the auxiliary loss, the residual's squared error over its variance"},
    {"dead_after", PARAM_INT, offsetof(AuxK, dead_after), "10000000", 1, 1e15,
     "tokens without firing after which an atom is dead"},
    {"count", PARAM_WORD, offsetof(AuxK, count), "tokens",
     .doc =
         "what dead_after counts: tokens, steps, or (epoch) atoms are dead that were silent since "
         "the epoch began, whatever dead_after is",
     .words = count_words, .quiet = true},
    {0},
};

static SAEAux aux(const void *settings, int64_t d)
{
  const AuxK *auxk = settings;
  return (SAEAux){auxk->k ? auxk->k : max_i64(d / 2, 1), auxk->dead_after, auxk->weight,
                  (DeadCount)auxk->count};
}

const SAERevive sae_revive_auxk = {
    .entry = {"auxk", "the k best dead atoms of each token predict its residual",
              "Gao et al. 2024, arXiv:2406.04093, appendix A.2", params, sizeof(AuxK)},
    .aux = aux,
};
