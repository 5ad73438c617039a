/* ardis compare, on an existing run folder, or on model files. */
#include "base/file.h"
#include "cli/stage.h"
#include "run/models.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMM PETSC_COMM_WORLD

static PetscErrorCode Stage(Work *work, Mistakes *mistakes, int *code)
{
  bool stop;

  (void)code;
  PetscFunctionBegin;
  PetscCall(SignalsCatch());
  PetscCall(SignalsEndAtOnce(work->world, work->rank == 0, &stop));
  PetscCall(StageCompare(work, mistakes));
  if (work->rank == 0 && !mistakes_count(mistakes))
    printf("%s/pairs.csv\n%s/stability.csv\n%s/differences.csv\n", work->out, work->out, work->out);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of one couple, with the columns that differ from row to row. */
static PetscErrorCode PrintCouple(const Table *table, int64_t first, int64_t end)
{
  static const char *const names[] = {"measure",        "centring",    "value",
                                      "with_unmatched", "null_random", "null_gaussian",
                                      "null_tokens",    "note"};
  Table *shown;
  PetscFunctionBegin;
  printf("%s%s\n  with %s\n  %s atoms matched", first ? "\n" : "",
         table_cell(table, first, "model_a"), table_cell(table, first, "model_b"),
         table_cell(table, first, "matched"));
  for (int side = 0; side < 2; side++) {
    const char *unmatched = table_cell(table, first, side ? "unmatched_b" : "unmatched_a"),
               *dead = table_cell(table, first, side ? "dead_b" : "dead_a");
    if (strcmp(unmatched, "0")) printf(", %s of model_%c not", unmatched, "ab"[side]);
    if (strcmp(dead, "0")) printf(", %s of model_%c dead and left out", dead, "ab"[side]);
  }
  printf("\n");
  PetscCall(TableCreate("", &shown));
  for (size_t c = 0; c < sizeof(names) / sizeof(*names); c++)
    PetscCall(TableAddColumn(shown, names[c]));
  for (int64_t r = first; r < end; r++) {
    PetscCall(TableAddRow(shown));
    for (size_t c = 0; c < sizeof(names) / sizeof(*names); c++)
      table_text(shown, names[c], table_cell(table, r, names[c]));
  }
  table_print(shown, stdout);
  PetscCall(TableDestroy(&shown));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Print(const Table *table)
{
  PetscFunctionBegin;
  for (int64_t r = 0, end; r < table->rows; r = end) {
    for (end = r; end < table->rows; end++)
      if (strcmp(table_cell(table, end, "model_a"), table_cell(table, r, "model_a")) ||
          strcmp(table_cell(table, end, "model_b"), table_cell(table, r, "model_b")))
        break;
    PetscCall(PrintCouple(table, r, end));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* FILE.csv, or DIR/across.csv; fresh memory. */
static char *table_path(const char *out)
{
  const size_t length = strlen(out);
  const bool file = length > 4 && !strcmp(out + length - 4, ".csv");
  return file ? text_copy(out) : path_join(out, "across.csv");
}

static PetscErrorCode Models(int64_t count, const char *const *path, const char *tokens,
                             const char *out, Mistakes *mistakes)
{
  const Kernels *kernels;
  Table *table = NULL;
  int rank;
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(COMM, &rank));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  if (!mistakes_count(mistakes))
    PetscCall(CompareModels(COMM, kernels, count, path, tokens, mistakes, &table));
  if (table && rank == 0) PetscCall(Print(table));
  if (table && rank == 0 && out) {
    char *file = table_path(out);
    if (strcmp(file, out)) PetscCall(FileMakeFolder(out));
    PetscCall(TableWrite(table, file));
    free(file);
  }
  PetscCall(TableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool is_folder(const char *path)
{
  char *spec = path_join(path, "spec.yaml"), *inside = path_join(path, ".");
  const bool folder = file_exists(spec) || file_exists(inside) || !file_exists(path);
  free(spec);
  free(inside);
  return folder;
}

static int compare_main(int argc, char **argv)
{
  Option options[] = {
      {"out", "o", false, NULL}, {"tokens", NULL, false, NULL}, {"spec", NULL, false, NULL}, {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  const char *out = option_value(options, "out"), *tokens = option_value(options, "tokens");
  if (count == 0 || (count == 1 && !out && !tokens && is_folder(rest[0]))) {
    free(rest);
    return MistakesDestroy(&mistakes) ? 1 : stage_main(argc, argv, Stage);
  }
  if (count == 1)
    mistake(mistakes, NULL, 0, 0,
            "one model alone: two or more are compared, as in ardis compare A.h5 B.h5, or the runs "
            "of a folder: ardis compare DIR");
  if (option_value(options, "spec"))
    mistake(mistakes, NULL, 0, 0, "--spec goes with a run folder, not with model files");
  for (int i = 0; i < count && out; i++)
    if (file_same(out, rest[i]) || (tokens && file_same(out, tokens)))
      mistake(mistakes, NULL, 0, 0, "--out %s: is one of the files that are read", out);
  if (!mistakes_count(mistakes) && Models(count, rest, tokens, out, mistakes))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_compare = {
    .entry = {"compare", "a folder's runs, and how stable atoms are; or any models' dictionaries"},
    .usage =
        "usage: ardis compare DIR [--spec SPEC]\n"
        "       ardis compare MODEL MODEL… [--tokens TOKENS.h5] [-o DIR|FILE.csv]\n\n" STAGE_OPTIONS
        "  MODEL         a run's folder, or any model file of Ardis: imported ones, "
        "DIR/stable/*.h5\n"
        "  --tokens FILE tokens for the comparisons of codes, the nulls that need tokens, and to\n"
        "                tell which atoms never fire (these are left out)\n"
        "  -o, --out     the table is written there, as FILE.csv or DIR/across.csv\n\n"
        "A folder: writes pairs.csv, stability.csv, differences.csv, purposes.csv, levels.csv and "
        "more\n"
        "of the measured runs, and prints the paths of the first three.\n"
        "Models: prints every comparison of every two of them, raw and centred. Where one has "
        "more\n"
        "atoms, the smaller is matched in full and value is the mean over its atoms; "
        "with_unmatched\n"
        "counts those of the larger that are left over as 0. A note says why a value is "
        "missing.\n\n"
        "exit codes: 0 done; 2 a mistake; 75 stopped, run me again\n",
    .main = compare_main,
};
