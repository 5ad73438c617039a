/* Headerless numbers, little-endian, row after row. */
#include "../npy.h"
#include "data/import.h"
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

static bool probe(const Source *source, const unsigned char begin[16], const ImportOptions *options)
{
  (void)source;
  (void)begin;
  return options->is_raw;
}

static PetscErrorCode OpenRaw(Source *source, const ImportOptions *options, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  unsigned char begin[16] = {0};
  struct stat status = {0};
  const int64_t row = options->dim * (int64_t)h5_size(options->raw);
  if (pread(source->fd, begin, sizeof(begin), 0) > 0 && npy_recognised(begin))
    mistake(mistakes, source->path, 0, 0, "is a .npy file, not headerless; leave --raw out");
  else if (h5_recognised(source->path))
    mistake(mistakes, source->path, 0, 0, "is an HDF5 file, not headerless; leave --raw out");
  else if (fstat(source->fd, &status) || status.st_size == 0)
    mistake(mistakes, source->path, 0, 0, "is empty");
  else if (status.st_size % row)
    mistake(mistakes, source->path, 0, 0,
            "has %" PRId64 " bytes, which is no whole number of rows of %" PRId64
            " bytes (--dim %" PRId64 ")",
            (int64_t)status.st_size, row, options->dim);
  source->kind = options->raw;
  source->rank = 2;
  source->dims[0] = status.st_size / row;
  source->dims[1] = options->dim;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Importer importer_raw = {
    .entry = {.name = "raw", .summary = "headerless little-endian numbers (--raw f32 --dim 768)"},
    .probe = probe,
    .open = OpenRaw,
    .read = SourceReadPlain,
};
