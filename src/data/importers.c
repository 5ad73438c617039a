/* The family of importers, and opening an input with the right one. */
#include "data/import.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define X(name) extern const Importer importer_##name;
#include "importer.def"
#undef X

static const Entry *const entries[] = {
#define X(name) &importer_##name.entry,
#include "importer.def"
#undef X
    NULL,
};

const Family importers = {"importer", "importers", entries};

/* Splits FILE:ARRAY at the last colon before which there is a file. */
static void split_argument(const char *argument, char **path, char **inner)
{
  *path = text_copy(argument);
  *inner = NULL;
  if (access(argument, F_OK) == 0) return;
  for (char *colon = strrchr(*path, ':'); colon;) {
    *colon = 0;
    if (access(*path, F_OK) == 0) {
      *inner = text_copy(colon + 1);
      return;
    }
    char *before = strrchr(*path, ':');
    *colon = ':';
    colon = before;
  }
}

/* What a file is that no importer takes. */
static const char *advice(const unsigned char begin[16])
{
  if (!memcmp(begin, "PK", 2))
    return "is a zip archive (.npz or .pt): save the array itself as .npy or safetensors";
  if (begin[0] == 0x80 && begin[1] < 6) return "is a Python pickle: save it as .npy or safetensors";
  return "is no .npy, HDF5 or safetensors file; headerless numbers need --raw f32 --dim WIDTH";
}

static PetscErrorCode FindImporter(Source *source, const ImportOptions *options, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  unsigned char begin[16] = {0};
  source->fd = open(source->path, O_RDONLY | O_CLOEXEC);
  const ssize_t got = source->fd < 0 ? -1 : pread(source->fd, begin, sizeof(begin), 0);
  if (got < 0)
    mistake(mistakes, source->path, 0, 0, "cannot be read: %s", strerror(errno));
  else if (got == 0)
    mistake(mistakes, source->path, 0, 0, "is empty");
  if (got <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (const Entry *const *e = entries; *e && !source->importer; e++) {
    const Importer *importer = (const Importer *)*e;
    if (importer->probe(source, begin, options)) source->importer = importer;
  }
  if (!source->importer) mistake(mistakes, source->path, 0, 0, "%s", advice(begin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What of an array of rank 3 or 4 is taken; false where the selection does not fit. */
static bool select_tokens(Source *source, const ImportOptions *options, Mistakes *mistakes)
{
  source->images = source->dims[0];
  source->stored = source->dims[1] * (source->rank == 4 ? source->dims[2] : 1);
  source->taken = source->stored;
  source->mean = options->select == SELECT_MEAN;
  const bool class_token = options->select == SELECT_CLS || options->select == SELECT_PATCHES;
  if (class_token && source->rank == 4) {
    mistake(mistakes, source->path, 0, 0,
            "has shape [images, h, w, d], where no token is a class token; --select all or mean");
    return false;
  }
  if (options->select == SELECT_CLS) source->taken = 1;
  if (options->select == SELECT_PATCHES) source->skipped = 1, source->taken--;
  source->n = source->images * (source->mean ? 1 : source->taken);
  return true;
}

/* Checks the shape and settles what is selected. */
static void settle(Source *source, const ImportOptions *options, Mistakes *mistakes)
{
  if (source->rank < 2 || source->rank > 4) {
    mistake(mistakes, source->path, 0, 0,
            "has %d dimensions; [tokens, d], [images, tokens, d] or [images, h, w, d] is needed",
            source->rank);
    return;
  }
  if (source->fortran && source->rank > 2) {
    mistake(mistakes, source->path, 0, 0,
            "has %d dimensions in Fortran order; save numpy.ascontiguousarray(A) instead",
            source->rank);
    return;
  }
  source->d = source->dims[source->rank - 1];
  if (source->rank == 2) {
    source->stored = source->taken = 1;
    source->n = source->dims[0];
    if (options->selects)
      mistake(mistakes, source->path, 0, 0,
              "has shape [tokens, d]; --select is for [images, tokens, d] and [images, h, w, d]");
  } else if (!select_tokens(source, options, mistakes)) {
    return;
  }
  if (source->n < 1 || source->d < 1) mistake(mistakes, source->path, 0, 0, "holds no tokens");
  if (source->offset >= 0 && source->rank > 2) {
    source->dims[0] = source->images * source->stored;
    source->dims[1] = source->d;
    source->rank = 2;
  }
}

PetscErrorCode SourceOpen(const char *argument, const ImportOptions *options, Mistakes *mistakes,
                          Source **source)
{
  PetscFunctionBeginUser;
  const int before = mistakes_count(mistakes);
  PetscCall(PetscNew(source));
  (*source)->fd = -1;
  split_argument(argument, &(*source)->path, &(*source)->inner);
  PetscCall(FindImporter(*source, options, mistakes));
  if (mistakes_count(mistakes) == before)
    PetscCall((*source)->importer->open(*source, options, mistakes));
  if (mistakes_count(mistakes) == before) settle(*source, options, mistakes);
  if (mistakes_count(mistakes) != before) PetscCall(SourceClose(source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SourceClose(Source **source)
{
  PetscFunctionBeginUser;
  Source *s = *source;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->importer && s->importer->close) PetscCall(s->importer->close(s));
  if (s->fd >= 0) close(s->fd);
  free(s->path);
  free(s->inner);
  for (int i = 0; i < 2; i++) PetscCall(PetscFree(s->raw[i]));
  PetscCall(PetscFree(*source));
  PetscFunctionReturn(PETSC_SUCCESS);
}
