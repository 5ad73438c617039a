/* Probes of what the machine can do. */
#include "run/limits.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "compute/probe.h"
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 1 << 24, PIECE = 8 << 20, PIECES = 32, MESSAGE = 8 << 20 };

struct Limits {
  MPI_Comm comm;
  int rank, size;
  const Kernels *kernels;
  char *file;             /* of PIECES x PIECE bytes, once it was needed */
  float *a, *b, *c;       /* [WORDS] each, once they were needed; also the pieces and messages */
  double last[LIMITS];    /* 0: not measured yet */
  int64_t rounds[LIMITS]; /* of the register probes, for about 4 ms */
  double sink;
};

double thread_seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

PetscErrorCode LimitsCreate(MPI_Comm comm, const Kernels *kernels, const char *scratch,
                            Limits **limits)
{
  Text name = {0};

  PetscFunctionBegin;
  PetscCall(PetscCalloc(sizeof(**limits), (char **)limits));
  PetscCallMPI(MPI_Comm_rank(comm, &(*limits)->rank));
  PetscCallMPI(MPI_Comm_size(comm, &(*limits)->size));
  text_add(&name, "probe-%d", (*limits)->rank);
  (*limits)->comm = comm;
  (*limits)->kernels = kernels;
  (*limits)->file = path_join(scratch, name.s);
  text_clear(&name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LimitsDestroy(Limits **limits)
{
  PetscFunctionBegin;
  if (!*limits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&(*limits)->a));
  PetscCall(ArrayDestroy(&(*limits)->b));
  PetscCall(ArrayDestroy(&(*limits)->c));
  unlink((*limits)->file);
  free((*limits)->file);
  PetscCall(PetscFree(*limits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NeedMemory(Limits *limits)
{
  PetscFunctionBegin;
  if (limits->a) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(WORDS, &limits->a));
  PetscCall(ArrayCreate(WORDS, &limits->b));
  PetscCall(ArrayCreate(WORDS, &limits->c));
  for (int64_t i = 0; i < WORDS; i++)
    limits->a[i] = limits->b[i] = limits->c[i] = (float)(i % 997) * 1e-3f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double in_registers(const Limits *limits, Limit limit, int64_t rounds)
{
  if (limit == LIMIT_FMA) return limits->kernels->probe(rounds);
  return probe_dot(limits->kernels, limit == LIMIT_INT8 ? 8 : 16, rounds);
}

/* Operations a second, over about 4 ms. */
static double register_rate(Limits *limits, Limit limit)
{
  int64_t *rounds = &limits->rounds[limit];
  if (!*rounds) *rounds = 1000;
  for (;;) {
    const double start = thread_seconds(), work = in_registers(limits, limit, *rounds),
                 passed = thread_seconds() - start;
    if (work == 0) return 0;
    if (passed > 3e-3) return work / passed;
    *rounds *= 2;
  }
}

static double read_rate(Limits *limits)
{
  const uint64_t *x = (const uint64_t *)(const void *)limits->a;
  const double start = thread_seconds();
  uint64_t any = 0;
  for (int64_t i = 0; i < WORDS / 2; i++) any |= x[i];
  limits->sink += (double)any;
  return 4.0 * WORDS / (thread_seconds() - start);
}

static double triad_rate(Limits *limits)
{
  float *restrict to = limits->c;
  const float *restrict from = limits->a, *restrict other = limits->b;
  const double start = thread_seconds();
  for (int64_t i = 0; i < WORDS; i++) to[i] = from[i] + 0.5f * other[i];
  limits->sink += (double)to[WORDS / 2];
  return 12.0 * WORDS / (thread_seconds() - start);
}

/* The probe's file, out of the system's memory or in it. */
static PetscErrorCode MakeFile(Limits *limits)
{
  PetscFunctionBegin;
  if (file_exists(limits->file)) PetscFunctionReturn(PETSC_SUCCESS);
  const int to = open(limits->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  PetscCheck(to >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "cannot write %s", limits->file);
  for (int i = 0; i < PIECES; i++)
    PetscCheck(write(to, limits->a, PIECE) == PIECE, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
               "cannot write %s: is the disk full?", limits->file);
  fsync(to);
  close(to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Direct, where the file system can: past what the system holds in memory. */
static PetscErrorCode FileRate(Limits *limits, bool cached, double *rate)
{
  PetscFunctionBegin;
  PetscCall(MakeFile(limits));
  int from = cached ? -1 : open(limits->file, O_RDONLY | O_DIRECT);
  if (from < 0) from = open(limits->file, O_RDONLY);
  PetscCheck(from >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "cannot read %s", limits->file);
  if (!cached) posix_fadvise(from, 0, 0, POSIX_FADV_DONTNEED);
  double start = 0;
  for (int round = cached ? 0 : 1; round < 2; round++) { /* cached: the first only fills */
    start = clock_seconds();
    for (int i = 0; i < PIECES; i++)
      PetscCheck(pread(from, limits->b, PIECE, (off_t)i * PIECE) == PIECE, PETSC_COMM_SELF,
                 PETSC_ERR_FILE_READ, "cannot read %s", limits->file);
  }
  *rate = (double)PIECES * PIECE / (clock_seconds() - start);
  close(from);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ranks 0 and 1; the others wait and learn. */
static PetscErrorCode PairRate(Limits *limits, Limit limit, double *rate)
{
  const int rounds = limit == LIMIT_PING ? 2000 : 8, other = 1 - limits->rank;
  double start = 0;

  PetscFunctionBegin;
  *rate = 0;
  if (limits->size < 2) PetscFunctionReturn(PETSC_SUCCESS);
  for (int r = -rounds / 4; r < rounds && limits->rank < 2; r++) {
    if (r == 0) start = clock_seconds();
    if (limit == LIMIT_LINK) {
      PetscCallMPI(MPI_Sendrecv(limits->a, MESSAGE, MPI_BYTE, other, 0, limits->b, MESSAGE,
                                MPI_BYTE, other, 0, limits->comm, MPI_STATUS_IGNORE));
    } else if (limits->rank == 0) {
      PetscCallMPI(MPI_Send(limits->a, 8, MPI_BYTE, 1, 0, limits->comm));
      PetscCallMPI(MPI_Recv(limits->b, 8, MPI_BYTE, 1, 0, limits->comm, MPI_STATUS_IGNORE));
    } else {
      PetscCallMPI(MPI_Recv(limits->b, 8, MPI_BYTE, 0, 0, limits->comm, MPI_STATUS_IGNORE));
      PetscCallMPI(MPI_Send(limits->a, 8, MPI_BYTE, 0, 0, limits->comm));
    }
  }
  const double passed = clock_seconds() - start;
  *rate = limit == LIMIT_PING ? 2.0 * rounds / passed : (double)rounds * MESSAGE / passed;
  PetscCallMPI(MPI_Bcast(rate, 1, MPI_DOUBLE, 0, limits->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LimitProbe(Limits *limits, Limit limit, double *rate)
{
  PetscFunctionBegin;
  *rate = 0;
  if (limit > LIMIT_INT16) PetscCall(NeedMemory(limits));
  switch (limit) {
  case LIMIT_FMA:
  case LIMIT_INT8:
  case LIMIT_INT16:
    *rate = register_rate(limits, limit);
    break;
  case LIMIT_READ:
    *rate = read_rate(limits);
    break;
  case LIMIT_TRIAD:
    *rate = triad_rate(limits);
    break;
  case LIMIT_DISK:
  case LIMIT_CACHED:
    PetscCall(FileRate(limits, limit == LIMIT_CACHED, rate));
    break;
  case LIMIT_PING:
  case LIMIT_LINK:
    PetscCall(PairRate(limits, limit, rate));
    break;
  default:
    break;
  }
  limits->last[limit] = *rate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LimitGet(Limits *limits, Limit limit, double *rate)
{
  PetscFunctionBegin;
  if (!(limits->last[limit] > 0)) PetscCall(LimitProbe(limits, limit, rate));
  *rate = limits->last[limit];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  const char *name, *unit;
  double scale;
} words[LIMITS] = {
    [LIMIT_NONE] = {"", "", 1},
    [LIMIT_FMA] = {"multiply-add peak", "GFLOP/s", 1e9},
    [LIMIT_INT8] = {"int8 peak", "Gop/s", 1e9},
    [LIMIT_INT16] = {"int16 peak", "Gop/s", 1e9},
    [LIMIT_READ] = {"memory read", "GB/s", 1e9},
    [LIMIT_TRIAD] = {"memory triad", "GB/s", 1e9},
    [LIMIT_DISK] = {"file read, uncached", "GB/s", 1e9},
    [LIMIT_CACHED] = {"file read, cached", "GB/s", 1e9},
    [LIMIT_PING] = {"2-rank messages", "1000/s", 1e3},
    [LIMIT_LINK] = {"2-rank exchange", "GB/s", 1e9},
};

const char *limit_name(Limit limit)
{
  return words[limit].name;
}

const char *limit_unit(Limit limit, double *scale)
{
  *scale = words[limit].scale;
  return words[limit].unit;
}
