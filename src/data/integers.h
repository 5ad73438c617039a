/* Whole numbers beside tokens: labels, groups and positions from a .npy file or an array of an HDF5
   file (FILE:/ARRAY). */
#pragma once
#include "base/h5.h"

typedef struct Integers Integers;
/* IntegersOpen - [n] or [n x columns] numbers. What is wrong is a mistake, *integers NULL then. Not
   collective. IntegersClose takes NULL too. */
PetscErrorCode IntegersOpen(const char *argument, Mistakes *mistakes, Integers **integers);
PetscErrorCode IntegersClose(Integers **integers);
int64_t integers_count(const Integers *integers);
int integers_columns(const Integers *integers);
const char *integers_path(const Integers *integers);
/* IntegersRead - rows first .. [count x columns]. Not collective. */
PetscErrorCode IntegersRead(Integers *integers, int64_t first, int64_t count, int64_t *values);
