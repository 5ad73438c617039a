/* ardis encode MODEL TOKENS.h5 -o CODES.h5 */
#include "base/file.h"
#include "cli/args.h"
#include "cli/command.h"
#include "run/encode.h"
#include "run/models.h"
#include <stdio.h>
#include <stdlib.h>

#define COMM PETSC_COMM_WORLD

/* --k in the place of the k that the model was trained with, and of what its goal keeps. */
static PetscErrorCode OtherK(const char *k, Dictionary *dictionary, Mistakes *mistakes)
{
  Settings *settings = &dictionary->settings;
  PetscFunctionBegin;
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  if (!settings_get(settings, "code.k"))
    mistake(mistakes, NULL, 0, 0, "--k %s: the codes of this model have no k", k);
  else if (strtoll(k, NULL, 10) > dictionary->m)
    mistake(mistakes, NULL, 0, 0, "--k %s: the dictionary has only %lld atoms", k,
            (long long)dictionary->m);
  else {
    settings_set(settings, "code.k", k);
    dictionary->k = strtoll(k, NULL, 10);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Work(const char *model, const char *path, const char *k, int64_t keep,
                           bool reconstruct, const char *out, Mistakes *mistakes)
{
  char *file = model_file(model);
  const Kernels *kernels;
  Dictionary *dictionary = NULL;
  Tokens *tokens = NULL;
  int64_t nonzeros = 0;
  bool any;
  int rank;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(COMM, &rank));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  if (!mistakes_count(mistakes)) PetscCall(DictionaryRead(file, kernels, mistakes, &dictionary));
  if (dictionary && file_same(out, file))
    mistake(mistakes, NULL, 0, 0, "--out %s: is the model itself", out);
  if (dictionary && !has_codes(dictionary))
    mistake(mistakes, file, 0, 0, "has no encoder: its atoms can be compared, but have no codes");
  if (dictionary) PetscCall(OtherK(k, dictionary, mistakes));
  PetscCall(MistakesAgree(COMM, mistakes, &any));
  if (!any) PetscCall(TokensFit(COMM, kernels, path, dictionary->d, mistakes, &tokens));
  if (tokens) {
    PetscCall(EncodeTokens(COMM, dictionary, tokens, out, keep, reconstruct, mistakes, &nonzeros));
    PetscCall(MistakesAgree(COMM, mistakes, &any));
    if (!any && rank == 0)
      printf("%s: %lld tokens x %lld atoms, %lld nonzeros\n", out, (long long)tokens_count(tokens),
             (long long)dictionary->m, (long long)nonzeros);
  }
  PetscCall(TokensClose(&tokens));
  PetscCall(DictionaryDestroy(&dictionary));
  free(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int encode_main(int argc, char **argv)
{
  Option options[] = {{"out", "o", false, NULL},
                      {"k", NULL, false, NULL},
                      {"memory", NULL, false, NULL},
                      {"reconstruct", NULL, true, NULL},
                      {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  const char *out = option_value(options, "out");
  if (count != 2)
    mistake(mistakes, NULL, 0, 0,
            "a model and a token file are needed: ardis encode MODEL TOKENS.h5 -o CODES.h5");
  if (!out)
    mistake(mistakes, NULL, 0, 0, "-o CODES.h5 is missing: where the codes go");
  else if (count == 2 && file_same(out, rest[1]))
    mistake(mistakes, NULL, 0, 0, "--out %s: is the file of tokens itself", out);
  option_integer(options, "k", 1, 1, 1000000000, mistakes);
  const int64_t megabytes = option_integer(options, "memory", 1024, 0, 1 << 20, mistakes);
  if (!mistakes_count(mistakes) &&
      Work(rest[0], rest[1], option_value(options, "k"), megabytes * ((1 << 20) / 8),
           option_value(options, "reconstruct") != NULL, out, mistakes))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_encode = {
    .entry = {"encode", "sparse codes of any tokens by a finished model"},
    .usage =
        "usage: ardis encode MODEL TOKENS.h5 -o CODES.h5 [--k K] [--memory MB] [--reconstruct]\n"
        "                                                    under mpirun or alone\n\n"
        "  MODEL       a run's folder, or any model file of Ardis\n"
        "  -o, --out   the file to write\n"
        "  --k K       atoms kept for each token, for codes that have a k (default: the model's)\n"
        "  --memory MB for codes on each rank (1024); what is beyond is computed twice\n"
        "  --reconstruct  also /reconstructions [n x d], what the codes make of each token, in "
        "the\n"
        "              units of TOKENS.h5\n\n"
        "Tokens are normalised as the model's were. CODES.h5 holds compressed sparse rows, the "
        "same\n"
        "bytes on any number of ranks; in Python:\n"
        "  f = h5py.File('CODES.h5'); Z = scipy.sparse.csr_matrix((f['data'][:], f['indices'][:],\n"
        "      f['indptr'][:]), shape=f.attrs['shape'].astype(int))\n\n"
        "exit codes: 0 done; 2 a mistake, nothing was written\n",
    .main = encode_main,
};
