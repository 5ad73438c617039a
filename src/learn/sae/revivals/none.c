/* Silent atoms are left alone. */
#include "learn/sae.h"

static SAEAux aux(const void *settings, int64_t d)
{
  (void)settings, (void)d;
  return (SAEAux){0};
}

const SAERevive sae_revive_none = {.entry = {"none", "silent atoms are left alone", NULL, NULL, 0},
                                   .aux = aux};
