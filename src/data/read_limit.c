/* A limit on the rate of reading, for measuring what a slow file system would do. */
#include "base/clock.h"
#include "token_files.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>

/* Seconds by which reading may be ahead of its rate, and of the longest sleep. */
#define CREDIT 0.005
#define NAP 0.02

PetscErrorCode ReadLimitOpen(MPI_Comm comm, ReadLimit *limit, Mistakes *mistakes)
{
  const char *text = getenv("ARDIS_READ_LIMIT");
  char *end = NULL;
  int size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  *limit = (ReadLimit){0};
  pthread_mutex_init(&limit->lock, NULL);
  const double rate = text && *text ? strtod(text, &end) : 0;
  if (text && *text && (*end || !(rate > 0) || !isfinite(rate)))
    mistake(mistakes, NULL, 0, 0, "ARDIS_READ_LIMIT is %s: megabytes a second above 0 are needed",
            text);
  else
    limit->rate = rate * 1e6 / size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ReadLimitClose(ReadLimit *limit)
{
  PetscFunctionBegin;
  pthread_mutex_destroy(&limit->lock);
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool read_limit_wait(ReadLimit *limit, size_t bytes, const atomic_bool *stop)
{
  if (stop && *stop) return false;
  if (limit->rate <= 0) return true;
  pthread_mutex_lock(&limit->lock);
  const double now = clock_seconds(), due = fmax(limit->free, now - CREDIT);
  limit->free = due + (double)bytes / limit->rate;
  pthread_mutex_unlock(&limit->lock);
  for (double left = due - now; left > CREDIT; left = due - clock_seconds()) {
    const double nap = fmin(left, NAP);
    const struct timespec time = {0, (long)(1e9 * nap)};
    nanosleep(&time, NULL);
    if (stop && *stop) return false;
  }
  return true;
}
