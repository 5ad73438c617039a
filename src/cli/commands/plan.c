/* ardis plan SPEC */
#include "cli/args.h"
#include "cli/command.h"
#include "run/estimate.h"
#include "run/work.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_seed(int64_t seed)
{
  if (seed < 0)
    printf("  %-7s", "-");
  else
    printf("  %-7lld", (long long)seed);
}

static void print_runs(const Experiment *e)
{
  int width = 5;
  for (int64_t g = 0; g < e->groups; g++) {
    const int length = (int)strlen(e->group[g].model);
    if (length > width) width = length;
  }
  printf("%-16s  %-*s  %-7s  %-7s  %-7s  candidates\n", "run", width, "model", "init", "data",
         "anchors");
  for (int64_t i = 0; i < e->runs; i++) {
    const Run *run = &e->run[i];
    printf("%-16s  %-*s", run->id, width, run->model);
    print_seed(run->seed_init);
    print_seed(run->seed_data);
    print_seed(run->seed_anchors);
    printf("  %s\n", run->anchors < 0 ? "-" : e->anchors[run->anchors].id);
  }
}

/* Seconds as a person says them. */
static void say_time(double seconds, Text *text)
{
  if (seconds < 1.5)
    text_add(text, "a second");
  else if (seconds < 90)
    text_add(text, "%.0f seconds", seconds);
  else if (seconds < 5400)
    text_add(text, "%.0f minutes", seconds / 60);
  else if (seconds < 36 * 3600)
    text_add(text, "%.1f hours", seconds / 3600);
  else
    text_add(text, "%.1f days", seconds / 86400);
}

static void say_bytes(double bytes, Text *text)
{
  static const char *const units[] = {"kB", "MB", "GB", "TB"};
  int unit = 0;
  for (bytes /= 1000; bytes >= 1000 && unit < 3; unit++) bytes /= 1000;
  text_add(text, "%.*f %s", bytes < 10 ? 1 : 0, bytes, units[unit]);
}

static void print_estimate(const Work *work)
{
  const Experiment *e = work->experiment;
  const int64_t d = tokens_width(work->tokens);
  double flops = 0, memory = 0, disk = 0;
  Text time = {0}, most = {0}, all = {0};
  for (int64_t i = 0; i < e->runs + e->anchors_count; i++) {
    const AnchorRun *made = i < e->runs ? NULL : &e->anchors[i - e->runs];
    if (made && made->share < 0) continue; /* read from a file */
    const Group *group = made ? NULL : &e->group[e->run[i].group];
    const int share = made ? made->share : group->share;
    const int64_t p = made || group->set < 0 ? 0 : e->set[group->set].count;
    const Estimate one = estimate_run(made ? &made->settings : &group->settings,
                                      split_count(work->split[share], false), d, p);
    flops += one.flops, disk += one.disk;
    if (one.memory > memory) memory = one.memory;
  }
  say_time(flops / ESTIMATE_RATE, &time);
  say_bytes(memory, &most);
  say_bytes(disk, &all);
  printf("\n%lld runs, %lld candidate sets. A rough estimate, from the sizes alone: %s on one rank "
         "(%.2g operations at %.0f billion a second),\n%s of memory for the largest run, %s on "
         "disk.\n",
         (long long)e->runs, (long long)e->anchors_count, time.s, flops, ESTIMATE_RATE / 1e9,
         most.s, all.s);
  text_clear(&time);
  text_clear(&most);
  text_clear(&all);
}

static void print_origin(const Experiment *e, const Origin *origin)
{
  if (!origin->line)
    printf("%s\n", origin->from);
  else if (!strcmp(origin->from, "grid"))
    printf("%s:%d:%d (grid)\n", e->path, origin->line, origin->column);
  else
    printf("%s:%d:%d\n", e->path, origin->line, origin->column);
}

/* Each value and where it came from. */
static void print_settings(const Work *work, const char *out)
{
  const Experiment *e = work->experiment;
  const char *environment = getenv("ARDIS_OUT"), *kernels = getenv("ARDIS_KERNELS");
  printf("%-28s %-20s %s\n", "setting", "value", "from");
  printf("%-28s %-20s %s\n", "out", work->out,
         out                           ? "--out"
         : environment && *environment ? "environment ARDIS_OUT"
                                       : "default");
  printf("%-28s %-20s %s\n", "kernels", work->kernels->entry.name,
         kernels && *kernels ? "environment ARDIS_KERNELS" : "default: the fastest this CPU has");
  for (int64_t g = 0; g < e->groups; g++) {
    const Group *group = &e->group[g];
    printf("\nmodel %s\n", group->model);
    for (int64_t s = 0; s < group->settings.count; s++) {
      const char *value = group->settings.items[s].value;
      printf("  %-26s %-20s ", group->settings.items[s].path, *value ? value : "(none)");
      print_origin(e, &group->origin[s]);
    }
  }
}

static int plan_main(int argc, char **argv)
{
  Option options[] = {{.name = "settings", .flag = true},
                      {.name = "count", .flag = true},
                      {.name = "out", .letter = "o"},
                      {0}};
  Mistakes *mistakes = NULL;
  Work *work = NULL;
  int count = 0, code = 0;
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));

  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  const char *out = option_value(options, "out");
  if (count != 1)
    mistake(mistakes, NULL, 0, 0, "one spec is expected, as in: ardis plan spec.yaml");
  if (!mistakes_count(mistakes) && WorkOpen(MPI_COMM_WORLD, rest[0], out, mistakes, &work))
    code = 1;
  if (work && work->rank == 0) {
    if (option_value(options, "count"))
      printf("%lld\n", (long long)work->experiment->runs);
    else if (option_value(options, "settings"))
      print_settings(work, out);
    else {
      print_runs(work->experiment);
      print_estimate(work);
    }
  }
  if (WorkClose(&work)) code = 1;
  free(rest);
  return command_end(&mistakes, code);
}

const Command command_plan = {
    .entry = {"plan", "prints the runs of a spec, and roughly what they will cost"},
    .usage = "usage: ardis plan SPEC [--settings] [--count] [--out DIR]\n\n"
             "Prints each run with the name of its folder and its seeds ('-': the model does not "
             "draw from that seed), and an\n"
             "estimate of time, memory and disk. Nothing is written.\n\n"
             "  --settings   every setting of every model, and where its value comes from (flag, "
             "environment, spec, default)\n"
             "  --count      the number of runs alone\n"
             "  --out DIR    the run folder, as for ardis run\n\n"
             "exit codes: 0 done; 2 the spec or its tokens have mistakes\n",
    .main = plan_main,
};
