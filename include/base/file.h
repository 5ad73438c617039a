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
/* The name beside path that a file has while it is written, in fresh memory (free): no other
   process on any host has the same. */
char *temporary_name(const char *path);
/* Removes what processes that were killed more than a day ago left of path under such names. */
void temporary_sweep(const char *path);
bool file_exists(const char *path);
/* Whether both paths lead to one file that is there. */
bool file_same(const char *a, const char *b);
/* FileMakeFolder - makes a folder and those above it; done already is fine. Not collective. */
PetscErrorCode FileMakeFolder(const char *path);
/* The same, for a folder the user chose: false when it cannot be made. */
bool folder_make(const char *path);
/* Why no file can be made in a folder that is there: the system's words (static), or NULL. */
const char *folder_refuses(const char *path);
/* FileRename, FileRemove - with the folder synced. Not collective. */
PetscErrorCode FileRename(const char *from, const char *to);
PetscErrorCode FileRemove(const char *path);
/* "folder/name" in fresh memory (free). A NULL or absolute name ignores the folder. */
char *path_join(const char *folder, const char *name);
