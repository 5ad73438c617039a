/* Dead atoms begin anew from tokens that are reconstructed badly. */
#include "learn/sae.h"
#include <string.h>

typedef struct {
  int64_t every, times, dead_after;
  double scale;
  int count;
} ResampleParams;

static const char *const count_words[] = {"tokens", "steps", "epoch", NULL}; /* as DeadCount */

static const Param params[] = {
    {"every", PARAM_INT, offsetof(ResampleParams, every), "25000", 1, 1e12,
     "steps from one turn to the next, the first after as many; the last step has none"},
    {"times", PARAM_INT, offsetof(ResampleParams, times), "4", 0, 1e12, "turns, at most"},
    {"dead_after", PARAM_INT, offsetof(ResampleParams, dead_after), "12500", 1, 1e15,
     "steps (or tokens) without firing after which an atom is dead"},
    {"count", PARAM_WORD, offsetof(ResampleParams, count), "steps",
     .doc = "what dead_after counts: tokens, steps, or (epoch) atoms are dead that were silent "
            "since the epoch began, whatever dead_after is",
     .words = count_words},
    {"scale", PARAM_REAL, offsetof(ResampleParams, scale), "0.2", 0, 1e6,
     "norm of the new encoder row, in parts of the mean norm of living atoms' rows",
     .open_min = true},
    {0},
};

static SAEResample resample(const void *settings)
{
  const ResampleParams *how = settings;
  return (SAEResample){how->every, how->times, how->dead_after, how->scale, (DeadCount)how->count};
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  const char *encoder = settings_get(all, "encoder.name");
  Text why = {0};
  (void)settings;
  *path = "name";
  if (encoder && strcmp(encoder, "linear"))
    text_add(&why,
             "an atom begins anew with an encoder row of its own along the token, which only the "
             "encoder linear has, not %s",
             encoder);
  return why.s;
}

const SAERevive sae_revive_resample = {
    .entry = {"resample",
              "at some steps dead atoms become tokens of the batch, drawn by their squared error's "
              "square, with a short encoder row and no moments",
              "Bricken et al. 2023, Towards Monosemanticity, neuron resampling", params,
              sizeof(ResampleParams), .check = check},
    .resample = resample,
};
