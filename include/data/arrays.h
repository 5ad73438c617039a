/* Named arrays in the files of other programs: safetensors, and what torch.save leaves. */
#pragma once
#include "base/h5.h"
#include "base/table.h"
#include "compute/kernels.h"

enum { FILE_ARRAY_RANK = 8 };

/* One array: its numbers lie in the file as they are. */
typedef struct {
  char *name, *type; /* type: the file's own word */
  bool numeric;      /* kind says what it holds; else the type is none that is read here */
  H5Kind kind;       /* H5_F16, H5_BF16, H5_F32, H5_F64, H5_I32 or H5_I64 */
  int rank;
  int64_t dims[FILE_ARRAY_RANK], stride[FILE_ARRAY_RANK]; /* strides in elements */
  int64_t count;                                          /* of all elements */
  int64_t offset;                                         /* of the first one in the file */
} FileArray;

typedef struct {
  char *path;
  int fd;
  int64_t size;  /* of the file */
  int64_t count; /* arrays, in the file's order */
  FileArray *array;
  Table *facts; /* path, value: numbers and texts that stand beside the arrays */
} FileArrays;

/* FileArraysOpen - the arrays of a safetensors file or of a .pt or .pth file. A file that is
   neither, broken, or with an array beyond its end is a mistake, and *arrays NULL. Not collective.
   FileArraysClose takes NULL too. */
PetscErrorCode FileArraysOpen(const char *path, Mistakes *mistakes, FileArrays **arrays);
PetscErrorCode FileArraysClose(FileArrays **arrays);
/* FileArrayRead - all numbers of one, in C order, as float32 x [count]; whole numbers are rounded.
   Not collective. */
PetscErrorCode FileArrayRead(const FileArrays *arrays, const FileArray *array,
                             const Kernels *kernels, float *x);
/* The array of that name, or NULL. */
const FileArray *file_array_named(const FileArrays *arrays, const char *name);

/* FileArraysAdd - one more array, for those who read a format: next is copied, its name and type
   too, and must lie within bytes first .. end - 1 of the file; else it is a mistake. Not
   collective. */
PetscErrorCode FileArraysAdd(FileArrays *arrays, const FileArray *next, int64_t first, int64_t end,
                             Mistakes *mistakes);
/* The strides of an array without gaps. */
void file_array_plain(FileArray *array);
/* SafetensorsRead, TorchRead - adds the arrays of an open file of that format. Not collective. */
PetscErrorCode SafetensorsRead(FileArrays *arrays, Mistakes *mistakes);
PetscErrorCode TorchRead(FileArrays *arrays, Mistakes *mistakes);
