/* Token files: what is written is read back in every kind, several files are one, statistics and
   digest do not depend on the ranks, and files that are no token files are refused.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "token_file.h"
#include "base/digest.h"
#include "base/file.h"
#include "data/tokens.h"
#include <stdlib.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
enum { N = 9001, D = 24, MORE = 513 };
static const char *const paths[] = {"data_tokens.a.h5", "data_tokens.b.h5", "data_tokens.c.h5"};

static int64_t by_seven(int64_t row)
{
  return row / 7;
}

static PetscErrorCode CheckKind(const Kernels *kernels, H5Kind kind, double tolerance)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  Tokens *tokens;
  float X[3 * D];
  char first[DIGEST_LENGTH], second[DIGEST_LENGTH];
  bool found, labels;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(TestTokens(COMM, kernels, paths[0], N, D, kind, by_seven, mistakes));
  PetscCall(DigestFile(paths[0], first, &found));
  PetscCall(TokensOpen(COMM, kernels, 1, paths, mistakes, &tokens));
  OK(tokens && mistakes_count(mistakes) == 0, "%s opens", token_kind_name(kind));
  OK(tokens_count(tokens) == N && tokens_width(tokens) == D, "its shape");
  PetscCall(TokensRead(tokens, 3, (int64_t[]){8999, 4, 5}, X));
  double worst = 0;
  const int64_t rows[] = {8999, 4, 5};
  for (int i = 0; i < 3 * D; i++)
    worst = fmax(worst, fabs((double)X[i] - (double)test_value(rows[i / D], i % D)));
  OK(worst <= tolerance, "its values, in any order: off by %g", worst);
  int64_t group[5], label[5];
  PetscCall(TokensGroups(tokens, 5, 5, group));
  PetscCall(TokensLabels(tokens, 5, 5, label, &labels));
  OK(labels && group[1] == 0 && group[2] == 1 && label[0] == 0 && label[4] == 4,
     "its groups, labels");
  const TokenStatistics *s = tokens_statistics(tokens);
  OK(s->minimum[0] == 0 && fabs(s->maximum[0] - 499) <= tolerance, "its least and largest values");
  SAME_ON_ALL_RANKS(s->mean, D * sizeof(double), "its mean is the same on all ranks");
  PetscCall(TokensClose(&tokens));
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0)
    PetscCall(TestTokens(PETSC_COMM_SELF, kernels, paths[0], N, D, kind, by_seven, mistakes));
  PetscCallMPI(MPI_Barrier(COMM));
  PetscCall(DigestFile(paths[0], second, &found));
  OK(!strcmp(first, second), "%s: the same bytes on one rank", token_kind_name(kind));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two files as one have the statistics of one file that holds both. */
static PetscErrorCode CheckSeveral(const Kernels *kernels)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  Tokens *two, *one;
  float X[4 * D];
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(TestTokens(COMM, kernels, paths[0], 500, D, H5_F32, by_seven, mistakes));
  PetscCall(TestTokens(COMM, kernels, paths[1], MORE, D, H5_F32, by_seven, mistakes));
  PetscCall(TestTokens(COMM, kernels, paths[2], 500 + MORE, D, H5_F32, by_seven, mistakes));
  PetscCall(TokensOpen(COMM, kernels, 2, paths, mistakes, &two));
  PetscCall(TokensOpen(COMM, kernels, 1, paths + 2, mistakes, &one));
  OK(tokens_count(two) == 500 + MORE, "two files are one");
  PetscCall(TokensReadRange(two, 498, 4, X));
  OK(X[0] == 498 && X[D] == 499 && X[2 * D] == 0 && X[3 * D] == 1, "rows run through both");
  const TokenStatistics *a = tokens_statistics(two), *b = tokens_statistics(one);
  OK(!memcmp(a->mean, b->mean, D * sizeof(double)) &&
         !memcmp(a->deviation, b->deviation, D * sizeof(double)) && a->square == b->square &&
         a->mean_over_rms == b->mean_over_rms,
     "two files have the statistics of one with the same tokens, bit for bit");
  OK(strcmp(tokens_digest(two), tokens_digest(one)), "and a digest of their own");
  double mean = 0, square = 0;
  for (int i = 0; i < 500 + MORE; i++) mean += (double)test_value(i, 1);
  mean /= 500 + MORE;
  for (int i = 0; i < 500 + MORE; i++) square += pow((double)test_value(i, 1) - mean, 2);
  NEAR(b->mean[1], mean, 1e-12, "the mean of a column");
  NEAR(b->deviation[1], sqrt(square / (500 + MORE)), 1e-10, "the deviation of a column");
  PetscCall(TokensClose(&two));
  PetscCall(TokensClose(&one));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Refused(const Kernels *kernels, int64_t files, const char *const *names,
                              const char *word)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  Tokens *tokens;
  char *said = NULL;
  size_t length = 0;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(TokensOpen(COMM, kernels, files, names, mistakes, &tokens));
  FILE *memory = open_memstream(&said, &length);
  mistakes_print(mistakes, memory);
  fclose(memory);
  OK(!tokens && strstr(said, word), "refused: %s", word);
  if (!strstr(said, word)) fprintf(stderr, "# %s", said);
  free(said);
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file with arrays as given but not of ours: attributes 0: none, 1: all, 2: a later schema */
static PetscErrorCode Foreign(const char *path, const char *array, int attributes)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  H5Writer *writer;
  int number;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(H5WriterCreate(COMM, path, &writer));
  PetscCall(H5WriterArray(writer, array, H5_F32, 2, (int64_t[]){10, 4}, &number));
  if (attributes) {
    PetscCall(H5WriterInteger(writer, NULL, "schema", attributes));
    PetscCall(H5WriterText(writer, NULL, "digest", "0"));
  }
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckRefused(const Kernels *kernels)
{
  PetscFunctionBeginUser;
  Mistakes *mistakes;
  const char *const missing[] = {"data_tokens.none.h5"}, *const odd[] = {paths[0], paths[1]};
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(Refused(kernels, 1, missing, "data_tokens.none.h5: cannot be read"));
  PetscCall(TestTokens(COMM, kernels, paths[0], 500, D, H5_F32, by_seven, mistakes));
  PetscCall(TestTokens(COMM, kernels, paths[1], 500, D + 1, H5_F32, by_seven, mistakes));
  PetscCall(Refused(kernels, 2, odd, "holds tokens of width 25"));
  PetscCall(TestTokens(COMM, kernels, paths[1], 500, D, H5_F32, NULL, mistakes));
  PetscCall(Refused(kernels, 2, odd, "has no /groups"));
  PetscCall(Foreign(paths[1], "x", 0));
  PetscCall(Refused(kernels, 1, paths + 1, "has no array /tokens"));
  PetscCall(Foreign(paths[1], "tokens", 0));
  PetscCall(Refused(kernels, 1, paths + 1, "ardis import"));
  PetscCall(Foreign(paths[1], "tokens", 2));
  PetscCall(Refused(kernels, 1, paths + 1, "schema 2"));
  PetscCallMPI(MPI_Barrier(COMM));
  if (tap_rank == 0) CheckThat(truncate(paths[0], 20000) == 0, "truncate");
  PetscCallMPI(MPI_Barrier(COMM));
  PetscCall(Refused(kernels, 1, paths, "cut short"));
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
  RUN(CheckKind(kernels, H5_F32, 0));
  RUN(CheckKind(kernels, H5_F16, 0.25));
  RUN(CheckKind(kernels, H5_BF16, 2));
  RUN(CheckSeveral(kernels));
  RUN(CheckRefused(kernels));
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(COMM);
  if (tap_rank == 0)
    for (int i = 0; i < 3; i++) unlink(paths[i]);
  return TestEnd();
}
