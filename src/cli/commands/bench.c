/* ardis bench - work beside the machine's limits. */
#include "base/file.h"
#include "cli/args.h"
#include "cli/command.h"
#include "run/bench.h"
#include "run/machine.h"
#include <stdio.h>
#include <stdlib.h>

static PetscErrorCode Run(const Option *options, Mistakes *mistakes)
{
  const char *rows = option_value(options, "rows"), *given = option_value(options, "machine");
  const bool save = option_value(options, "save") != NULL;
  char *machine = machine_path(given);
  const BenchOptions bench = {.rows = save && !rows ? "prediction" : rows,
                              .tokens = option_value(options, "tokens"),
                              .csv = option_value(options, "csv"),
                              .json = option_value(options, "json"),
                              .machine = save ? NULL : given,
                              .save = save ? machine : NULL};
  const Kernels *kernels;
  Table *table = NULL;
  Text text = {0};
  bool bound;
  int ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(MPI_COMM_WORLD, &ranks));
  if (bench.tokens && !file_exists(bench.tokens))
    mistake(mistakes, bench.tokens, 0, 0, "no such file");
  PetscCall(KernelsChoose(option_value(options, "kernels"), mistakes, &kernels));
  if (!mistakes_count(mistakes))
    PetscCall(BenchRunAll(MPI_COMM_WORLD, kernels, &bench, mistakes, &table, &bound));
  if (table) {
    bench_text(table, kernels, ranks, bound, &text);
    fputs(text.s, stdout);
  }
  text_clear(&text);
  PetscCall(TableDestroy(&table));
  free(machine);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int bench_main(int argc, char **argv)
{
  Option options[] = {{"rows", NULL, false, NULL},    {"kernels", NULL, false, NULL},
                      {"tokens", NULL, false, NULL},  {"csv", NULL, false, NULL},
                      {"json", NULL, false, NULL},    {"save", NULL, true, NULL},
                      {"machine", NULL, false, NULL}, {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count) mistake(mistakes, NULL, 0, 0, "ardis bench takes options only, not %s", rest[0]);
  if (!mistakes_count(mistakes) && Run(options, mistakes)) MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_bench = {
    .entry = {"bench", "how fast the work goes, beside limits measured in the same run"},
    .usage =
        "usage: ardis bench [--rows WORD,...] [--kernels SET] [--tokens FILE.h5]\n"
        "                   [--csv FILE] [--json FILE] [--save] [--machine FILE]\n\n"
        "  --rows WORD,...  only rows whose name, or whose file of benches, holds one of the "
        "words; `ardis list benches`\n"
        "  --kernels SET    ref, avx2 or avx512 (default: the best for this CPU)\n"
        "  --tokens FILE    real activations, 768 wide; without them their rows are skipped\n"
        "  --csv FILE       the table as CSV, written anew with each row\n"
        "  --json FILE      the table as JSON, with date, CPU and commit, and whether it is "
        "complete\n"
        "  --save           measures what `ardis plan --ranks` calculates with, checks it and "
        "keeps it; without --rows nothing else\n"
        "  --machine FILE   where that is kept (default: ARDIS_MACHINE, else "
        "~/.config/ardis/machine.json); without --save it is read\n"
        "                   from there and not measured\n\n"
        "Under mpirun -n 2 also the rows of two ranks. ratio = figure / limit: for a rate 1 is "
        "at the limit; only ratios of one run can be compared,\nsince clocks vary.\n",
    .main = bench_main,
};
