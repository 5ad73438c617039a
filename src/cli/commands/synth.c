/* ardis synth: tokens from a generator. */
#include "cli/args.h"
#include "cli/command.h"
#include "data/generator.h"
#include "data/token_writer.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ardis synth KIND -o TOKENS.h5 --n N --dim D [--seed S] [--dtype f16|bf16|f32]\n"
    "                   [--SETTING VALUE ...]\n\n"
    "Writes N tokens of width D made by the generator KIND, with what they were made of under\n"
    "/truth. A row depends on the seed and its number only: the same bytes on any number of "
    "ranks.\n\n"
    "Kinds: activations, hierarchy, hull, mixture, sparse; `ardis list generators` explains them\n"
    "and their settings.\n\n"
    "  -o, --out FILE   the token file to write\n"
    "  --n N            tokens\n"
    "  --dim D          width of a token\n"
    "  --seed S         default 1\n"
    "  --dtype WORD     f16, bf16 or f32 (default f32)\n\n"
    "Exit codes: 0 done, 2 a mistake in the command line (nothing is written).\n";

enum { COMMON = 5, MOST = 32 };

/* The generator's settings from the options, checked; source says all that was asked. */
static PetscErrorCode ReadSettings(const Generator *generator, const Option *options,
                                   Mistakes *mistakes, Settings *settings, Text *source)
{
  PetscFunctionBeginUser;
  for (const Param *p = generator->entry.params; p && p->name; p++) {
    const char *given = option_value(options, p->name);
    char *canonical, *complaint;
    PetscCall(ParamScalar(p, given ? given : p->initial, &canonical, &complaint));
    if (canonical) {
      settings_set(settings, p->name, canonical);
      text_add(source, " --%s %s", p->name, canonical);
    } else {
      mistake(mistakes, NULL, 0, 0, "--%s: %s", p->name, complaint);
    }
    free(canonical);
    free(complaint);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(const Generator *generator, const void *params, SynthOptions *synth,
                            Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  const Kernels *kernels;
  char digest[33];
  int rank;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  if (!kernels) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(SynthRun(PETSC_COMM_WORLD, kernels, generator, params, synth, mistakes, digest));
  if (rank == 0 && !mistakes_count(mistakes))
    fprintf(stderr, "%s: %" PRId64 " tokens x %" PRId64 " %s, digest %s\n", synth->output, synth->n,
            synth->d, token_kind_name(synth->kind), digest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(const Generator *generator, const Option *options, SynthOptions *synth,
                          Mistakes *mistakes)
{
  PetscFunctionBeginUser;
  Settings settings = {0};
  Text source = {0};
  const Entry *entry = &generator->entry;
  text_add(&source, "ardis synth %s --n %" PRId64 " --dim %" PRId64 " --seed %" PRIu64, entry->name,
           synth->n, synth->d, synth->seed);
  PetscCall(ReadSettings(generator, options, mistakes, &settings, &source));
  synth->source = source.s;
  if (!mistakes_count(mistakes)) {
    void *params;
    const char *path;
    PetscCall(PetscCalloc(entry->params_size + 1, (char **)&params));
    PetscCall(ParamsRead(&settings, "", entry->params, params));
    char *wrong = entry->check ? entry->check(params, &settings, &path) : NULL;
    if (wrong)
      mistake(mistakes, NULL, 0, 0, "--%s: %s", path, wrong);
    else
      PetscCall(Write(generator, params, synth, mistakes));
    free(wrong);
    PetscCall(ParamsRelease(entry->params, params));
    PetscCall(PetscFree(params));
  }
  settings_clear(&settings);
  text_clear(&source);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The generator that the first word names, or NULL after a mistake. */
static const Generator *find(int argc, char **argv, Mistakes *mistakes)
{
  const char *names[64];
  int n = 0;
  for (const Entry *const *e = generators.entries; *e && n < 63; e++) names[n++] = (*e)->name;
  names[n] = NULL;
  if (argc < 2 || argv[1][0] == '-') {
    mistake(mistakes, NULL, 0, 0,
            "the first word is the kind of tokens; ardis list generators "
            "names them");
    return NULL;
  }
  const Entry *entry = family_find(&generators, argv[1]);
  const char *near = entry ? NULL : nearest_word(argv[1], names);
  if (!entry)
    mistake(mistakes, NULL, 0, 0,
            near ? "no generator %s; did you mean %s?"
                 : "no generator %s; ardis list generators names them",
            argv[1], near);
  return (const Generator *)entry;
}

static void read_common(const Option *options, SynthOptions *synth, Mistakes *mistakes)
{
  static const char *const kinds[] = {"f16", "bf16", "f32"};
  const char *dtype = option_value(options, "dtype");
  synth->output = option_value(options, "out");
  synth->n = option_integer(options, "n", 0, 1, (int64_t)1 << 40, mistakes);
  synth->d = option_integer(options, "dim", 0, 1, 1 << 24, mistakes);
  synth->seed = (uint64_t)option_integer(options, "seed", 1, 0, INT64_MAX, mistakes);
  synth->kind = H5_TEXT;
  for (int k = 0; k < 3; k++)
    if (!strcmp(dtype ? dtype : "f32", kinds[k])) synth->kind = (H5Kind)k;
  if (synth->kind == H5_TEXT)
    mistake(mistakes, NULL, 0, 0, "--dtype %s: must be f16, bf16 or f32", dtype);
  if (!synth->output) mistake(mistakes, NULL, 0, 0, "-o FILE is missing: the token file to write");
  if (!option_value(options, "n")) mistake(mistakes, NULL, 0, 0, "--n is missing: how many tokens");
  if (!option_value(options, "dim"))
    mistake(mistakes, NULL, 0, 0, "--dim is missing: the width of a token");
}

static int synth_main(int argc, char **argv)
{
  Option options[COMMON + MOST + 1] = {{.name = "out", .letter = "o"},
                                       {.name = "n"},
                                       {.name = "dim"},
                                       {.name = "seed"},
                                       {.name = "dtype"}};
  Mistakes *mistakes;
  SynthOptions synth = {0};
  int count, n = COMMON;
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  if (!rest || MistakesCreate(&mistakes)) return 1;
  const Generator *generator = find(argc, argv, mistakes);
  if (generator) {
    for (const Param *p = generator->entry.params; p && p->name && n < COMMON + MOST; p++)
      options[n++].name = p->name;
    args_read(argc - 1, argv + 1, options, mistakes, rest, &count);
    for (int i = 0; i < count; i++)
      mistake(mistakes, NULL, 0, 0, "%s: one kind is made at a time", rest[i]);
    read_common(options, &synth, mistakes);
    const bool good = !mistakes_count(mistakes);
    if (good && Run(generator, options, &synth, mistakes)) MPI_Abort(PETSC_COMM_WORLD, 1);
  }
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_synth = {
    .entry = {.name = "synth", .summary = "makes tokens whose structure is known"},
    .usage = usage,
    .main = synth_main,
};
