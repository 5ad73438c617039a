/* Aligned memory. */
#include "base/array.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Memory of any values; *bytes: how many there are. */
static PetscErrorCode Allocate(int64_t n, size_t size, void **array, size_t *bytes)
{
  PetscFunctionBegin;
  PetscCheck(n >= 0 && (size_t)n < SIZE_MAX / 2 / (size ? size : 1), PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ, "an array of %lld elements of %zu bytes", (long long)n, size);
  *bytes = (size_t)n * size;
  const size_t huge = (size_t)2 << 20, align = *bytes >= huge / 4 ? huge : 64;
  *bytes = (*bytes + align - 1) / align * align;
  if (!*bytes) *bytes = align;
  *array = aligned_alloc(align, *bytes);
  PetscCheck(*array, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for %zu bytes", *bytes);
#ifdef MADV_HUGEPAGE
  if (align == huge) madvise(*array, *bytes, MADV_HUGEPAGE);
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ArrayCreateBytes(int64_t n, size_t size, void **array)
{
  size_t bytes;

  PetscFunctionBegin;
  PetscCall(Allocate(n, size, array, &bytes));
  memset(*array, 0, bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ArrayScratchBytes(int64_t n, size_t size, void **array)
{
  size_t bytes;

  PetscFunctionBegin;
  PetscCall(Allocate(n, size, array, &bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ArrayDestroyBytes(void **array)
{
  PetscFunctionBegin;
  free(*array);
  *array = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
