/* NumPy's .npy. */
#include "../npy.h"
#include "data/import.h"
#include <string.h>

static bool probe(const Source *source, const unsigned char begin[16], const ImportOptions *options)
{
  (void)source;
  return !options->is_raw && npy_recognised(begin);
}

static PetscErrorCode OpenNpy(Source *source, const ImportOptions *options, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  (void)options;
  NpyHeader header;
  if (!npy_header(source->path, source->fd, mistakes, &header)) PetscFunctionReturn(PETSC_SUCCESS);
  if (header.type != 'f' || (header.size != 2 && header.size != 4 && header.size != 8))
    mistake(
        mistakes, source->path, 0, 0,
        "holds numbers of type %c%d; activations are float16 (f2), float32 (f4) or float64 (f8)",
        header.type, header.size);
  source->kind = header.size == 2 ? H5_F16 : header.size == 4 ? H5_F32 : H5_F64;
  source->big_endian = header.order == '>';
  source->fortran = header.fortran && header.rank > 1;
  source->rank = header.rank;
  memcpy(source->dims, header.dims, sizeof(source->dims));
  source->offset = header.offset;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Importer importer_npy = {
    .entry = {.name = "npy", .summary = "NumPy's .npy, versions 1 to 3, C and Fortran order"},
    .probe = probe,
    .open = OpenNpy,
    .read = SourceReadPlain,
};
