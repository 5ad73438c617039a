/* A token file for tests: normals that share factors, around an offset, so that neighbours are
   related; groups of 20 consecutive rows. */
#pragma once
#include "data/view.h"
#include "base/array.h"
#include "base/random.h"
#include "data/token_writer.h"

/* Column i of row t: an offset, one of 9 common directions, and noise. */
static inline float random_token(int64_t t, int64_t i)
{
  const uint64_t common = (uint64_t)random_below(1, RANDOM_LAST, (uint64_t)t, 9);
  return (float)(0.7 + 1.5 * random_normal(2, RANDOM_LAST, common * 1000 + (uint64_t)i) +
                 random_normal(3, RANDOM_LAST, (uint64_t)(t * 1000 + i)) * (1 + (double)(i % 3)));
}

static inline PetscErrorCode RandomTokens(MPI_Comm comm, const Kernels *kernels, const char *path,
                                          int64_t n, int64_t d, Mistakes *mistakes)
{
  const TokenLayout layout = {.n = n, .d = d, .kind = H5_F32, .groups = true, .source = "a test"};
  TokenWriter *writer;
  int64_t first, count, bad, *group;
  float *X;
  PetscFunctionBeginUser;
  PetscCall(TokenWriterCreate(comm, kernels, path, &layout, &writer));
  PetscCall(TokenWriterLayout(writer, mistakes));
  token_writer_part(writer, &first, &count);
  PetscCall(ArrayCreate(count * d, &X));
  PetscCall(ArrayCreate(count, &group));
  for (int64_t t = 0; t < count; t++) {
    group[t] = (first + t) / 20;
    for (int64_t i = 0; i < d; i++) X[t * d + i] = random_token(first + t, i);
  }
  const TokenRows data = {.X = X, .group = group};
  PetscCall(TokenWriterRows(writer, count, &data, &bad));
  PetscCall(TokenWriterCommit(&writer, mistakes, NULL));
  PetscCall(ArrayDestroy(&group));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The file's tokens, split with share held out and normalised to mean 0 and rms 1. */
typedef struct {
  View view;
  Tokens *tokens;
  Split *split;
  Normaliser *normaliser;
} TestView;

static inline PetscErrorCode TestViewCentred(MPI_Comm comm, const Kernels *kernels,
                                             const char *path, double share, const char *center,
                                             Mistakes *mistakes, TestView *test)
{
  const char *const paths[] = {path};
  Settings settings = {0};
  PetscFunctionBeginUser;
  PetscCall(TokensOpen(comm, kernels, 1, paths, mistakes, &test->tokens));
  PetscCall(SplitCreate(comm, test->tokens, share, mistakes, &test->split));
  settings_set(&settings, "normalise.center", center);
  settings_set(&settings, "normalise.scale", "rms");
  PetscCall(NormaliserCreate(test->tokens, &settings, &test->normaliser));
  settings_clear(&settings);
  test->view = (View){test->tokens, test->split, test->normaliser, kernels};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TestViewCreate(MPI_Comm comm, const Kernels *kernels, const char *path,
                                            double share, Mistakes *mistakes, TestView *test)
{
  return TestViewCentred(comm, kernels, path, share, "mean", mistakes, test);
}

static inline PetscErrorCode TestViewDestroy(TestView *test)
{
  PetscFunctionBeginUser;
  PetscCall(NormaliserDestroy(&test->normaliser));
  PetscCall(SplitDestroy(&test->split));
  PetscCall(TokensClose(&test->tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}
