/* Reading JSON. */
#pragma once
#include "base/table.h"

/* JsonFlatten - every value of one JSON text as (path, value) rows: {"a": {"b": [1]}} gives a.b.0
   = 1. Strings are decoded, null is "", numbers and words stay as written. *valid false: not JSON
   (the rows before the fault stay). Not collective. */
PetscErrorCode JsonFlatten(const char *text, size_t length, Table *paths, bool *valid);
