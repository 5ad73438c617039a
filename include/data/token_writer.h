/* Writing token files: the one place that knows their layout, statistics and digest. Used by import
   and synth, and by tests. */
#pragma once
#include "base/h5.h"
#include "compute/kernels.h"

/* What a token file is to hold. Borrowed until TokenWriterCreate returns. */
typedef struct {
  int64_t n, d;
  H5Kind kind; /* H5_F16, H5_BF16 or H5_F32 */
  bool labels, groups;
  int positions; /* numbers for each token: 0 (no /positions), 1 or 2 */
  int64_t names; /* names of the labels; 0: none */
  const char *const *name;
  const char *source, *model, *layer; /* provenance; NULL: left out */
} TokenLayout;

/* Rows that are handed over: float32 values (read and overwritten by what is stored of them), or
   stored values with the float32 values that they mean. */
typedef struct {
  float *X;                                /* [rows x d] */
  const void *stored;                      /* [rows x d] of the kind, or NULL: X is narrowed */
  const int64_t *label, *group, *position; /* [rows], [rows], [rows x positions]; NULL where not
                                              in the layout */
} TokenRows;

typedef struct TokenWriter TokenWriter;
/* TokenWriterCreate - begins a token file. Collective on comm. */
PetscErrorCode TokenWriterCreate(MPI_Comm comm, const Kernels *kernels, const char *path,
                                 const TokenLayout *layout, TokenWriter **writer);
/* The HDF5 writer behind it, for further arrays and attributes: declared before the layout, written
 * before commit. */
H5Writer *token_writer_file(TokenWriter *writer);
/* TokenWriterLayout - the file at full size. Collective. Mistakes as H5WriterLayout. */
PetscErrorCode TokenWriterLayout(TokenWriter *writer, Mistakes *mistakes);
/* This rank's rows: whole blocks, to be written from first to last. */
void token_writer_part(const TokenWriter *writer, int64_t *first, int64_t *count);
/* TokenWriterRows - the next rows of this rank's part, any number. *bad: the first of them that is
   not finite once stored (nothing of this call is written then), -1: all are. Not collective. */
PetscErrorCode TokenWriterRows(TokenWriter *writer, int64_t rows, const TokenRows *data,
                               int64_t *bad);
/* TokenWriterCommit - statistics, digest, sync, rename. Every rank has written its part. digest may
   be NULL. Collective. */
PetscErrorCode TokenWriterCommit(TokenWriter **writer, Mistakes *mistakes, char *digest);
/* TokenWriterAbandon - removes what was begun; NULL is fine. Collective. */
PetscErrorCode TokenWriterAbandon(TokenWriter **writer);
/* float16, bfloat16, float32 */
const char *token_kind_name(H5Kind kind);
/* The first of rows [rows x d] that holds NaN or infinity, -1: none does. */
int64_t first_not_finite(int64_t rows, int64_t d, const float *X);
