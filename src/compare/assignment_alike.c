/* Rows of equal weights, as copies of one atom have. */
#include "compare/assignment_parts.h"

#include <stdlib.h>

typedef struct {
  uint64_t look; /* weights_look */
  int32_t row;
} Look;

static int compare_looks(const void *x, const void *y)
{
  const Look *a = x, *b = y;
  if (a->look != b->look) return a->look > b->look ? 1 : -1;
  return (a->row > b->row) - (a->row < b->row);
}

PetscErrorCode AssignmentAlike(const Matching *M, int32_t *alike)
{
  Look *look;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(M->n, &look));
  for (int64_t i = 0; i < M->n; i++) look[i] = (Look){weights_look(M->weights, i), (int32_t)i};
  qsort(look, (size_t)M->n, sizeof(*look), compare_looks);
  for (int64_t q = 0; q < M->n; q++) {
    const int32_t row = look[q].row, first = q > 0 ? alike[look[q - 1].row] : row;
    const bool same =
        q > 0 && look[q].look == look[q - 1].look && weights_alike(M->weights, first, row);
    alike[row] = same ? first : row;
  }
  PetscCall(PetscFree(look));
  PetscFunctionReturn(PETSC_SUCCESS);
}
