/* The only door to HDF5. Files of ours are written so that they hold the same bytes whatever the
   number of ranks (no times, fixed format bounds), and complete or not at all: rank 0 lays the file
   out serially, every rank writes its rows with pwrite at the dataset's offset, then sync and
   rename (an MPI-IO write can hang on a full disk; this cannot). */
#pragma once
#include "base/mistakes.h"
#include "base/text.h"

typedef enum {
  H5_F16,
  H5_BF16 /* uint16 with attribute dtype = bfloat16 */,
  H5_F32,
  H5_F64,
  H5_I32,
  H5_I64,
  H5_U8,
  H5_TEXT
} H5Kind;
size_t h5_size(H5Kind kind); /* bytes of one element; H5_TEXT: 1 */

typedef struct H5Writer H5Writer;
/* H5WriterCreate - begins a file beside path. Collective on comm. Nothing is written before
 * H5WriterLayout. */
PetscErrorCode H5WriterCreate(MPI_Comm comm, const char *path, H5Writer **writer);
/* H5WriterArray - declares an array (groups in name are made: "encoder/weight"), its number in
   *array. rank 1 or 2 (0: a scalar). All ranks say the same. H5_TEXT: fixed-length strings of
   dims[rank] bytes (one more dimension than rank). */
PetscErrorCode H5WriterArray(H5Writer *writer, const char *name, H5Kind kind, int rank,
                             const int64_t *dims, int *array);
/* H5WriterText, H5WriterReal, H5WriterInteger, H5WriterReals - attributes of the file's root
   (object NULL) or of a declared array. Not collective, the same on all ranks. */
PetscErrorCode H5WriterText(H5Writer *writer, const char *object, const char *name,
                            const char *value);
PetscErrorCode H5WriterReal(H5Writer *writer, const char *object, const char *name, double value);
PetscErrorCode H5WriterInteger(H5Writer *writer, const char *object, const char *name,
                               int64_t value);
PetscErrorCode H5WriterReals(H5Writer *writer, const char *object, const char *name, int64_t count,
                             const double *values);
/* H5WriterLayout - ends the declarations: the file exists at full size. Collective. Errors (disk
   full, no permission) come back as text in a mistake on every rank, and the file is gone. */
PetscErrorCode H5WriterLayout(H5Writer *writer, Mistakes *mistakes);
/* H5WriterRows - this rank's rows of an array (elements of its kind, contiguous). Not collective;
   may be called often; the first failure is kept for H5WriterCommit. */
PetscErrorCode H5WriterRows(H5Writer *writer, int array, int64_t first, int64_t rows,
                            const void *data);
/* H5WriterLateText, H5WriterLateReals - attributes that are known only after the data (digests) are
   declared with any value of at least their length before, and set again before commit. */
PetscErrorCode H5WriterLateText(H5Writer *writer, const char *object, const char *name,
                                const char *value);
PetscErrorCode H5WriterLateReals(H5Writer *writer, const char *object, const char *name,
                                 int64_t count, const double *values);
/* H5WriterCommit - sync, rename, free. On failure anywhere the file is removed, every rank gets the
 * mistake. Collective. */
PetscErrorCode H5WriterCommit(H5Writer **writer, Mistakes *mistakes);
/* H5WriterAbandon - removes what was begun. Collective. */
PetscErrorCode H5WriterAbandon(H5Writer **writer);

typedef struct H5Reader H5Reader;
typedef struct {
  H5Kind kind; /* big-endian and other types are converted on reading to the nearest kind here */
  bool plain;  /* little-endian and contiguous: offset is where its bytes are in the file */
  int rank;
  int64_t dims[4];
  int64_t offset;
} H5Info;
/* H5ReaderOpen - serial, read-only, on the calling rank alone. A file that is missing, foreign or
 * truncated is a mistake, *reader NULL. */
PetscErrorCode H5ReaderOpen(const char *path, Mistakes *mistakes, H5Reader **reader);
PetscErrorCode H5ReaderClose(H5Reader **reader);
/* H5ReaderInfo - what an array is; *found false: there is none. H5ReaderClose takes NULL too. */
PetscErrorCode H5ReaderInfo(H5Reader *reader, const char *name, H5Info *info, bool *found);
/* H5ReaderRows - rows first .. of an array converted to kind (H5_F32, H5_F64, H5_I64 or its own),
 * elements of one row contiguous. */
PetscErrorCode H5ReaderRows(H5Reader *reader, const char *name, int64_t first, int64_t rows,
                            H5Kind kind, void *data);
/* H5ReaderText, H5ReaderReals, H5ReaderInteger - attributes; *found false where there is none. Text
 * is fresh memory (free). values holds count elements, which must agree. */
PetscErrorCode H5ReaderText(H5Reader *reader, const char *object, const char *name, char **value,
                            bool *found);
PetscErrorCode H5ReaderReals(H5Reader *reader, const char *object, const char *name, int64_t count,
                             double *values, bool *found);
PetscErrorCode H5ReaderInteger(H5Reader *reader, const char *object, const char *name,
                               int64_t *value, bool *found);
/* H5ReaderNames - names of all arrays ("encoder/weight"), sorted; free each and the list. */
PetscErrorCode H5ReaderNames(H5Reader *reader, int64_t *count, char ***names);
/* H5ReaderAttributes - names of the attributes of the root (object NULL) or an array, sorted; free
 * each and the list. */
PetscErrorCode H5ReaderAttributes(H5Reader *reader, const char *object, int64_t *count,
                                  char ***names);
/* H5ReaderDescribe - an attribute's value as text: numbers as %.17g separated by blanks, text as it
 * is. */
PetscErrorCode H5ReaderDescribe(H5Reader *reader, const char *object, const char *name,
                                Text *value);
/* H5NamesFree - frees a list that H5ReaderNames or H5ReaderAttributes gave. */
PetscErrorCode H5NamesFree(int64_t count, char ***names);
/* Do the file's first bytes say HDF5? False also where it cannot be read. Not
 * collective. */
bool h5_recognised(const char *path);

/* The library's version: "1.10.8". */
void h5_version(char text[32]);
