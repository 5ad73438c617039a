/* Reading the selected tokens of an input. */
#include "base/array.h"
#include "data/import.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static PetscErrorCode ReadAt(const Source *source, int64_t offset, size_t count, void *bytes)
{
  PetscFunctionBeginUser;
  for (char *to = bytes; count;) {
    const ssize_t n = pread(source->fd, to, count, offset);
    if (n < 0 && errno == EINTR) continue;
    PetscCheck(n > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s: byte %" PRId64 ": %s",
               source->path, offset, n ? strerror(errno) : "end of file");
    to += n;
    offset += n;
    count -= (size_t)n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Scratch of at least size bytes. */
static PetscErrorCode Scratch(Source *source, int which, size_t size)
{
  PetscFunctionBeginUser;
  if (source->space[which] < size) {
    PetscCall(PetscFree(source->raw[which]));
    PetscCall(PetscMalloc(size, &source->raw[which]));
    source->space[which] = size;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void swap_bytes(int64_t count, size_t size, void *values)
{
  uint16_t *half = values;
  uint32_t *single = values;
  uint64_t *both = values;
  for (int64_t i = 0; i < count; i++) {
    if (size == 2) half[i] = __builtin_bswap16(half[i]);
    if (size == 4) single[i] = __builtin_bswap32(single[i]);
    if (size == 8) both[i] = __builtin_bswap64(both[i]);
  }
}

/* Columns that lie together become rows. */
static PetscErrorCode ReadColumns(Source *source, int64_t first, int64_t rows, size_t size,
                                  char *values)
{
  PetscFunctionBeginUser;
  const int64_t n = source->dims[0], d = source->dims[1];
  char *column;
  PetscCall(PetscMalloc((size_t)rows * size, &column));
  for (int64_t i = 0; i < d; i++) {
    PetscCall(ReadAt(source, source->offset + (i * n + first) * (int64_t)size, (size_t)rows * size,
                     column));
    for (int64_t r = 0; r < rows; r++)
      memcpy(values + (size_t)(r * d + i) * size, column + (size_t)r * size, size);
  }
  PetscCall(PetscFree(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SourceReadPlain(Source *source, int64_t first, int64_t rows, void *values)
{
  PetscFunctionBeginUser;
  const size_t size = h5_size(source->kind);
  int64_t each = 1;
  for (int i = 1; i < source->rank; i++) each *= source->dims[i];
  if (source->fortran)
    PetscCall(ReadColumns(source, first, rows, size, values));
  else
    PetscCall(ReadAt(source, source->offset + first * each * (int64_t)size,
                     (size_t)(rows * each) * size, values));
  if (source->big_endian) swap_bytes(rows * each, size, values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Selected tokens, before any mean, counted through the images. */
static PetscErrorCode ReadSelected(Source *source, int64_t first, int64_t count, char *values)
{
  PetscFunctionBeginUser;
  const size_t row = (size_t)source->d * h5_size(source->kind);
  const bool plain = source->offset >= 0;
  if (source->stored == source->taken && (plain || source->rank == 2)) {
    PetscCall(source->importer->read(source, first, count, values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!plain) PetscCall(Scratch(source, 1, (size_t)source->stored * row));
  while (count) {
    const int64_t image = first / source->taken, at = first % source->taken;
    const int64_t part = min_i64(count, source->taken - at), from = source->skipped + at;
    if (plain) {
      PetscCall(source->importer->read(source, image * source->stored + from, part, values));
    } else {
      PetscCall(source->importer->read(source, image, 1, source->raw[1]));
      memcpy(values, (char *)source->raw[1] + (size_t)from * row, (size_t)part * row);
    }
    values += (size_t)part * row;
    first += part;
    count -= part;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void widen(const Source *source, const Kernels *kernels, int64_t count, const void *from,
                  float *to)
{
  if (source->kind == H5_F16) kernels->widen_half(count, from, to);
  if (source->kind == H5_BF16) kernels->widen_bfloat(count, from, to);
  if (source->kind == H5_F32) memcpy(to, from, (size_t)count * sizeof(float));
  if (source->kind == H5_F64)
    for (int64_t i = 0; i < count; i++) to[i] = (float)((const double *)from)[i];
}

/* Means of count images, in float64, tokens in order. */
static PetscErrorCode ReadMeans(Source *source, const Kernels *kernels, int64_t first,
                                int64_t count, float *X)
{
  PetscFunctionBeginUser;
  const int64_t d = source->d, taken = source->taken;
  float *token;
  double *sum;
  PetscCall(Scratch(source, 0, (size_t)(taken * d) * h5_size(source->kind)));
  PetscCall(PetscMalloc2(d, &token, d, &sum));
  for (int64_t image = 0; image < count; image++) {
    PetscCall(ReadSelected(source, (first + image) * taken, taken, source->raw[0]));
    PetscCall(PetscArrayzero(sum, d));
    for (int64_t t = 0; t < taken; t++) {
      widen(source, kernels, d, (char *)source->raw[0] + (size_t)(t * d) * h5_size(source->kind),
            token);
      for (int64_t i = 0; i < d; i++) sum[i] += (double)token[i];
    }
    for (int64_t i = 0; i < d; i++) X[image * d + i] = (float)(sum[i] / (double)taken);
  }
  PetscCall(PetscFree2(token, sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SourceRead(Source *source, const Kernels *kernels, int64_t first, int64_t count,
                          float *X, const void **stored)
{
  PetscFunctionBeginUser;
  const int64_t values = count * source->d;
  *stored = NULL;
  if (source->mean) {
    PetscCall(ReadMeans(source, kernels, first, count, X));
  } else if (source->kind == H5_F32) {
    PetscCall(ReadSelected(source, first, count, (char *)X));
    *stored = X;
  } else {
    PetscCall(Scratch(source, 0, (size_t)values * h5_size(source->kind)));
    PetscCall(ReadSelected(source, first, count, source->raw[0]));
    widen(source, kernels, values, source->raw[0], X);
    *stored = source->raw[0];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SourceFinite(Source *source, int64_t row, bool *finite)
{
  PetscFunctionBeginUser;
  const int64_t tokens = source->mean ? source->taken : 1, values = tokens * source->d;
  PetscCall(Scratch(source, 0, (size_t)values * h5_size(source->kind)));
  PetscCall(ReadSelected(source, row * tokens, tokens, source->raw[0]));
  *finite = true;
  for (int64_t i = 0; i < values; i++) {
    const uint16_t *half = source->raw[0];
    const double x = source->kind == H5_F64   ? ((const double *)source->raw[0])[i]
                     : source->kind == H5_F32 ? (double)((const float *)source->raw[0])[i]
                                              : 0;
    *finite &= isfinite(x) != 0;
    if (source->kind == H5_F16) *finite &= (half[i] & 0x7c00) != 0x7c00;
    if (source->kind == H5_BF16) *finite &= (half[i] & 0x7f80) != 0x7f80;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
