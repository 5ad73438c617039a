/* Reading whole numbers of any width. */
#include "integers.h"
#include "npy.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct Integers {
  char *path, *array; /* array: name in an HDF5 file */
  int fd, columns;
  int64_t n;
  NpyHeader header;
  H5Reader *reader;
};

static PetscErrorCode OpenArray(Integers *integers, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  H5Info info;
  bool found;
  PetscCall(H5ReaderOpen(integers->path, mistakes, &integers->reader));
  if (!integers->reader) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5ReaderInfo(integers->reader, integers->array, &info, &found));
  if (!found)
    mistake(mistakes, integers->path, 0, 0, "has no array %s", integers->array);
  else if (info.kind < H5_I32 || info.kind > H5_U8)
    mistake(mistakes, integers->path, 0, 0, "%s does not hold whole numbers", integers->array);
  else if (info.rank < 1 || info.rank > 2)
    mistake(mistakes, integers->path, 0, 0, "%s has %d dimensions, 1 or 2 are needed",
            integers->array, info.rank);
  integers->n = info.dims[0];
  integers->columns = info.rank == 2 ? (int)info.dims[1] : 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void open_npy(Integers *integers, Mistakes *mistakes)
{
  NpyHeader *header = &integers->header;
  integers->fd = open(integers->path, O_RDONLY | O_CLOEXEC);
  if (integers->fd < 0) {
    mistake(mistakes, integers->path, 0, 0, "cannot be read: %s", strerror(errno));
    return;
  }
  if (!npy_header(integers->path, integers->fd, mistakes, header)) return;
  const int size = header->size;
  const bool whole = header->type == 'i' || header->type == 'u' || header->type == 'b';
  if (!whole || (size != 1 && size != 2 && size != 4 && size != 8))
    mistake(mistakes, integers->path, 0, 0, "holds numbers of type %c%d; whole numbers are needed",
            header->type, size);
  else if (header->rank < 1 || header->rank > 2 || (header->fortran && header->rank > 1))
    mistake(mistakes, integers->path, 0, 0,
            "has %d dimensions%s; one number for each token, in C order, is needed", header->rank,
            header->fortran ? " in Fortran order" : "");
  integers->n = header->dims[0];
  integers->columns = header->rank == 2 ? (int)header->dims[1] : 1;
}

PetscErrorCode IntegersOpen(const char *argument, Mistakes *mistakes, Integers **integers)
{
  PetscFunctionBeginUser;
  const int before = mistakes_count(mistakes);
  PetscCall(PetscNew(integers));
  Integers *i = *integers;
  i->fd = -1;
  i->path = text_copy(argument);
  char *colon = access(argument, F_OK) ? strrchr(i->path, ':') : NULL;
  if (colon) {
    *colon = 0;
    i->array = colon + 1;
    PetscCall(OpenArray(i, mistakes));
  } else {
    open_npy(i, mistakes);
  }
  if (mistakes_count(mistakes) != before) PetscCall(IntegersClose(integers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode IntegersClose(Integers **integers)
{
  PetscFunctionBeginUser;
  if (!*integers) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5ReaderClose(&(*integers)->reader));
  if ((*integers)->fd >= 0) close((*integers)->fd);
  free((*integers)->path);
  PetscCall(PetscFree(*integers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t integers_count(const Integers *integers)
{
  return integers->n;
}

int integers_columns(const Integers *integers)
{
  return integers->columns;
}

const char *integers_path(const Integers *integers)
{
  return integers->path;
}

/* A number of size bytes, in the file's order and sign. */
static int64_t number_at(const NpyHeader *header, const unsigned char *bytes)
{
  const int size = header->size;
  uint64_t bits = 0;
  for (int i = 0; i < size; i++)
    bits |= (uint64_t)bytes[header->order == '>' ? size - 1 - i : i] << 8 * i;
  if (header->type == 'i' && size < 8 && bits >> (8 * size - 1)) bits |= ~(uint64_t)0 << 8 * size;
  return (int64_t)bits;
}

PetscErrorCode IntegersRead(Integers *integers, int64_t first, int64_t count, int64_t *values)
{
  PetscFunctionBeginUser;
  const NpyHeader *header = &integers->header;
  unsigned char bytes[4096];
  if (integers->reader) {
    PetscCall(H5ReaderRows(integers->reader, integers->array, first, count, H5_I64, values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  int64_t left = count * integers->columns;
  int64_t offset = header->offset + first * integers->columns * header->size;
  while (left) {
    const int64_t part = left < 512 ? left : 512;
    const ssize_t wanted = (ssize_t)(part * header->size);
    PetscCheck(pread(integers->fd, bytes, (size_t)wanted, offset) == wanted, PETSC_COMM_SELF,
               PETSC_ERR_FILE_READ, "%s: byte %" PRId64 " cannot be read", integers->path, offset);
    for (int64_t i = 0; i < part; i++) *values++ = number_at(header, bytes + i * header->size);
    left -= part;
    offset += wanted;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
