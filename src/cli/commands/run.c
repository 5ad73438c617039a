/* ardis run - all stages of a spec in one MPI job. */
#include "base/array.h"
#include "base/file.h"
#include "cli/args.h"
#include "cli/command.h"
#include "run/stages.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a run would find, in words. */
static const char *fate(const Work *work, const StageOptions *options, int64_t r,
                        const Outcome *outcome)
{
  const Run *run = &work->experiment->run[r];
  if (outcome->status == RUN_DONE) return "done";
  if (outcome->status == RUN_FAILED) return "failed";
  if (!run_wanted(options, run)) return "not asked for";
  char *checkpoint = run_file(work, run, "checkpoint.h5");
  const bool begun = file_exists(checkpoint);
  free(checkpoint);
  return begun ? "to go on from its checkpoint" : "to train";
}

static PetscErrorCode DryRun(Work *work, const StageOptions *options)
{
  const Experiment *experiment = work->experiment;
  int64_t train = 0;
  Outcome *outcomes;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(experiment->runs, &outcomes));
  PetscCall(OutcomesOfRuns(work, outcomes));
  for (int64_t r = 0; r < experiment->runs; r++)
    train += outcomes[r].status == RUN_PENDING && experiment->run[r].first == r &&
             run_wanted(options, &experiment->run[r]);
  if (work->rank == 0)
    printf("%s: %lld of %lld runs to train\n", work->out, (long long)train,
           (long long)experiment->runs);
  for (int64_t r = 0; r < experiment->runs && work->rank == 0; r++)
    printf("  %s  %s: %s\n", experiment->run[r].id, experiment->run[r].model,
           fate(work, options, r, &outcomes[r]));
  PetscCall(ArrayDestroy(&outcomes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What follows training. A stop ends it where it stands. */
static PetscErrorCode After(Work *work, Mistakes *mistakes, int64_t *failed, int64_t *pending,
                            int *orders)
{
  bool stop;

  PetscFunctionBegin;
  PetscCall(SignalsEndAtOnce(work->world, work->rank == 0, &stop));
  if (stop) {
    *orders |= ORDER_STOP;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(StageMeasure(work, mistakes, orders));
  if (!mistakes_count(mistakes)) PetscCall(StageTables(work, mistakes, failed, pending));
  if (!mistakes_count(mistakes) && !(*orders & ORDER_STOP)) PetscCall(StageCompare(work, mistakes));
  if (!mistakes_count(mistakes) && !(*orders & ORDER_STOP)) PetscCall(StageExplain(work, mistakes));
  if (!mistakes_count(mistakes) && !(*orders & ORDER_STOP)) PetscCall(StageReport(work, mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many of the runs that were asked for failed. */
static PetscErrorCode CountFailed(Work *work, const StageOptions *options, int64_t *failed)
{
  Outcome *outcomes;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(work->experiment->runs, &outcomes));
  PetscCall(OutcomesOfRuns(work, outcomes));
  for (int64_t r = 0; r < work->experiment->runs; r++)
    *failed += run_wanted(options, &work->experiment->run[r]) && outcomes[r].status == RUN_FAILED;
  PetscCall(ArrayDestroy(&outcomes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Stages(Work *work, const StageOptions *options, Mistakes *mistakes, int *code)
{
  int64_t failed = 0, pending = 0;
  int orders = 0;

  PetscFunctionBegin;
  PetscCall(StagePlan(work, mistakes));
  if (!mistakes_count(mistakes)) PetscCall(StageLearn(work, options, mistakes, &orders));
  if (!mistakes_count(mistakes) && options->slices)
    PetscCall(CountFailed(work, options, &failed));
  else if (!mistakes_count(mistakes) && !(orders & ORDER_STOP))
    PetscCall(After(work, mistakes, &failed, &pending, &orders));
  else if (!mistakes_count(mistakes))
    PetscCall(StageTables(work, mistakes, &failed, &pending));
  *code = orders & ORDER_STOP ? 75 : failed ? 1 : 0;
  if (work->rank == 0 && !mistakes_count(mistakes)) {
    if (orders & ORDER_STOP)
      fprintf(stderr, "stopped at a checkpoint; the same command goes on\n");
    else if (!options->slices)
      fprintf(stderr, "%lld runs done, %lld failed%s; report: %s/report/index.html\n",
              (long long)(work->experiment->runs - failed - pending), (long long)failed,
              pending ? ", others not asked for" : "", work->out);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void read_slice(const char *text, StageOptions *options, Mistakes *mistakes)
{
  long long i, n;
  char end;
  if (!text) return;
  if (sscanf(text, "%lld/%lld%c", &i, &n, &end) != 2 || n < 1 || i < 0 || i >= n)
    mistake(mistakes, NULL, 0, 0, "--slice %s: I/N is needed, with I from 0 to N - 1", text);
  else
    options->slice = i, options->slices = n;
}

static void check_only(const Work *work, const char *only, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  const char **names = calloc((size_t)experiment->groups + 1, sizeof(*names));
  if (!names) abort();
  for (int64_t g = 0; g < experiment->groups; g++) names[g] = experiment->group[g].folder;
  for (const char *p = only; p && *p; p += strcspn(p, ","), p += *p == ',') {
    char word[256];
    bool known = false;
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(p, ","), p);
    for (int64_t g = 0; g < experiment->groups; g++) known |= !strcmp(names[g], word);
    const char *near = known ? NULL : nearest_word(word, names);
    if (!known)
      mistake(mistakes, NULL, 0, 0,
              near ? "--only: no model %s in the spec; did you mean %s?"
                   : "--only: no model %s in the spec",
              word, near);
  }
  free(names);
}

/* --route, else ARDIS_ROUTE, else chosen. */
static Route read_route(const char *option, Mistakes *mistakes)
{
  const char *environment = getenv("ARDIS_ROUTE"), *word = option ? option : environment;
  if (!word || !*word) return ROUTE_AUTO;
  for (int r = 0; route_words[r]; r++)
    if (!strcmp(word, route_words[r])) return (Route)r;
  const char *near = nearest_word(word, route_words);
  mistake(mistakes, NULL, 0, 0, "%s %s: auto, owner or allreduce is needed%s%s",
          option ? "--route" : "ARDIS_ROUTE", word, near ? "; did you mean " : "",
          near ? near : "");
  return ROUTE_AUTO;
}

static PetscErrorCode RunSpec(const Option *options, const char *spec, Mistakes *mistakes,
                              int *code)
{
  StageOptions stage = {.only = option_value(options, "only")};
  const int groups = (int)option_integer(options, "groups", 0, 1, 1000000, mistakes);
  const int64_t packs = option_integer(options, "packs", 0, 1, 1000000, mistakes);
  const Route route = read_route(option_value(options, "route"), mistakes);
  Work *work = NULL;
  bool any;

  PetscFunctionBegin;
  read_slice(option_value(options, "slice"), &stage, mistakes);
  PetscCall(SignalsCatch());
  PetscCall(MistakesAgree(MPI_COMM_WORLD, mistakes, &any));
  if (!any)
    PetscCall(WorkOpen(MPI_COMM_WORLD, spec, option_value(options, "out"), mistakes, &work));
  if (work) {
    work->groups = groups;
    work->packs = packs;
    work->route = route;
    check_only(work, stage.only, mistakes);
    if (!mistakes_count(mistakes) && option_value(options, "dry-run"))
      PetscCall(DryRun(work, &stage));
    else if (!mistakes_count(mistakes))
      PetscCall(Stages(work, &stage, mistakes, code));
  }
  PetscCall(WorkClose(&work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int run_main(int argc, char **argv)
{
  Option options[] = {{"out", "o", false, NULL},    {"groups", "g", false, NULL},
                      {"packs", NULL, false, NULL}, {"route", NULL, false, NULL},
                      {"only", NULL, false, NULL},  {"slice", NULL, false, NULL},
                      {"dry-run", "n", true, NULL}, {0}};
  const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
  Mistakes *mistakes;
  int count, code = 0;
  if (!rest || MistakesCreate(&mistakes)) return 1;
  args_read(argc, argv, options, mistakes, rest, &count);
  if (count != 1)
    mistake(mistakes, NULL, 0, 0, "ardis run needs one spec: ardis run SPEC [--out DIR]");
  if (!mistakes_count(mistakes) && RunSpec(options, rest[0], mistakes, &code))
    MPI_Abort(MPI_COMM_WORLD, 1);
  free(rest);
  return command_end(&mistakes, code);
}

const Command command_run = {
    .entry = {"run", "all stages of a spec: anchors, runs, figures, comparison, report"},
    .usage = "usage: ardis run SPEC [--out DIR] [--groups G] [--packs N] [--route ROUTE] "
             "[--only MODEL,…] [--slice I/N] [--dry-run]\n\n"
             "  --out DIR      the run folder (default ARDIS_OUT, else runs/<name of the spec>)\n"
             "  --groups G     groups of ranks that train side by side (default: one a rank, as "
             "long as there are runs)\n"
             "  --packs N      most runs that a group trains side by side, where they read the "
             "tokens in the same order (1: none;\n"
             "                 default: as many as memory holds, while all groups have work)\n"
             "  --route ROUTE  how a training step is spread over the ranks of a group: owner, "
             "allreduce, or auto, which moves fewer\n"
             "                 bytes (default ARDIS_ROUTE, else auto); the results are the same\n"
             "  --only MODEL,… train these models only\n"
             "  --slice I/N    train only runs whose number leaves I when divided by N, and "
             "nothing else (job arrays)\n"
             "  --dry-run      say what is done and what would be; nothing is written\n\n"
             "What is finished is skipped, what was stopped goes on from its checkpoint, on any "
             "number of ranks to the same bytes.\n"
             "SIGUSR1, SIGTERM and SIGINT save and stop; SIGUSR2 saves and goes on.\n\n"
             "exit codes: 0 done; 1 a run failed, the others finished; 2 a mistake in the spec or "
             "command line; 75 stopped, run me again\n",
    .main = run_main,
};
