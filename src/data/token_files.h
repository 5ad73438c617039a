/* What lies behind Tokens, for the files that open them and the files that read them. */
#pragma once
#include "base/digest.h"
#include "data/tokens.h"
#include <pthread.h>
#include <stdatomic.h>

/* What is broadcast about one file. */
typedef struct {
  int64_t n, d, kind, offset;
  int64_t groups, labels; /* offsets, -1: none */
  char digest[DIGEST_LENGTH];
} FileFacts;

typedef struct {
  FileFacts facts;
  int64_t first; /* row of its first token among all */
  int fd;
  char *path;
} TokenFile;

/* At most so many bytes a second are read; a rate of 0 is no limit. */
typedef struct {
  double rate, free; /* when the bytes read so far are paid for, in seconds of the clock */
  pthread_mutex_t lock;
} ReadLimit;

struct Tokens {
  const Kernels *kernels;
  int64_t files, n, d;
  TokenFile *file;
  TokenStatistics *statistics;
  char digest[DIGEST_LENGTH];
  int64_t size; /* bytes of the widest number stored in the files */
  ReadLimit limit;
  int64_t piece_rows;
  void *piece; /* [piece_rows x d x size] stored rows on their way */
};

/* ReadLimitOpen - from ARDIS_READ_LIMIT, the megabytes a second that the ranks of comm read
   together; each has an equal share. Collective on comm. ReadLimitClose follows it. */
PetscErrorCode ReadLimitOpen(MPI_Comm comm, ReadLimit *limit, Mistakes *mistakes);
PetscErrorCode ReadLimitClose(ReadLimit *limit);
/* Waits until bytes may be read. false: stop, which may be NULL, became true meanwhile. */
bool read_limit_wait(ReadLimit *limit, size_t bytes, const atomic_bool *stop);
