/* ardis plan SPEC */
#include "cli/args.h"
#include "cli/command.h"
#include "run/forecast.h"
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
  unsigned drawn = SEED_INIT | SEED_DATA | SEED_ANCHORS; /* always shown */
  int width = 5;
  for (int64_t g = 0; g < e->groups; g++) {
    const int length = (int)strlen(e->group[g].model);
    if (length > width) width = length;
  }
  for (int64_t i = 0; i < e->runs; i++) drawn |= seeds_drawn(e->run[i].seed);
  printf("%-16s  %-*s", "run", width, "model");
  for (int p = 0; p < SEED_PURPOSES; p++)
    if (drawn >> p & 1) printf("  %-7s", seed_purposes[p]);
  printf("  candidates\n");
  for (int64_t i = 0; i < e->runs; i++) {
    const Run *run = &e->run[i];
    printf("%-16s  %-*s", run->id, width, run->model);
    for (int p = 0; p < SEED_PURPOSES; p++)
      if (drawn >> p & 1) print_seed(run->seed[p]);
    printf("  %s\n", run->anchors < 0 ? "-" : e->anchors[run->anchors].id);
  }
}

/* "12.5,2": GB/s of a node and microseconds of a message. */
static void read_network(const char *given, Job *job, Mistakes *mistakes)
{
  double rate = 12.5, delay = 2;
  char rest;
  if (given && (sscanf(given, "%lf,%lf%c", &rate, &delay, &rest) != 2 || !(rate > 0) || delay < 0))
    mistake(mistakes, NULL, 0, 0,
            "--network %s: GB/s of a node and microseconds of a message are expected, as in 12.5,2",
            given);
  job->link = 1e9 * rate, job->latency = 1e-6 * delay;
}

/* "250000000,768" */
static void read_shape(const char *given, int64_t *n, int64_t *d, Mistakes *mistakes)
{
  long long tokens = 0, width = 0;
  char rest;
  if (given &&
      (sscanf(given, "%lld,%lld%c", &tokens, &width, &rest) != 2 || tokens < 1 || width < 1))
    mistake(mistakes, NULL, 0, 0,
            "--shape %s: tokens and their width are expected, as in 250000000,768", given);
  *n = tokens, *d = width;
}

static PetscErrorCode PrintForecast(Work *work, const Job *job, const char *file,
                                    Mistakes *mistakes)
{
  Machine machine;
  Forecast forecast;
  Text text = {0};

  PetscFunctionBegin;
  PetscCall(MachineRead(file, mistakes, &machine));
  if (mistakes_count(mistakes)) PetscFunctionReturn(PETSC_SUCCESS);
  if (job->cores) machine.cores = job->cores;
  work->groups = job->groups;
  PetscCall(ForecastMake(work, &machine, job, &forecast));
  forecast_text(&forecast, &machine, job, &text);
  fputs(text.s, stdout);
  text_clear(&text);
  PetscCall(ForecastDestroy(&forecast));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One line: the whole on one rank of this machine. */
static PetscErrorCode PrintEstimate(const Work *work, const char *file, Mistakes *mistakes)
{
  const Job alone = {.ranks = 1, .nodes = 1, .link = 1};
  const Experiment *e = work->experiment;
  Machine machine;
  Forecast forecast;
  Text text = {0};

  PetscFunctionBegin;
  PetscCall(MachineRead(file, mistakes, &machine));
  if (mistakes_count(mistakes)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ForecastMake(work, &machine, &alone, &forecast));
  text_duration(&text, forecast.seconds);
  text_add(&text, " on one rank (%s numbers; --ranks N says more),\n",
           machine.measured ? "measured" : "built-in");
  text_bytes(&text, forecast.memory);
  text_add(&text, " of memory for the largest run, ");
  text_bytes(&text, forecast.disk);
  printf("\n%lld runs, %lld candidate sets. A rough estimate of training: %s on disk.\n",
         (long long)e->runs, (long long)e->anchors_count, text.s);
  text_clear(&text);
  PetscCall(ForecastDestroy(&forecast));
  PetscFunctionReturn(PETSC_SUCCESS);
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

static PetscErrorCode Print(Work *work, const Option *options, const Job *job, Mistakes *mistakes)
{
  const char *machine = option_value(options, "machine");

  PetscFunctionBegin;
  if (option_value(options, "count")) {
    printf("%lld\n", (long long)work->experiment->runs);
  } else if (option_value(options, "settings")) {
    print_settings(work, option_value(options, "out"));
  } else if (job->ranks) {
    PetscCall(PrintForecast(work, job, machine, mistakes));
  } else {
    print_runs(work->experiment);
    PetscCall(PrintEstimate(work, machine, mistakes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(const char *spec, const Option *options, int64_t n, int64_t d,
                           Mistakes *mistakes, Work **work)
{
  PetscFunctionBegin;
  if (n)
    PetscCall(WorkOpenSizes(MPI_COMM_WORLD, spec, n, d, mistakes, work));
  else
    PetscCall(WorkOpen(MPI_COMM_WORLD, spec, option_value(options, "out"), mistakes, work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Route read_route(const char *given, Mistakes *mistakes)
{
  for (int r = 0; given && r < ROUTES; r++)
    if (!strcmp(route_words[r], given)) return (Route)r;
  if (given) mistake(mistakes, NULL, 0, 0, "--route %s: must be auto, owner or allreduce", given);
  return ROUTE_AUTO;
}

/* The job that the options describe; no ranks: none. */
static Job read_job(const Option *options, Mistakes *mistakes)
{
  Job job = {.ranks = (int)option_integer(options, "ranks", 0, 1, 1 << 24, mistakes),
             .nodes = (int)option_integer(options, "nodes", 1, 1, 1 << 20, mistakes),
             .groups = (int)option_integer(options, "groups", 0, 1, 1 << 24, mistakes),
             .cores = (int)option_integer(options, "cores", 0, 1, 1 << 20, mistakes)};
  read_network(option_value(options, "network"), &job, mistakes);
  job.route = read_route(option_value(options, "route"), mistakes);
  if (!job.ranks && (option_value(options, "nodes") || option_value(options, "network") ||
                     option_value(options, "groups") || option_value(options, "cores") ||
                     option_value(options, "route") || option_value(options, "shape")))
    mistake(mistakes, NULL, 0, 0,
            "--nodes, --cores, --route, --network, --groups and --shape go with --ranks N");
  if (job.ranks && job.nodes > job.ranks)
    mistake(mistakes, NULL, 0, 0, "--nodes %d: there are only %d ranks", job.nodes, job.ranks);
  return job;
}

static int plan_main(int argc, char **argv)
{
  Option options[] = {{.name = "settings", .flag = true},
                      {.name = "count", .flag = true},
                      {.name = "out", .letter = "o"},
                      {.name = "ranks"},
                      {.name = "nodes"},
                      {.name = "groups"},
                      {.name = "network"},
                      {.name = "shape"},
                      {.name = "machine"},
                      {.name = "cores"},
                      {.name = "route"},
                      {0}};
  Mistakes *mistakes = NULL;
  Work *work = NULL;
  int64_t n, d;
  int count = 0, code = 0;
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));

  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  const Job job = read_job(options, mistakes);
  read_shape(option_value(options, "shape"), &n, &d, mistakes);
  if (count != 1)
    mistake(mistakes, NULL, 0, 0, "one spec is expected, as in: ardis plan spec.yaml");
  if (!mistakes_count(mistakes) && Open(rest[0], options, n, d, mistakes, &work)) code = 1;
  if (work && work->rank == 0 && Print(work, options, &job, mistakes)) code = 1;
  if (WorkClose(&work)) code = 1;
  free(rest);
  return command_end(&mistakes, code);
}

const Command command_plan = {
    .entry = {"plan", "prints the runs of a spec, and what they will cost"},
    .usage =
        "usage: ardis plan SPEC [--settings] [--count] [--out DIR]\n"
        "       ardis plan SPEC --ranks N [--nodes M] [--cores C] [--groups G] [--route WORD] "
        "[--network GB/s,us] "
        "[--shape "
        "N,d]\n\n"
        "Prints each run with the name of its folder and its seeds ('-': the model does not "
        "draw from that seed), and an\n"
        "estimate of time, memory and disk. Nothing is written.\n\n"
        "  --settings        every setting of every model, and where its value comes from (flag, "
        "environment, spec, default)\n"
        "  --count           the number of runs alone\n"
        "  --out DIR         the run folder, as for ardis run\n\n"
        "With --ranks the predicted cost of each model: seconds of a step (k-means: of an "
        "iteration) and of its messages, bytes that\n"
        "each rank sends to other nodes and gives its own in a step, memory of a rank.\n\n"
        "  --ranks N         ranks of the job\n"
        "  --nodes M         nodes that they are spread over (default 1)\n"
        "  --cores C         cores of a node (default: as measured)\n"
        "  --route WORD      auto, owner or allreduce, as for ardis run\n"
        "  --groups G        groups of ranks that train side by side, as for ardis run\n"
        "  --network GB/s,us what a node can send, and how long a message takes (default "
        "12.5,2)\n"
        "  --shape N,d       N tokens of width d, where the spec's are not there yet\n"
        "  --machine FILE    the numbers that ardis bench --save measured (default: ARDIS_MACHINE, "
        "else ~/.config/ardis/machine.json,\n"
        "                    else built-in ones)\n\n"
        "exit codes: 0 done; 2 the spec or its tokens have mistakes\n",
    .main = plan_main,
};
