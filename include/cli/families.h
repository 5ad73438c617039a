/* All registries of the program, for `ardis list` and for reading specs. */
#pragma once
#include "base/param.h"
#include "plan/experiment.h"

enum { FAMILIES_MOST = 64 };

/* The registries, each once: those that specs choose from, in the order in which a spec meets them,
   then the others. Gives how many. */
int families_all(const Family *list[FAMILIES_MOST]);

/* What a model (or a spec) says before an entry of the family: "code: ", "atoms: {name: free,
   start:
   ", "measure: ", and how many braces are open. False where specs do not choose one. */
bool family_open(const Family *family, Text *text, int *braces);
