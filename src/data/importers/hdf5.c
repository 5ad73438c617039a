/* An array of an HDF5 file: file.h5:/path. Contiguous ones are read as they lie, chunked and
   compressed ones through HDF5. */
#include "data/import.h"
#include <stdlib.h>
#include <string.h>

static bool probe(const Source *source, const unsigned char begin[16], const ImportOptions *options)
{
  return !options->is_raw && (h5_recognised(source->path) || !memcmp(begin, "\x89HDF", 4));
}

/* The only array of floating-point numbers with 2 to 4 dimensions, where none was named. */
static PetscErrorCode ChooseArray(H5Reader *reader, Source *source, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  int64_t count, fitting = 0;
  char **names;
  Text list = {0};
  PetscCall(H5ReaderNames(reader, &count, &names));
  for (int64_t i = 0; i < count; i++) {
    H5Info info;
    bool found;
    PetscCall(H5ReaderInfo(reader, names[i], &info, &found));
    if (!found || info.kind > H5_F64 || info.rank < 2 || info.rank > 4) continue;
    text_add(&list, "%s/%s", fitting++ ? ", " : "", names[i]);
    if (fitting == 1) source->inner = text_copy(names[i]);
  }
  if (fitting != 1) {
    mistake(mistakes, source->path, 0, 0,
            fitting ? "has several arrays: %s; name one as FILE:/ARRAY"
                    : "has no array of floating-point numbers with 2 to 4 dimensions%s",
            fitting ? list.s : "");
    free(source->inner);
    source->inner = NULL;
  }
  text_clear(&list);
  PetscCall(H5NamesFree(count, &names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckArray(H5Reader *reader, Source *source, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  H5Info info;
  bool found;
  PetscCall(H5ReaderInfo(reader, source->inner, &info, &found));
  if (!found)
    mistake(mistakes, source->path, 0, 0, "has no array %s", source->inner);
  else if (info.kind > H5_F64)
    mistake(mistakes, source->path, 0, 0, "%s does not hold floating-point numbers", source->inner);
  else if (info.plain)
    source->offset = info.offset;
  source->kind = info.kind;
  source->rank = info.rank;
  memcpy(source->dims, info.dims, sizeof(source->dims));
  if (!info.plain) source->offset = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenHdf5(Source *source, const ImportOptions *options, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  (void)options;
  H5Reader *reader;
  const int before = mistakes_count(mistakes);
  PetscCall(H5ReaderOpen(source->path, mistakes, &reader));
  if (!reader) PetscFunctionReturn(PETSC_SUCCESS);
  source->state = reader;
  if (!source->inner) PetscCall(ChooseArray(reader, source, mistakes));
  if (mistakes_count(mistakes) == before) PetscCall(CheckArray(reader, source, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHdf5(Source *source, int64_t first, int64_t rows, void *values)
{
  PetscFunctionBeginUser;
  if (source->offset >= 0)
    PetscCall(SourceReadPlain(source, first, rows, values));
  else
    PetscCall(H5ReaderRows(source->state, source->inner, first, rows, source->kind, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseHdf5(Source *source)
{
  PetscFunctionBeginUser;
  H5Reader *reader = source->state;
  PetscCall(H5ReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Importer importer_hdf5 = {
    .entry = {.name = "hdf5",
              .summary = "an array of an HDF5 file (FILE:/ARRAY), also chunked or compressed"},
    .probe = probe,
    .open = OpenHdf5,
    .read = ReadHdf5,
    .close = CloseHdf5,
};
