/* Arrays of files that hold several: opened, found by name, read as float32. */
#include "data/arrays.h"
#include "base/array.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const FileArray *file_array_named(const FileArrays *arrays, const char *name)
{
  for (int64_t i = 0; i < arrays->count; i++)
    if (!strcmp(arrays->array[i].name, name)) return &arrays->array[i];
  return NULL;
}

void file_array_plain(FileArray *array)
{
  int64_t step = 1;
  for (int i = array->rank - 1; i >= 0; i--) {
    array->stride[i] = step;
    if (__builtin_mul_overflow(step, array->dims[i], &step)) step = 0;
  }
}

/* How many elements there are, and how far the last one lies behind the first; false: more than any
   file could hold. */
static bool measure(const FileArray *array, int64_t *count, int64_t *last)
{
  bool over = false;
  *count = 1, *last = 0;
  for (int i = 0; i < array->rank; i++) {
    int64_t reach;
    if (array->dims[i] < 0 || array->stride[i] < 0) return false;
    over |= __builtin_mul_overflow(*count, array->dims[i], count);
    over |= __builtin_mul_overflow(array->dims[i] - 1, array->stride[i], &reach);
    over |= __builtin_add_overflow(*last, reach, last);
  }
  if (*count == 0) *last = -1;
  return !over;
}

PetscErrorCode FileArraysAdd(FileArrays *arrays, const FileArray *next, int64_t first, int64_t end,
                             Mistakes *mistakes)
{
  const int64_t size = next->numeric ? (int64_t)h5_size(next->kind) : 1;
  int64_t count, last, bytes = 0;

  PetscFunctionBegin;
  const bool sane = measure(next, &count, &last) &&
                    !__builtin_mul_overflow(last + 1, size, &bytes) && count <= INT64_MAX / 8;
  if (sane && next->numeric && end > arrays->size) {
    mistake(mistakes, arrays->path, 0, 0,
            "is cut short: %s ends at byte %" PRId64 ", the file at %" PRId64, next->name, end,
            arrays->size);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!sane || (next->numeric &&
                (next->offset < first || next->offset > end || bytes > end - next->offset))) {
    mistake(mistakes, arrays->path, 0, 0,
            "%s has %" PRId64 " bytes, from byte %" PRId64 " on; its shape needs %s%" PRId64,
            next->name, end - first, first, sane ? "" : "more than any file has: ", bytes);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if ((arrays->count & (arrays->count - 1)) == 0) {
    const size_t room = (size_t)(arrays->count ? 2 * arrays->count : 1);
    FileArray *grown = realloc(arrays->array, room * sizeof(*grown));
    PetscCheck(grown, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    arrays->array = grown;
  }
  FileArray *array = &arrays->array[arrays->count++];
  *array = *next;
  array->count = count;
  array->name = text_copy(next->name);
  array->type = text_copy(next->type);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FileArraysOpen(const char *path, Mistakes *mistakes, FileArrays **out)
{
  const int before = mistakes_count(mistakes);
  unsigned char begin[4] = {0};
  struct stat status = {0};
  FileArrays *arrays;

  PetscFunctionBegin;
  *out = NULL;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) || pread(fd, begin, sizeof(begin), 0) < 0) {
    mistake(mistakes, path, 0, 0, "cannot be read: %s", strerror(errno));
    if (fd >= 0) close(fd);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ArrayCreate(1, &arrays));
  arrays->path = text_copy(path), arrays->fd = fd, arrays->size = status.st_size;
  PetscCall(TableCreate("path,value", &arrays->facts));
  if (!memcmp(begin, "PK", 2))
    PetscCall(TorchRead(arrays, mistakes));
  else
    PetscCall(SafetensorsRead(arrays, mistakes));
  if (mistakes_count(mistakes) > before) PetscCall(FileArraysClose(&arrays));
  *out = arrays;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FileArraysClose(FileArrays **out)
{
  FileArrays *arrays = *out;

  PetscFunctionBegin;
  if (!arrays) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < arrays->count; i++) {
    free(arrays->array[i].name);
    free(arrays->array[i].type);
  }
  free(arrays->array);
  free(arrays->path);
  PetscCall(TableDestroy(&arrays->facts));
  close(arrays->fd);
  PetscCall(ArrayDestroy(out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void widen(H5Kind kind, const Kernels *kernels, int64_t count, const void *from, float *to)
{
  if (kind == H5_F16) kernels->widen_half(count, from, to);
  if (kind == H5_BF16) kernels->widen_bfloat(count, from, to);
  if (kind == H5_F32) memcpy(to, from, (size_t)count * sizeof(*to));
  for (int64_t i = 0; kind == H5_F64 && i < count; i++) to[i] = (float)((const double *)from)[i];
  for (int64_t i = 0; kind == H5_I32 && i < count; i++) to[i] = (float)((const int32_t *)from)[i];
  for (int64_t i = 0; kind == H5_I64 && i < count; i++) to[i] = (float)((const int64_t *)from)[i];
}

static PetscErrorCode ReadAll(const FileArrays *arrays, int64_t offset, int64_t bytes, char *to)
{
  PetscFunctionBegin;
  while (bytes > 0) {
    const ssize_t got = pread(arrays->fd, to, (size_t)bytes, offset);
    PetscCheck(got > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s: cannot be read at byte %" PRId64,
               arrays->path, offset);
    to += got, offset += got, bytes -= got;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers that stand one after another in C order at from, `span` of them, to where they belong. */
static void arrange(const FileArray *array, const float *from, float *to)
{
  int64_t at[FILE_ARRAY_RANK] = {0};
  for (int64_t i = 0; i < array->count; i++) {
    int64_t place = 0;
    for (int r = 0; r < array->rank; r++) place += at[r] * array->stride[r];
    to[i] = from[place];
    for (int r = array->rank - 1; r >= 0 && ++at[r] == array->dims[r]; r--) at[r] = 0;
  }
}

PetscErrorCode FileArrayRead(const FileArrays *arrays, const FileArray *array,
                             const Kernels *kernels, float *x)
{
  FileArray dense = *array;
  int64_t count, last;
  char *raw;
  float *spread;

  PetscFunctionBegin;
  if (!array->count) PetscFunctionReturn(PETSC_SUCCESS);
  file_array_plain(&dense);
  const bool plain = !memcmp(dense.stride, array->stride, (size_t)array->rank * sizeof(int64_t));
  measure(array, &count, &last);
  const int64_t span = last + 1, bytes = span * (int64_t)h5_size(array->kind);
  PetscCall(ArrayCreate(bytes, &raw));
  PetscCall(ReadAll(arrays, array->offset, bytes, raw));
  if (plain) {
    widen(array->kind, kernels, span, raw, x);
  } else {
    PetscCall(ArrayCreate(span, &spread));
    widen(array->kind, kernels, span, raw, spread);
    arrange(array, spread, x);
    PetscCall(ArrayDestroy(&spread));
  }
  PetscCall(ArrayDestroy(&raw));
  PetscFunctionReturn(PETSC_SUCCESS);
}
