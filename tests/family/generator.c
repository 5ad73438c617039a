/* Laws of every generator: its settings explain themselves, the same seed gives the same bytes on
   any number of ranks, another seed other ones, and rows do not depend on how many there are.
   RUN ranks=1
   RUN ranks=2
   RUN ranks=3 */
#include "../tap.h"
#include "base/digest.h"
#include "data/generator.h"
#include "data/tokens.h"
#include <stdlib.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
enum { N = 5000, D = 20 };
static const char *const paths[] = {"generator.a.h5", "generator.b.h5", "generator.c.h5"};

/* Settings, those that are given (name, value, …, NULL) in place of their defaults; NULL: none. */
static PetscErrorCode Settle(const Generator *generator, const char *const *given, void **params)
{
  PetscFunctionBeginUser;
  Settings settings = {0};
  bool explained = generator->entry.summary != NULL;
  for (const Param *p = generator->entry.params; p && p->name; p++) {
    char *canonical, *complaint;
    PetscCall(ParamScalar(p, p->initial, &canonical, &complaint));
    explained &= p->doc && canonical && !complaint;
    settings_set(&settings, p->name, canonical);
    free(canonical);
    free(complaint);
  }
  OK(explained, "%s: settings are explained and defaults allowed", generator->entry.name);
  for (; given && given[0]; given += 2) settings_set(&settings, given[0], given[1]);
  PetscCall(PetscCalloc(generator->entry.params_size + 1, (char **)params));
  PetscCall(ParamsRead(&settings, "", generator->entry.params, *params));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Make(MPI_Comm comm, const Kernels *kernels, const Generator *generator,
                           const void *params, int64_t n, uint64_t seed, const char *path,
                           Mistakes *mistakes, char *digest)
{
  PetscFunctionBeginUser;
  const SynthOptions options = {n, D, seed, H5_F16, path, "a test"};
  PetscCall(SynthRun(comm, kernels, generator, params, &options, mistakes, digest));
  PetscCallMPI(MPI_Barrier(COMM));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckOne(const Kernels *kernels, const Generator *generator)
{
  PetscFunctionBeginUser;
  const char *name = generator->entry.name;
  void *params;
  char first[DIGEST_LENGTH], other[DIGEST_LENGTH], files[2][DIGEST_LENGTH];
  Mistakes *mistakes;
  Tokens *tokens, *fewer;
  bool found;
  float a[3 * D], b[3 * D];
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(Settle(generator, NULL, &params));
  PetscCall(Make(COMM, kernels, generator, params, N, 3, paths[0], mistakes, first));
  OK(mistakes_count(mistakes) == 0, "%s: is written", name);
  if (tap_rank == 0)
    PetscCall(SynthRun(PETSC_COMM_SELF, kernels, generator, params,
                       &(SynthOptions){N, D, 3, H5_F16, paths[1], "a test"}, mistakes, other));
  PetscCallMPI(MPI_Barrier(COMM));
  for (int i = 0; i < 2; i++) PetscCall(DigestFile(paths[i], files[i], &found));
  OK(!strcmp(files[0], files[1]), "%s: the same bytes on one rank", name);
  PetscCall(Make(COMM, kernels, generator, params, N, 4, paths[1], mistakes, other));
  OK(strcmp(first, other), "%s: another seed gives other tokens", name);
  PetscCall(Make(COMM, kernels, generator, params, 7, 3, paths[2], mistakes, other));
  PetscCall(TokensOpen(COMM, kernels, 1, paths, mistakes, &tokens));
  PetscCall(TokensOpen(COMM, kernels, 1, paths + 2, mistakes, &fewer));
  PetscCall(TokensReadRange(tokens, 4, 3, a));
  PetscCall(TokensReadRange(fewer, 4, 3, b));
  OK(!memcmp(a, b, sizeof(a)), "%s: a row does not depend on how many there are", name);
  OK(memcmp(a, a + D, D * sizeof(float)), "%s: rows differ", name);
  OK(tokens_statistics(tokens)->square > 0, "%s: tokens spread", name);
  PetscCall(TokensClose(&tokens));
  PetscCall(TokensClose(&fewer));
  PetscCall(PetscFree(params));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckQuantiles(void)
{
  PetscFunctionBeginUser;
  float *table;
  double square = 0;
  bool rising = true;
  PetscCall(PetscMalloc1(65536, &table));
  normal_quantiles(table);
  for (int i = 0; i < 65536; i++) {
    square += (double)table[i] * (double)table[i] / 65536;
    rising &= !i || table[i] >= table[i - 1];
  }
  OK(rising, "quantiles rise");
  NEAR(square, 1, 1e-3, "their mean square is 1");
  NEAR(0.5 * erfc(-(double)table[60000] * sqrt(0.5)), 60000.5 / 65536, 1e-7, "one of them");
  NEAR(0.5 * erfc(-(double)table[100] * sqrt(0.5)), 100.5 / 65536, 1e-9, "one of the tail");
  PetscCall(PetscFree(table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Tokens of `sparse` without noise lie in the span of few stored atoms: a stored token equals a sum
   of atoms that the truth holds. Checked for one active atom, where it is a multiple of one. */
static PetscErrorCode CheckTruth(const Kernels *kernels)
{
  PetscFunctionBeginUser;
  static const char *const given[] = {"atoms", "50", "active", "1", "noise", "0", NULL};
  const Generator *generator = (const Generator *)family_find(&generators, "sparse");
  void *params;
  Mistakes *mistakes;
  Tokens *tokens;
  H5Reader *reader;
  float X[D], atoms[50 * D];
  double best = 0;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(Settle(generator, given, &params));
  PetscCall(Make(COMM, kernels, generator, params, 10, 3, paths[0], mistakes, NULL));
  PetscCall(TokensOpen(COMM, kernels, 1, paths, mistakes, &tokens));
  PetscCall(TokensReadRange(tokens, 9, 1, X));
  PetscCall(H5ReaderOpen(paths[0], mistakes, &reader));
  PetscCall(H5ReaderRows(reader, "truth/atoms", 0, 50, H5_F32, atoms));
  for (int j = 0; j < 50; j++) {
    double dot = 0, square = 0;
    for (int i = 0; i < D; i++) {
      dot += (double)X[i] * (double)atoms[j * D + i];
      square += (double)X[i] * (double)X[i];
    }
    best = fmax(best, dot / sqrt(square));
  }
  NEAR(best, 1, 1e-5, "a token of one active atom lies along an atom of the truth");
  PetscCall(H5ReaderClose(&reader));
  PetscCall(TokensClose(&tokens));
  PetscCall(PetscFree(params));
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
  RUN(CheckQuantiles());
  for (const Entry *const *e = generators.entries; *e; e++)
    RUN(CheckOne(kernels, (const Generator *)*e));
  RUN(CheckTruth(kernels));
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(COMM);
  if (tap_rank == 0)
    for (int i = 0; i < 3; i++) unlink(paths[i]);
  return TestEnd();
}
