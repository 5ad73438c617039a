/* tap.h - TAP for MPI test programs: TestBegin, OK and NEAR (collective: pass only if they hold on
 * every rank), TestEnd. */
#pragma once
#include "base/error.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;
static int tap_rank, tap_size;

static inline void tap_ok(bool cond, const char *file, int line, const char *format, ...)
{
  char what[512];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof(what), format, list);
  va_end(list);
  int mine = cond, all;
  MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  tap_count++;
  tap_failed += !all;
  if (!mine) fprintf(stderr, "# rank %d: %s:%d: %s\n", tap_rank, file, line, what);
  if (tap_rank == 0) printf("%sok %d - %s\n", all ? "" : "not ", tap_count, what), fflush(stdout);
}

#define OK(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define NEAR(a, b, tol, ...) tap_near((a), (b), (tol), __FILE__, __LINE__, __VA_ARGS__)
#define tap_near(a, b, tol, file, line, ...)                                                       \
  do {                                                                                             \
    const double tap_a = (a), tap_b = (b);                                                         \
    if (!(fabs(tap_a - tap_b) <= (tol)))                                                           \
      fprintf(stderr, "# %s:%d: %.17g against %.17g\n", file, line, tap_a, tap_b);                 \
    tap_ok(fabs(tap_a - tap_b) <= (tol), file, line, __VA_ARGS__);                                 \
  } while (0)

/* The same bytes on every rank of the world. Collective. */
static inline bool tap_same(const void *bytes, size_t count)
{
  uint64_t h = 1469598103934665603u, low, high;
  for (size_t i = 0; i < count; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
  MPI_Allreduce(&h, &low, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
  MPI_Allreduce(&h, &high, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
  return low == high;
}
#define SAME_ON_ALL_RANKS(bytes, count, ...) OK(tap_same((bytes), (count)), __VA_ARGS__)

static inline void TestBegin(int *argc, char ***argv)
{
  if (PetscInitialize(argc, argv, NULL, NULL)) _Exit(1);
  MPI_Comm_rank(MPI_COMM_WORLD, &tap_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &tap_size);
}

static inline int TestEnd(void)
{
  if (tap_rank == 0) printf("1..%d\n", tap_count);
  fflush(stdout);
  const int code = tap_failed != 0 || PetscFinalize();
  return code;
}
/* In main: wraps a PetscErrorCode function so that an error fails the program. */
#define RUN(call)                                                                                  \
  do {                                                                                             \
    const PetscErrorCode tap_error = (call);                                                       \
    if (tap_error) MPI_Abort(MPI_COMM_WORLD, 1);                                                   \
  } while (0)
