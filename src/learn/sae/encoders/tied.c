/* The encoder's rows are the atoms themselves. */
#include "learn/sae.h"
#include <string.h>

static const Param params[] = {
    ENCODER_BIAS(EncoderParams),
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const char *atoms = settings_get(all, "atoms.name");
  (void)settings;
  *path = "name";
  if (atoms && !strncmp(atoms, "hull", 4))
    text_add(&why,
             "rows as long as tokens would give scores far too large: atoms of anchors have no "
             "unit length; take linear");
  return why.s;
}

const SAEEncoder sae_encoder_tied = {
    .entry = {"tied", "the atoms are the encoder's rows; biases are learned", NULL, params,
              sizeof(EncoderParams), .check = check},
    .rows = ROWS_ATOMS,
};
