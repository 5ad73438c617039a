/* ardis bench - the kernels beside the machine's limits. */
#include "cli/args.h"
#include "cli/command.h"
#include "run/bench.h"
#include <stdio.h>
#include <stdlib.h>

static void print_table(const Table *table, const Kernels *kernels)
{
  printf("%s kernels, one core; the limits are measured in the same run\n\n", kernels->entry.name);
  printf("%-12s %-18s %12s %10s %-8s %10s  %-18s %6s\n", "row", "size", "us per unit", "rate", "",
         "limit", "", "ratio");
  for (int64_t r = 0; r < table->rows; r++)
    printf("%-12s %-18s %12.4g %10.4g %-8s %10.4g  %-18s %6.2f\n", table_cell(table, r, "row"),
           table_cell(table, r, "size"), table_real(table, r, "time_us"),
           table_real(table, r, "rate"), table_cell(table, r, "unit"),
           table_real(table, r, "limit_rate"), table_cell(table, r, "limit"),
           table_real(table, r, "ratio"));
}

static PetscErrorCode Bench(const Option *options, Mistakes *mistakes)
{
  const Kernels *kernels;
  Table *table;

  PetscFunctionBegin;
  PetscCall(KernelsChoose(option_value(options, "kernels"), mistakes, &kernels));
  if (mistakes_count(mistakes)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(BenchKernels(kernels, option_value(options, "rows"), &table));
  if (!table->rows)
    mistake(mistakes, NULL, 0, 0,
            "--rows %s: no row has that in its name; ardis bench alone shows all",
            option_value(options, "rows"));
  else
    print_table(table, kernels);
  if (table->rows && option_value(options, "save"))
    PetscCall(TableWrite(table, option_value(options, "save")));
  PetscCall(TableDestroy(&table));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int bench_main(int argc, char **argv)
{
  Option options[] = {{"rows", NULL, false, NULL},
                      {"kernels", NULL, false, NULL},
                      {"save", NULL, false, NULL},
                      {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count, rank;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count)
    mistake(mistakes, NULL, 0, 0,
            "ardis bench takes options only: ardis bench [--rows WORD] [--kernels SET] [--save "
            "FILE.csv]");
  if (!mistakes_count(mistakes) && rank == 0 && Bench(options, mistakes))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_bench = {
    .entry = {"bench", "how fast the kernels are, beside limits measured in the same run"},
    .usage = "usage: ardis bench [--rows WORD] [--kernels SET] [--save FILE.csv]\n\n"
             "  --rows WORD    only rows whose name holds it\n"
             "  --kernels SET  ref, avx2 or avx512 (default: the best for this CPU)\n"
             "  --save FILE    the table as CSV\n\n"
             "One core. A ratio near 1 is at the limit; only ratios of one run can be compared, "
             "since clocks vary.\n",
    .main = bench_main,
};
