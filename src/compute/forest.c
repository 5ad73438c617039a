/* Forests for Kernels.walk: their memory, and the list of their first levels. */
#include "compute/forest.h"
#include "base/array.h"
#include "compute/kernels.h"
#include <math.h>

PetscErrorCode ForestCreate(int64_t trees, int64_t levels, Forest **out)
{
  Forest *f;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &f));
  *out = f;
  f->trees = trees, f->levels = levels, f->top = min_i64(levels, FOREST_TOP);
  PetscCall(ArrayCreate(trees << levels, &f->fork));
  PetscCall(ArrayCreate(trees << levels, &f->leaf));
  PetscCall(ArrayCreate(trees * f->top + 1, &f->start));
  PetscCall(ArrayCreate(trees << f->top, &f->list));
  for (int64_t i = 0; i < trees << levels; i++) f->fork[i].cut = INFINITY;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ForestReady(Forest *f)
{
  int64_t n = 0;

  PetscFunctionBegin;
  for (int64_t r = 0; r < f->trees; r++) {
    const Fork *fork = f->fork + (r << f->levels);
    for (int64_t level = 0; level < f->top; level++) {
      f->start[r * f->top + level] = n;
      for (int32_t i = (1 << level) - 1; i < (2 << level) - 1; i++)
        if (fork[i].cut < INFINITY)
          f->list[n++] = (TopFork){fork[i].dimension * PACKED_ROWS, fork[i].cut, i};
    }
  }
  f->start[f->trees * f->top] = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ForestDestroy(Forest **forest)
{
  Forest *f = *forest;

  PetscFunctionBegin;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&f->fork));
  PetscCall(ArrayDestroy(&f->leaf));
  PetscCall(ArrayDestroy(&f->start));
  PetscCall(ArrayDestroy(&f->list));
  PetscCall(ArrayDestroy(forest));
  PetscFunctionReturn(PETSC_SUCCESS);
}
