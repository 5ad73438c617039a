/* Centroids that the ranks of a node prepare together, each a part, and their order. */
#include "nearest_parts.h"
#include <string.h>

void nearest_part(const Nodes *nodes, int64_t n, int64_t unit, int64_t *first, int64_t *count)
{
  part_of(n, unit, nodes ? nodes_rank(nodes) : 0, nodes ? nodes_size(nodes) : 1, first, count);
}

PetscErrorCode NearestMeet(Nodes *nodes)
{
  PetscFunctionBegin;
  if (nodes) PetscCall(NodesBarrier(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestArray(Nodes *nodes, int64_t n, size_t size, void **array)
{
  PetscFunctionBegin;
  if (nodes)
    PetscCall(SharedCreateBytes(nodes, n, size, array));
  else
    PetscCall(ArrayCreateBytes(n, size, array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestArrayDestroy(Nodes *nodes, void **array)
{
  PetscFunctionBegin;
  if (nodes)
    PetscCall(SharedDestroyBytes(nodes, array));
  else
    PetscCall(ArrayDestroyBytes(array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestSort(int64_t n, const float *key, int32_t *order)
{
  enum { DIGIT = 11, DIGITS = 1 << DIGIT };
  int32_t *from, *to = order;
  uint32_t bits;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(n, &from));
  int32_t *scratch = from;
  for (int64_t i = 0; i < n; i++) from[i] = (int32_t)i;
  for (int shift = 0; shift < 3 * DIGIT; shift += DIGIT) { /* bits rise with the number */
    int64_t place[DIGITS + 1] = {0};
    for (int64_t i = 0; i < n; i++) {
      memcpy(&bits, &key[i], sizeof(bits));
      place[(bits >> shift & (DIGITS - 1)) + 1]++;
    }
    for (int q = 0; q < DIGITS; q++) place[q + 1] += place[q];
    for (int64_t i = 0; i < n; i++) {
      memcpy(&bits, &key[from[i]], sizeof(bits));
      to[place[bits >> shift & (DIGITS - 1)]++] = from[i];
    }
    int32_t *last = to;
    to = from, from = last;
  }
  if (from != order) memcpy(order, from, (size_t)n * sizeof(*order));
  PetscCall(ArrayDestroy(&scratch));
  PetscFunctionReturn(PETSC_SUCCESS);
}
