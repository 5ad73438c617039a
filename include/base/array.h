/* Arrays: aligned memory, and views of rows. */
#pragma once
#include "base/error.h"

/* A view of rows x cols floats, row-major, stride floats from one row to the next. Owns nothing. */
typedef struct {
  float *x;
  int64_t rows, cols, stride;
} Mat32;

/* ArrayCreate - n elements of size bytes, all 0, aligned to 64 bytes, on huge pages where large. n
   may be 0. Not collective. Errors: PETSC_ERR_MEM when there is no memory, with the size.
   ArrayDestroy takes what ArrayCreate gave (the macros fill in the size for ArrayCreateBytes and
   ArrayDestroyBytes), or NULL. */
PetscErrorCode ArrayCreateBytes(int64_t n, size_t size, void **array);
PetscErrorCode ArrayDestroyBytes(void **array);
/* ArrayScratch (ArrayScratchBytes) - the same, of any values: for what is written before it is
 * read. */
PetscErrorCode ArrayScratchBytes(int64_t n, size_t size, void **array);
#define ArrayScratch(n, array) ArrayScratchBytes((n), sizeof(**(array)), (void **)(array))
#define ArrayCreate(n, array) ArrayCreateBytes((n), sizeof(**(array)), (void **)(array))
#define ArrayDestroy(array) ArrayDestroyBytes((void **)(array))

static inline int64_t min_i64(int64_t a, int64_t b)
{
  return a < b ? a : b;
}
static inline int64_t max_i64(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

/* The part of 0..n-1 that rank of size owns: [first, first + count), sizes differ by at most one
 * unit. */
static inline void part_of(int64_t n, int64_t unit, int rank, int size, int64_t *first,
                           int64_t *count)
{
  const int64_t units = (n + unit - 1) / unit, each = units / size, more = units % size;
  const int64_t begin = rank * each + min_i64(rank, more), end = begin + each + (rank < more);
  *first = min_i64(begin * unit, n);
  *count = min_i64(end * unit, n) - *first;
}

/* The first of each rank's part of 0..n-1, as part_of(n, 1) gives it, and n: start [size + 1]. */
static inline void parts_of(int64_t n, int size, int64_t *start)
{
  int64_t count;
  for (int r = 0; r < size; r++) part_of(n, 1, r, size, &start[r], &count);
  start[size] = n;
}
