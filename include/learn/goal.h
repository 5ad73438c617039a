/* Goals whose levels go by the size of codes: nested TopK. */
#pragma once
#include "learn/sae.h"

/* Entry.check: such a goal needs a code that keeps the k largest scores. */
char *nested_check(const Settings *all);
