/* ardis check SPEC */
#include "cli/args.h"
#include "cli/command.h"
#include "run/work.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_main(int argc, char **argv)
{
  Option options[] = {{0}};
  Mistakes *mistakes = NULL;
  Work *work = NULL;
  int count = 0, code = 0;
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));

  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count != 1)
    mistake(mistakes, NULL, 0, 0, "one spec is expected, as in: ardis check spec.yaml");
  if (!mistakes_count(mistakes) && WorkOpen(MPI_COMM_WORLD, rest[0], NULL, mistakes, &work))
    code = 1;
  if (work && work->rank == 0) {
    const Experiment *e = work->experiment;
    int64_t models = 0;
    for (int64_t g = 0; g < e->groups; g++)
      models += !g || strcmp(e->group[g].folder, e->group[g - 1].folder);
    printf("%s: %lld runs of %lld models", rest[0], (long long)e->runs, (long long)models);
    if (e->groups > models) printf(" at %lld grid points", (long long)e->groups);
    printf(", on %lld tokens of width %lld; nothing is wrong\n",
           (long long)tokens_count(work->tokens), (long long)tokens_width(work->tokens));
  }
  if (WorkClose(&work)) code = 1;
  free(rest);
  return command_end(&mistakes, code);
}

const Command command_check = {
    .entry = {"check", "reads a spec and tells every mistake in it, with line and column"},
    .usage = "usage: ardis check SPEC\n\n"
             "Reads the spec and opens its tokens. All mistakes are told at once, as "
             "FILE:LINE:COLUMN: what is wrong,\n"
             "with the nearest word that would be right. Nothing is written.\n\n"
             "exit codes: 0 nothing is wrong; 2 there are mistakes\n",
    .main = check_main,
};
