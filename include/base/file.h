/* Files that are complete or not there: written beside their final name, synced, renamed. */
#pragma once
#include "base/mistakes.h"
#include "base/text.h"

/* FileWrite - the bytes become the file; its folder exists. Not collective: one rank calls it.
   Errors: PETSC_ERR_FILE_WRITE with the system's reason; nothing is left behind. */
PetscErrorCode FileWrite(const char *path, const char *bytes, size_t count);
/* FileRead - a whole file; the caller frees text with text_clear. *found false if it is not there
 * or cannot be read. */
PetscErrorCode FileRead(const char *path, Text *text, bool *found);
bool file_exists(const char *path);
/* FileMakeFolder - makes a folder and those above it; done already is fine. Not collective. */
PetscErrorCode FileMakeFolder(const char *path);
/* The same, for a folder the user chose: false when it cannot be made. */
bool folder_make(const char *path);
/* FileRename, FileRemove - with the folder synced. Not collective. */
PetscErrorCode FileRename(const char *from, const char *to);
PetscErrorCode FileRemove(const char *path);
/* "folder/name" in fresh memory (free). A NULL or absolute name ignores the folder. */
char *path_join(const char *folder, const char *name);
