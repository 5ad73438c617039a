/* Shared arrays are anonymous files in memory (memfd_create), made by the first rank of a node and
   opened by the others through /proc: unlike /dev/shm they have no limit of their own, and nothing
   stays behind whatever ends the program. */
#include "base/array.h"
#include "nodes.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 and later; elsewhere an error that changes nothing */
#endif

enum { PAGE = 4096 };                       /* bytes */
static const size_t huge = (size_t)2 << 20; /* of a huge page */

/* The pages of a file, huge ones where the CPU can map them. */
static void *map_file(int fd, size_t bytes)
{
  const size_t spare = bytes % huge ? 0 : huge;
  char *room = mmap(NULL, bytes + spare, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return MAP_FAILED;
  const size_t before = spare ? (huge - (uintptr_t)room % huge) % huge : 0, after = spare - before;
  if (before) munmap(room, before);
  if (after) munmap(room + before + bytes, after);
  void *x = mmap(room + before, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  if (x == MAP_FAILED) munmap(room + before, bytes);
  return x;
}

/* Huge pages for this rank's part of shared pages. Most systems give none to a file in memory by
   themselves, and rows picked from small pages, at random, wait for the tables of pages. */
static void take_huge(const Nodes *nodes, size_t bytes, char *x)
{
  const size_t units = bytes / huge, rank = (size_t)nodes->node_rank,
               size = (size_t)nodes->node_size, from = units * rank / size * huge,
               to = units * (rank + 1) / size * huge;
  if (bytes % huge || from == to) return;
  for (size_t i = from; i < to; i += huge)
    (void)*(volatile char *)(x + i); /* a page to begin with */
  madvise(x + from, to - from, MADV_COLLAPSE);
}

PetscErrorCode MapTogether(const Nodes *nodes, size_t bytes, void **x)
{
  struct {
    int64_t pid, file, inode, device;
  } where = {0};
  int fd = -1, good;
  struct stat stat = {0};

  PetscFunctionBegin;
  *x = MAP_FAILED;
  if (nodes->node_rank == 0) {
    fd = memfd_create("ardis", MFD_CLOEXEC);
    if (fd >= 0 && (ftruncate(fd, (off_t)bytes) || fstat(fd, &stat))) close(fd), fd = -1;
    where.pid = getpid(), where.file = fd;
    where.inode = (int64_t)stat.st_ino, where.device = (int64_t)stat.st_dev;
  }
  PetscCallMPI(MPI_Bcast(&where, (int)sizeof(where), MPI_BYTE, 0, nodes->node));
  if (nodes->node_rank && where.file >= 0) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%lld/fd/%lld", (long long)where.pid, (long long)where.file);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &stat) || (int64_t)stat.st_ino != where.inode ||
                    (int64_t)stat.st_dev != where.device))
      close(fd), fd = -1; /* another process with that number, in a namespace of its own */
  }
  if (fd >= 0) *x = map_file(fd, bytes);
#ifdef MADV_HUGEPAGE
  if (*x != MAP_FAILED) madvise(*x, bytes, MADV_HUGEPAGE);
#endif
  if (*x != MAP_FAILED) take_huge(nodes, bytes, *x);
  good = *x != MAP_FAILED;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &good, 1, MPI_INT, MPI_MIN, nodes->node));
  if (fd >= 0) close(fd);
  if (!good && *x != MAP_FAILED) munmap(*x, bytes);
  if (!good) *x = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SharedCreateBytes(Nodes *nodes, int64_t n, size_t size, void **array)
{
  PetscFunctionBegin;
  if (nodes_size(nodes) == 1) {
    PetscCall(ArrayCreateBytes(n, size, array));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(n >= 0 && (size_t)n < SIZE_MAX / 4 / (size ? size : 1), PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ, "an array of %lld elements of %zu bytes", (long long)n, size);
  Segment *segment = calloc(1, sizeof(*segment));
  PetscCheck(segment, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  const size_t unit = (size_t)n * size < huge ? PAGE : huge;
  segment->bytes = ((size_t)n * size + unit) / unit * unit;
  PetscCall(MapTogether(nodes, segment->bytes, &segment->x));
  PetscCheck(segment->x, PETSC_COMM_SELF, PETSC_ERR_MEM,
             "no memory for %zu bytes shared by the ranks of a node", segment->bytes);
  segment->next = nodes->segments;
  nodes->segments = segment;
  *array = segment->x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SharedDestroyBytes(Nodes *nodes, void **array)
{
  PetscFunctionBegin;
  if (!*array) PetscFunctionReturn(PETSC_SUCCESS);
  if (nodes_size(nodes) == 1) {
    PetscCall(ArrayDestroyBytes(array));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Segment **at = &nodes->segments;
  while (*at && (*at)->x != *array) at = &(*at)->next;
  PetscCheck(*at, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "not a shared array");
  Segment *segment = *at;
  *at = segment->next;
  munmap(segment->x, segment->bytes);
  free(segment);
  *array = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Messages under way. */
typedef struct {
  MPI_Request *request;
  int count, space;
} Requests;

/* One message in pieces that MPI can count. */
static PetscErrorCode Message(const Nodes *nodes, bool send, char *x, int64_t bytes, int other,
                              int tag, Requests *requests)
{
  const int64_t most = (int64_t)1 << 30;

  PetscFunctionBegin;
  for (int64_t at = 0; at < bytes; at += most) {
    const int count = (int)min_i64(most, bytes - at);
    if (requests->count == requests->space) {
      requests->space = 2 * requests->space + 16;
      requests->request =
          realloc(requests->request, (size_t)requests->space * sizeof(*requests->request));
      PetscCheck(requests->request, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    }
    MPI_Request *request = &requests->request[requests->count++];
    if (send)
      PetscCallMPI(MPI_Isend(x + at, count, MPI_BYTE, other, tag, nodes->comm, request));
    else
      PetscCallMPI(MPI_Irecv(x + at, count, MPI_BYTE, other, tag, nodes->comm, request));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rows(const Nodes *nodes, bool send, const SharedRows *rows, int owner,
                           int other, int tag, Requests *requests)
{
  const int64_t from = rows->start[owner], to = rows->start[owner + 1];

  PetscFunctionBegin;
  PetscCall(Message(nodes, send, (char *)rows->x + from * rows->bytes, (to - from) * rows->bytes,
                    other, tag, requests));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SharedExchange(Nodes *nodes, int count, const SharedRows *arrays)
{
  Requests requests = {0};

  PetscFunctionBegin;
  for (int i = 0; i < count && nodes->count > 1; i++)
    for (int r = 0; r < nodes->size; r++)
      if (nodes->node_of[r] != nodes->number && nodes_peer(nodes, nodes->number, r) == nodes->rank)
        PetscCall(Rows(nodes, false, &arrays[i], r, r, i, &requests));
  for (int i = 0; i < count; i++)
    for (int step = 1; step < nodes->count; step++) { /* each node begins with its successor */
      const int node = (nodes->number + step) % nodes->count;
      PetscCall(Rows(nodes, true, &arrays[i], nodes->rank, nodes_peer(nodes, node, nodes->rank), i,
                     &requests));
    }
  if (requests.count)
    PetscCallMPI(MPI_Waitall(requests.count, requests.request, MPI_STATUSES_IGNORE));
  free(requests.request);
  PetscCall(NodesBarrier(nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
