/* Sparse codes in compressed rows. */
#include "learn/codes.h"
#include <stdlib.h>
#include <string.h>

PetscErrorCode CodesReserve(Codes *codes, int64_t rows, int64_t count)
{
  PetscFunctionBegin;
  if (rows > codes->row_space || !codes->start) {
    int64_t *start = realloc(codes->start, (size_t)(rows + 1) * sizeof(*start));
    PetscCheck(start, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the codes of %lld tokens",
               (long long)rows);
    if (!codes->start) start[0] = 0;
    codes->start = start, codes->row_space = rows;
  }
  if (count > codes->space || !codes->atom) {
    const int64_t space = count + count / 2 + 16;
    int32_t *atom = realloc(codes->atom, (size_t)space * sizeof(*atom));
    if (atom) codes->atom = atom;
    float *value = realloc(codes->value, (size_t)space * sizeof(*value));
    if (value) codes->value = value;
    float *more = codes->has_more ? realloc(codes->more, (size_t)space * sizeof(*more)) : value;
    if (more && codes->has_more) codes->more = more;
    PetscCheck(atom && value && more, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %lld codes",
               (long long)space);
    codes->space = space;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void codes_clear(Codes *codes)
{
  free(codes->start);
  free(codes->atom);
  free(codes->value);
  free(codes->more);
  memset(codes, 0, sizeof(*codes));
}
