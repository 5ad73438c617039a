/* A small token file for tests: value(row, column) = row + column / 64, labels row % 5, groups
 * given by a function. */
#pragma once
#include "base/array.h"
#include "data/token_writer.h"

static inline float test_value(int64_t row, int64_t column)
{
  return (float)(row % 500) + (float)column / 64;
}

static inline PetscErrorCode TestTokens(MPI_Comm comm, const Kernels *kernels, const char *path,
                                        int64_t n, int64_t d, H5Kind kind,
                                        int64_t (*group)(int64_t row), Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  const char *const names[] = {"zero", "one", "two", "three", "four"};
  const TokenLayout layout = {.n = n,
                              .d = d,
                              .kind = kind,
                              .labels = true,
                              .groups = group != NULL,
                              .names = 5,
                              .name = names,
                              .source = "a test"};
  TokenWriter *writer;
  int64_t first, count, bad, rows = 777;
  float *X;
  int64_t *label, *groups;
  PetscCall(TokenWriterCreate(comm, kernels, path, &layout, &writer));
  PetscCall(TokenWriterLayout(writer, mistakes));
  token_writer_part(writer, &first, &count);
  PetscCall(ArrayCreate(rows * d, &X));
  PetscCall(ArrayCreate(rows, &label));
  PetscCall(ArrayCreate(rows, &groups));
  for (int64_t row = first; row < first + count; row += rows) {
    rows = min_i64(rows, first + count - row);
    for (int64_t i = 0; i < rows * d; i++) X[i] = test_value(row + i / d, i % d);
    for (int64_t i = 0; i < rows; i++) {
      label[i] = (row + i) % 5;
      groups[i] = group ? group(row + i) : 0;
    }
    const TokenRows data = {.X = X, .label = label, .group = groups};
    PetscCall(TokenWriterRows(writer, rows, &data, &bad));
  }
  PetscCall(TokenWriterCommit(&writer, mistakes, NULL));
  PetscCall(ArrayDestroy(&X));
  PetscCall(ArrayDestroy(&label));
  PetscCall(ArrayDestroy(&groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}
