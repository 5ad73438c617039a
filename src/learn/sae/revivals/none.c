/* Silent atoms are left alone. */
#include "learn/sae.h"

const SAERevive sae_revive_none = {.entry = {"none", "silent atoms are left alone", NULL, NULL, 0}};
