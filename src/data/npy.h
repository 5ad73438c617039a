/* The header of .npy files, versions 1 to 3. */
#pragma once
#include "base/mistakes.h"

typedef struct {
  char order, type; /* '<', '>' or '|'; 'f', 'i', 'u', 'b', … */
  int size;         /* bytes of a number */
  bool fortran;
  int rank;
  int64_t dims[4], count; /* count: numbers in all */
  int64_t offset;         /* of the first number */
} NpyHeader;

bool npy_recognised(const unsigned char begin[16]);
/* Reads the header of an open file; false where something is wrong, which is a mistake. A file too
 * short for its shape is one. */
bool npy_header(const char *path, int fd, Mistakes *mistakes, NpyHeader *header);
