/* Rows of equal weights, as copies of one atom have. */
#include "compare/assignment_parts.h"

#include <stdlib.h>
#include <string.h>

enum { LOOKS = 64 };

typedef struct {
  uint64_t look; /* mixed from a few of the row's weights */
  int32_t row;
} Look;

static int compare_looks(const void *x, const void *y)
{
  const Look *a = x, *b = y;
  if (a->look != b->look) return a->look > b->look ? 1 : -1;
  return (a->row > b->row) - (a->row < b->row);
}

static uint64_t look_at(const Matching *M, int64_t i)
{
  uint64_t look = 0;
  for (int64_t q = 0; q < LOOKS; q++) {
    look ^= (uint32_t)M->weight[i * M->m + q * M->m / LOOKS];
    look *= UINT64_C(0x9e3779b97f4a7c15);
    look ^= look >> 32;
  }
  return look;
}

PetscErrorCode AssignmentAlike(const Matching *M, int32_t *alike)
{
  const size_t bytes = (size_t)M->m * sizeof(*M->weight);
  Look *look;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(M->n, &look));
  for (int64_t i = 0; i < M->n; i++) look[i] = (Look){look_at(M, i), (int32_t)i};
  qsort(look, (size_t)M->n, sizeof(*look), compare_looks);
  for (int64_t q = 0; q < M->n; q++) {
    const int32_t row = look[q].row, first = q > 0 ? alike[look[q - 1].row] : row;
    const bool same = q > 0 && look[q].look == look[q - 1].look &&
                      !memcmp(M->weight + first * M->m, M->weight + row * M->m, bytes);
    alike[row] = same ? first : row;
  }
  PetscCall(PetscFree(look));
  PetscFunctionReturn(PETSC_SUCCESS);
}
