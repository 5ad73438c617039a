/* Clustered tokens for tests of k-means, and a task on them. Every third token is the same one. */
#pragma once
#include "base/array.h"
#include "base/random.h"
#include "data/token_writer.h"
#include "learn/kmeans.h"

enum { TOKENS = 30011, WIDTH = 9, CLUSTERS = 12 };

static inline float cluster_value(int64_t row, int64_t i)
{
  if (row % 3 == 2) return 0.25f * (float)i;
  const int64_t cluster = random_below(3, RANDOM_SYNTH, (uint64_t)row, CLUSTERS);
  const double centre = 20 * random_normal(3, RANDOM_SYNTH + 1, (uint64_t)(cluster * WIDTH + i));
  return (float)(centre + random_normal(3, RANDOM_SYNTH + 2, (uint64_t)(row * WIDTH + i)));
}

static inline PetscErrorCode ClusterFile(MPI_Comm comm, const Kernels *kernels, const char *path,
                                         Mistakes *mistakes)
{
  const TokenLayout layout = {.n = TOKENS, .d = WIDTH, .kind = H5_F32, .source = "a test"};
  TokenWriter *writer;
  int64_t first, count, bad;
  float *X;
  PetscFunctionBeginUser;
  PetscCall(TokenWriterCreate(comm, kernels, path, &layout, &writer));
  PetscCall(TokenWriterLayout(writer, mistakes));
  token_writer_part(writer, &first, &count);
  PetscCall(ArrayCreate(count * WIDTH, &X));
  for (int64_t t = 0; t < count; t++)
    for (int64_t i = 0; i < WIDTH; i++) X[t * WIDTH + i] = cluster_value(first + t, i);
  const TokenRows data = {.X = X};
  PetscCall(TokenWriterRows(writer, count, &data, &bad));
  PetscCall(TokenWriterCommit(&writer, mistakes, NULL));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a run needs, on one communicator. */
typedef struct {
  Tokens *tokens;
  Split *split;
  Normaliser *normaliser;
  Settings settings;
  Task task;
} Bench;

static inline PetscErrorCode BenchOpen(MPI_Comm comm, const Kernels *kernels, const char *path,
                                       Mistakes *mistakes, Bench *bench)
{
  PetscFunctionBeginUser;
  *bench = (Bench){0};
  settings_set(&bench->settings, "normalise.center", "mean");
  settings_set(&bench->settings, "normalise.scale", "rms");
  PetscCall(TokensOpen(comm, kernels, 1, &path, mistakes, &bench->tokens));
  PetscCall(SplitCreate(comm, bench->tokens, 0.1, mistakes, &bench->split));
  PetscCall(NormaliserCreate(bench->tokens, &bench->settings, &bench->normaliser));
  bench->task = (Task){.comm = comm,
                       .view = {bench->tokens, bench->split, bench->normaliser, kernels},
                       .settings = &bench->settings,
                       .seed_init = 1};
  PetscCall(ReaderCreate(&bench->task.view, &bench->task.reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode BenchClose(Bench *bench)
{
  PetscFunctionBeginUser;
  settings_clear(&bench->settings);
  PetscCall(ReaderDestroy(&bench->task.reader));
  PetscCall(NormaliserDestroy(&bench->normaliser));
  PetscCall(SplitDestroy(&bench->split));
  PetscCall(TokensClose(&bench->tokens));
  PetscFunctionReturn(PETSC_SUCCESS);
}
