/* ardis report DIR */
#include "cli/args.h"
#include "cli/command.h"
#include "report/report.h"
#include <stdio.h>

static int report_main(int argc, char **argv)
{
  Option options[] = {{0}};
  const char *rest[16];
  Mistakes *mistakes = NULL;
  int count = 0, code = 0;

  if (MistakesCreate(&mistakes)) return 1;
  if (argc > 16) {
    mistake(mistakes, NULL, 0, 0, "one folder is expected, %d words were given", argc - 1);
    return command_end(&mistakes, 2);
  }
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count != 1)
    mistake(mistakes, NULL, 0, 0, "one folder is expected, as in: ardis report runs/quickstart");
  if (!mistakes_count(mistakes) && ReportWrite(rest[0], mistakes)) {
    fprintf(stderr, "%s/report: cannot be written\n", rest[0]);
    code = 1;
  }
  if (!mistakes_count(mistakes) && !code) printf("%s/report/index.html\n", rest[0]);
  return command_end(&mistakes, code);
}

const Command command_report = {
    .entry =
        {"report",
         "writes the report of a run folder: one page, and a picture and a table for each figure"},
    .usage = "usage: ardis report DIR\n\n"
             "Reads the tables of a run folder (plan.csv, runs.csv, groups.csv, pairs.csv, "
             "stability.csv), each run's\n"
             "log.jsonl and manifest.json, and spec.yaml, and writes DIR/report/index.html with "
             "FIGURE.svg and\n"
             "FIGURE.csv beside it. The page is one file: no script, nothing from elsewhere. The "
             "same folder gives\n"
             "the same bytes. Prints the page's path.\n\n"
             "exit codes: 0 done; 1 the folder cannot be written; 2 a table is missing or broken, "
             "nothing was written\n",
    .alone = true,
    .main = report_main,
};
