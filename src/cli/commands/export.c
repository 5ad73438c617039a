/* ardis export - a model as .npy files or safetensors. */
#include "cli/args.h"
#include "cli/command.h"
#include "run/exporter.h"
#include <stdlib.h>

static const Exporter *exporter_named(const char *name, Mistakes *mistakes)
{
  const char *names[32];
  int n = 0;
  for (const Entry *const *e = exporters.entries; *e && n < 31; e++) names[n++] = (*e)->name;
  names[n] = NULL;
  const Exporter *exporter = name ? (const Exporter *)family_find(&exporters, name) : NULL;
  const char *near = name && !exporter ? nearest_word(name, names) : NULL;
  if (!name)
    mistake(mistakes, NULL, 0, 0,
            "--to FORMAT is needed; ardis list exporters says which there are");
  else if (!exporter && near)
    mistake(mistakes, NULL, 0, 0, "--to %s: no such format; did you mean %s?", name, near);
  else if (!exporter)
    mistake(mistakes, NULL, 0, 0,
            "--to %s: no such format; ardis list exporters says which there are", name);
  return exporter;
}

static int export_main(int argc, char **argv)
{
  Option options[] = {{"to", NULL, false, NULL}, {"out", "o", false, NULL}, {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count, rank;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count != 1)
    mistake(mistakes, NULL, 0, 0,
            "ardis export needs one run: ardis export RUN --to FORMAT [-o PATH]");
  const Exporter *exporter = exporter_named(option_value(options, "to"), mistakes);
  if (!mistakes_count(mistakes) && rank == 0 &&
      ExportRun(rest[0], exporter, option_value(options, "out"), mistakes))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, 0);
}

const Command command_export = {
    .entry = {"export", "a model's arrays in another format"},
    .usage = "usage: ardis export RUN --to FORMAT [-o PATH]\n\n"
             "  RUN         a run's folder, or any model file of Ardis\n"
             "  --to        npy (a folder with one file for each array) or safetensors (one file)\n"
             "  -o, --out   where to (default: model.npy or model.safetensors beside the model)\n\n"
             "Prints where it went. An export that is there is replaced.\n\n"
             "exit codes: 0 done; 2 a mistake\n",
    .main = export_main,
};
