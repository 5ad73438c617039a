/* Laws of every importer: what was written in its format comes back, the same bytes on any
   number of ranks, and its file cut short is refused by name and size.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "base/digest.h"
#include "base/file.h"
#include "data/import.h"
#include "data/tokens.h"
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
enum { N = 5000, D = 12 };

static float value(int64_t i)
{
  return (float)(i % 1013) / 8 - 40;
}

static void add_values(Text *text)
{
  for (int64_t i = 0; i < N * D; i++) {
    const float x = value(i);
    text_append(text, (const char *)&x, sizeof(x));
  }
}

static void write_npy(Text *text)
{
  char header[118];
  memset(header, ' ', sizeof(header));
  const int used = snprintf(header, sizeof(header),
                            "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", N, D);
  header[used] = ' ';
  header[117] = '\n';
  text_append(text, "\x93NUMPY\x01\x00\x76\x00", 10);
  text_append(text, header, sizeof(header));
  add_values(text);
}

static void write_safetensors(Text *text)
{
  char header[128];
  const uint64_t length = (uint64_t)snprintf(
      header, sizeof(header),
      "{\"a.b\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]}}", N, D, N * D * 4);
  text_append(text, (const char *)&length, 8);
  text_append(text, header, length);
  add_values(text);
}

static PetscErrorCode WriteHdf5(const char *path, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  H5Writer *writer;
  Text values = {0};
  int array;
  add_values(&values);
  PetscCall(H5WriterCreate(PETSC_COMM_SELF, path, &writer));
  PetscCall(H5WriterArray(writer, "deep/a", H5_F32, 2, (int64_t[]){N, D}, &array));
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(H5WriterRows(writer, array, 0, N, values.s));
  PetscCall(H5WriterCommit(&writer, mistakes));
  text_clear(&values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The array in the format of that importer; false: this test does not know the format. */
static PetscErrorCode WriteFormat(const char *name, const char *path, Mistakes *mistakes,
                                  bool *known)
{
  PetscFunctionBeginUser;
  Text text = {0};
  *known = true;
  if (!strcmp(name, "npy"))
    write_npy(&text);
  else if (!strcmp(name, "safetensors"))
    write_safetensors(&text);
  else if (!strcmp(name, "raw"))
    add_values(&text);
  else if (!strcmp(name, "hdf5"))
    PetscCall(WriteHdf5(path, mistakes));
  else
    *known = false;
  if (text.s) PetscCall(FileWrite(path, text.s, text.length));
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckCut(const Kernels *kernels, const ImportOptions *options)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  ImportSummary summary;
  char *said = NULL;
  size_t length = 0;
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0) CheckThat(truncate(options->input[0], N * D * 2 + 1) == 0, "truncate");
  PetscCallMPI(MPI_Barrier(COMM));
  PetscCall(MistakesCreate(&mistakes));
  unlink(options->output);
  PetscCall(ImportRun(COMM, kernels, options, mistakes, &summary));
  FILE *memory = open_memstream(&said, &length);
  mistakes_print(mistakes, memory);
  fclose(memory);
  OK(mistakes_count(mistakes) == 1 && strstr(said, options->input[0]) && strstr(said, "120001"),
     "cut short, it is refused by name with its size");
  if (!strstr(said, "120001")) fprintf(stderr, "# %s", said);
  OK(!file_exists(options->output), "and nothing is written");
  free(said);
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckOne(const Kernels *kernels, const char *name)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  Tokens *tokens;
  ImportSummary summary;
  bool known, found, same = true;
  float *X;
  char path[64], digests[2][DIGEST_LENGTH] = {"", ""};
  const char *const inputs[] = {path}, *const outputs[] = {"importer.a.h5", "importer.b.h5"};
  snprintf(path, sizeof(path), "importer.test.%s", strcmp(name, "hdf5") ? name : "h5");
  PetscCall(MistakesCreate(&mistakes));
  if (tap_rank == 0) PetscCall(WriteFormat(name, path, mistakes, &known));
  PetscCallMPI(MPI_Bcast(&known, 1, MPI_C_BOOL, 0, COMM));
  OK(known, "%s: this test can write the format (a new importer: add it)", name);
  if (!known) PetscFunctionReturn(PETSC_SUCCESS);
  ImportOptions options = {.inputs = 1, .input = inputs, .output = outputs[0]};
  if (!strcmp(name, "raw")) options.is_raw = true, options.raw = H5_F32, options.dim = D;
  PetscCall(ImportRun(COMM, kernels, &options, mistakes, &summary));
  mistakes_print(mistakes, stderr);
  OK(mistakes_count(mistakes) == 0 && summary.n == N && summary.d == D, "%s: is imported", name);
  PetscCall(TokensOpen(COMM, kernels, 1, outputs, mistakes, &tokens));
  PetscCall(PetscMalloc1(N * D, &X));
  PetscCall(TokensReadRange(tokens, 0, N, X));
  for (int64_t i = 0; i < N * D; i++) same &= X[i] == value(i);
  OK(same, "%s: comes back", name);
  PetscCall(TokensClose(&tokens));
  options.output = outputs[1];
  if (tap_rank == 0) PetscCall(ImportRun(PETSC_COMM_SELF, kernels, &options, mistakes, &summary));
  PetscCallMPI(MPI_Barrier(COMM));
  for (int i = 0; i < 2; i++) PetscCall(DigestFile(outputs[i], digests[i], &found));
  OK(found && !strcmp(digests[0], digests[1]), "%s: the same bytes on one rank", name);
  PetscCall(CheckCut(kernels, &options));
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0)
    for (int i = 0; i < 2; i++) unlink(outputs[i]), unlink(path);
  PetscCall(PetscFree(X));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  const Kernels *kernels;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  for (const Entry *const *e = importers.entries; *e; e++) RUN(CheckOne(kernels, (*e)->name));
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
