/* ardis measure, on an existing run folder, or on one model and any tokens. */
#include "base/file.h"
#include "cli/stage.h"
#include "run/models.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMM PETSC_COMM_WORLD

static PetscErrorCode Stage(Work *work, Mistakes *mistakes, int *code)
{
  int orders = 0;
  int64_t failed, pending;
  bool stop;

  PetscFunctionBegin;
  PetscCall(SignalsCatch());
  PetscCall(SignalsEndAtOnce(work->world, work->rank == 0, &stop));
  PetscCall(StageMeasure(work, mistakes, &orders));
  if (!mistakes_count(mistakes)) PetscCall(StageTables(work, mistakes, &failed, &pending));
  if (orders & ORDER_STOP)
    *code = 75;
  else if (work->rank == 0 && !mistakes_count(mistakes))
    printf("%s/runs.csv\n%s/groups.csv\n", work->out, work->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Model(const char *model, const char *path, double held_out, const char *out,
                            Mistakes *mistakes)
{
  char *file = model_file(model);
  const Kernels *kernels;
  Dictionary *dictionary = NULL;
  Tokens *tokens = NULL;
  Table *values = NULL;
  bool any;
  int rank;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(COMM, &rank));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  if (!mistakes_count(mistakes)) PetscCall(DictionaryRead(file, kernels, mistakes, &dictionary));
  if (out && (file_same(out, file) || file_same(out, path)))
    mistake(mistakes, NULL, 0, 0, "--out %s: is one of the files that are read", out);
  PetscCall(MistakesAgree(COMM, mistakes, &any));
  if (!any) PetscCall(TokensFit(COMM, kernels, path, dictionary->d, mistakes, &tokens));
  if (tokens) PetscCall(MeasureModel(COMM, dictionary, tokens, held_out, mistakes, &values));
  if (values && rank == 0) {
    table_print(values, stdout);
    if (!has_codes(dictionary))
      fprintf(stderr, "%s has no encoder: what asks for codes is left out\n", file);
    if (out) PetscCall(TableWrite(values, out));
  }
  PetscCall(TableDestroy(&values));
  PetscCall(TokensClose(&tokens));
  PetscCall(DictionaryDestroy(&dictionary));
  free(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double read_share(const char *value, Mistakes *mistakes)
{
  char *end;
  if (!value) return 0;
  const double share = strtod(value, &end);
  if (!*value || *end || !(share > 0 && share < 1))
    mistake(mistakes, NULL, 0, 0, "--held-out %s: must be a share above 0 and below 1", value);
  return share;
}

static int measure_main(int argc, char **argv)
{
  Option options[] = {{"out", "o", false, NULL}, {"held-out", NULL, false, NULL}, {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count < 2) {
    free(rest);
    return MistakesDestroy(&mistakes) ? 1 : stage_main(argc, argv, Stage);
  }
  if (count > 2)
    mistake(mistakes, NULL, 0, 0,
            "one model and one token file are expected: ardis measure MODEL TOKENS.h5");
  const double held_out = read_share(option_value(options, "held-out"), mistakes);
  if (!mistakes_count(mistakes) &&
      Model(rest[0], rest[1], held_out, option_value(options, "out"), mistakes))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_measure = {
    .entry = {"measure", "metrics of a folder's finished runs, or of any model on any tokens"},
    .usage =
        "usage: ardis measure DIR [--spec SPEC]\n"
        "       ardis measure MODEL TOKENS.h5 [--held-out SHARE] [-o FILE.csv]\n\n" STAGE_OPTIONS
        "  MODEL         a run's folder, or any model file of Ardis (imported ones too)\n"
        "  --held-out S  that share of the groups is measured apart, as by a spec that says "
        "held_out: S\n"
        "                (default: all tokens together)\n"
        "  -o, --out     the table is written there too, as CSV\n\n"
        "A folder: writes metrics.csv and atoms.csv of each finished run, runs.csv and "
        "groups.csv; what is there with the same settings is skipped. Prints the tables' "
        "paths.\n"
        "A model: prints all metrics, with their default settings, on these tokens, normalised "
        "as the model's were. Of atoms without an encoder only what asks for no codes.\n\n"
        "exit codes: 0 done; 2 a mistake; 75 stopped, run me again\n",
    .main = measure_main,
};
