/* The files in a zip archive that are stored as they are. */
#pragma once
#include "base/mistakes.h"

typedef struct {
  char *name;
  int64_t offset, size; /* of its bytes in the archive */
} ZipEntry;

/* ZipRead - the archive's list of files. One that is broken, cut short, encrypted or has a file
   that is compressed is a mistake. count entries in *entry, to be freed by zip_free. Not
   collective. */
PetscErrorCode ZipRead(const char *path, int fd, int64_t size, Mistakes *mistakes, int64_t *count,
                       ZipEntry **entry);
void zip_free(int64_t count, ZipEntry *entry);
