/* ardis import: arrays become a token file. */
#include "base/file.h"
#include "cli/args.h"
#include "cli/command.h"
#include "data/import.h"
#include "data/token_writer.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ardis import INPUT [INPUT ...] -o TOKENS.h5 [options]\n\n"
    "Writes the activations of all inputs, one after another, as one token file. Runs alone or\n"
    "under mpirun, with the same bytes on any number of ranks; memory does not grow with the "
    "input.\n\n"
    "An INPUT is a .npy file, FILE.h5:/ARRAY, FILE.safetensors:TENSOR, or headerless numbers\n"
    "(--raw). Arrays are [tokens, d], [images, tokens, d] (a class token first) or\n"
    "[images, h, w, d]; with images, tokens get the image as group and their place in it.\n\n"
    "  -o, --out FILE         the token file to write (one that is there is replaced)\n"
    "  --labels FILE          a whole number for each token or image (.npy, or FILE.h5:/ARRAY)\n"
    "  --groups FILE          the same: what is held out together (default: images, if any)\n"
    "  --positions FILE       one or two whole numbers for each token\n"
    "  --names FILE           a line for each label, from 0\n"
    "  --select WORD          cls, patches, all (default) or mean over the tokens of an image\n"
    "  --dtype WORD           f16, bf16 or f32 (default: as the inputs; f64 becomes f32)\n"
    "  --raw WORD --dim D     inputs are headerless f16, bf16, f32 or f64 of width D\n"
    "  --nonfinite WORD       refuse (default) or drop: leave rows with NaN or infinity out\n"
    "  --model TEXT --layer TEXT   where the activations come from, stored in the file\n\n"
    "Exit codes: 0 done, 2 something is wrong with the inputs (nothing is written).\n";

static int word_of(const Option *options, const char *name, const char *const *words,
                   Mistakes *mistakes)
{
  const char *value = option_value(options, name);
  if (!value) return -1;
  Text list = {0};
  for (int i = 0; words[i]; i++) {
    if (!strcmp(value, words[i])) {
      text_clear(&list);
      return i;
    }
    text_add(&list, "%s%s", !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
  }
  mistake(mistakes, NULL, 0, 0, "--%s %s: must be %s", name, value, list.s);
  text_clear(&list);
  return -1;
}

/* Whether FILE, or FILE:ARRAY, is the file at path. */
static bool leads_to(const char *input, const char *path)
{
  char *file = text_copy(input);
  bool same = file_same(file, path);
  for (char *colon; !same && (colon = strrchr(file, ':'));) {
    *colon = 0;
    same = file_same(file, path);
  }
  free(file);
  return same || !strcmp(input, path);
}

static void read_options(Option *options, ImportOptions *import, Mistakes *mistakes)
{
  static const char *const kinds[] = {"f16", "bf16", "f32", "f64", NULL};
  static const char *const stored[] = {"f16", "bf16", "f32", NULL};
  static const char *const selects[] = {"all", "cls", "patches", "mean", NULL};
  static const char *const nonfinite[] = {"refuse", "drop", NULL};
  import->output = option_value(options, "out");
  import->labels = option_value(options, "labels");
  import->groups = option_value(options, "groups");
  import->positions = option_value(options, "positions");
  import->names = option_value(options, "names");
  import->model = option_value(options, "model");
  import->layer = option_value(options, "layer");
  const int select = word_of(options, "select", selects, mistakes);
  const int raw = word_of(options, "raw", kinds, mistakes);
  const int dtype = word_of(options, "dtype", stored, mistakes);
  import->selects = select >= 0;
  import->select = select > 0 ? (Select)select : SELECT_ALL;
  import->is_raw = option_value(options, "raw") != NULL;
  import->raw = raw >= 0 ? (H5Kind)raw : H5_F32;
  import->converts = dtype >= 0;
  import->dtype = dtype >= 0 ? (H5Kind)dtype : H5_F32;
  import->drop = word_of(options, "nonfinite", nonfinite, mistakes) == 1;
  import->dim = option_integer(options, "dim", 0, 1, 1 << 24, mistakes);
  if (import->is_raw && !option_value(options, "dim"))
    mistake(mistakes, NULL, 0, 0, "--raw needs --dim, the width of a token");
  if (!import->is_raw && option_value(options, "dim"))
    mistake(mistakes, NULL, 0, 0, "--dim is for headerless numbers; give --raw as well");
  if (!import->output) mistake(mistakes, NULL, 0, 0, "-o FILE is missing: the token file to write");
  if (!import->inputs)
    mistake(mistakes, NULL, 0, 0, "no input is given; ardis import --help says how");
  for (int64_t i = 0; i < import->inputs; i++)
    if (import->output && leads_to(import->input[i], import->output))
      mistake(mistakes, NULL, 0, 0, "%s is an input and the output", import->output);
}

static PetscErrorCode Run(const ImportOptions *import, Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  const Kernels *kernels;
  ImportSummary summary;
  int rank;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  if (!kernels) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ImportRun(PETSC_COMM_WORLD, kernels, import, mistakes, &summary));
  if (rank || mistakes_count(mistakes)) PetscFunctionReturn(PETSC_SUCCESS);
  fprintf(stderr, "%s: %" PRId64 " tokens x %" PRId64 " %s, digest %s\n", import->output, summary.n,
          summary.d, token_kind_name(summary.kind), summary.digest);
  if (import->drop)
    fprintf(stderr, "%" PRId64 " rows with NaN or infinity left out\n", summary.dropped);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int import_main(int argc, char **argv)
{
  Option options[] = {
      {.name = "out", .letter = "o"},
      {.name = "labels"},
      {.name = "groups"},
      {.name = "positions"},
      {.name = "names"},
      {.name = "select"},
      {.name = "dtype"},
      {.name = "raw"},
      {.name = "dim"},
      {.name = "nonfinite"},
      {.name = "model"},
      {.name = "layer"},
      {0},
  };
  Mistakes *mistakes;
  ImportOptions import = {0};
  const char **inputs = calloc((size_t)argc + 1, sizeof(*inputs));
  int count;
  if (!inputs || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, inputs, &count);
  import.inputs = count;
  import.input = inputs;
  read_options(options, &import, mistakes);
  if (!mistakes_count(mistakes) && Run(&import, mistakes)) MPI_Abort(PETSC_COMM_WORLD, 1);
  free(inputs);
  return command_end(&mistakes, 0);
}

const Command command_import = {
    .entry = {.name = "import", .summary = "arrays (.npy, HDF5, safetensors, raw) to a token file"},
    .usage = usage,
    .main = import_main,
};
