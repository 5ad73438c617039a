/* ardis import-model DIR|FILE -o MODEL.h5 */
#include "cli/args.h"
#include "cli/command.h"
#include "run/model_importer.h"
#include <stdlib.h>

/* --name as a number from least on; anything else is a mistake. */
static void check_real(const Option *options, const char *name, double least, Mistakes *mistakes)
{
  const char *value = option_value(options, name);
  char *end;
  if (!value) return;
  const double x = strtod(value, &end);
  if (end == value || *end || !(x >= least && x <= 1e30))
    mistake(mistakes, NULL, 0, 0, "--%s %s: must be a number from %g on", name, value, least);
}

static PetscErrorCode Work(const char *path, const ModelOptions *options, Mistakes *mistakes)
{
  const Kernels *kernels;

  PetscFunctionBegin;
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  if (!mistakes_count(mistakes)) PetscCall(ModelImport(path, options, kernels, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int import_model_main(int argc, char **argv)
{
  Option options[] = {{.name = "out", .letter = "o"},
                      {.name = "from"},
                      {.name = "tokens"},
                      {.name = "code"},
                      {.name = "k"},
                      {.name = "threshold"},
                      {.name = "delta"},
                      {.name = "norm"},
                      {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count, rank;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  args_read(argc, argv, options, mistakes, rest, &count);
  const ModelOptions wanted = {.from = option_value(options, "from"),
                               .to = option_value(options, "out"),
                               .tokens = option_value(options, "tokens"),
                               .code = option_value(options, "code"),
                               .k = option_value(options, "k"),
                               .threshold = option_value(options, "threshold"),
                               .delta = option_value(options, "delta"),
                               .norm = option_value(options, "norm")};
  if (count != 1)
    mistake(mistakes, NULL, 0, 0, "one model is needed: ardis import-model DIR|FILE -o MODEL.h5");
  if (!wanted.to) mistake(mistakes, NULL, 0, 0, "-o MODEL.h5 is missing: where the model goes");
  option_integer(options, "k", 1, 1, 1000000000, mistakes);
  check_real(options, "threshold", 0, mistakes);
  check_real(options, "delta", 0, mistakes);
  if (!mistakes_count(mistakes) && rank == 0 && Work(rest[0], &wanted, mistakes))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_import_model = {
    .entry = {"import-model", "a dictionary that another program learned, as a model file"},
    .usage =
        "usage: ardis import-model DIR|FILE -o MODEL.h5 [options]\n\n"
        "  DIR|FILE       a folder of SAELens or dictionary_learning, a .pt file of overcomplete, "
        "or an array of\n"
        "                 atoms: FILE.npy, FILE.h5:/path, FILE.safetensors:tensor\n"
        "  -o, --out      the file to write\n"
        "  --from FORMAT  one of `ardis list model importers` (default: found out by itself)\n"
        "  --tokens FILE  a token file that the model belongs to: its digest is noted, its width "
        "checked\n\n"
        "What files of overcomplete do not say themselves:\n"
        "  --k K          TopK, of K codes a token\n"
        "  --threshold T  BatchTopK, with that running threshold\n"
        "  --code relu    neither\n"
        "  --code mp      MpSAE, of --k K picks a token\n"
        "  --norm WAY     how atoms are normalised: l2 (default), max_l2, l1, max_l1 or identity\n"
        "  --delta D      RA-SAE's bound of the relaxation\n\n"
        "Only tensors are read: no object of a pickle is ever made. MODEL.h5 takes tokens as they "
        "are; it works\n"
        "wherever a model file does (encode, inspect, anchors). Atoms without an encoder have no "
        "codes.\n\n"
        "exit codes: 0 done; 2 a mistake, nothing was written\n",
    .main = import_model_main,
};
