/* The stages that measure, compare and report. */
#include "base/digest.h"
#include "base/file.h"
#include "compare/compare.h"
#include "compare/levels.h"
#include "compare/stable.h"
#include "measure/metric.h"
#include "measure/summary.h"
#include "report/report.h"
#include "run/stages.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digest of the chosen entries and their settings, which are plain numbers. */
static void digest_chosen(Digest *digest, int64_t count, const Choice *chosen)
{
  for (int64_t i = 0; i < count; i++) {
    digest_text(digest, chosen[i].entry->name);
    if (chosen[i].params) digest_add(digest, chosen[i].params, chosen[i].entry->params_size);
  }
}

static void measure_inputs(const Work *work, const Run *run, char hex[DIGEST_LENGTH])
{
  Digest digest;
  digest_begin(&digest);
  digest_text(&digest, run->id);
  digest_add(&digest, &work->experiment->train_tokens, sizeof(int64_t));
  digest_chosen(&digest, work->experiment->metrics_count, work->experiment->metrics);
  digest_end(&digest, hex);
}

static PetscErrorCode MeasureOne(Work *work, MPI_Comm comm, const Run *run,
                                 const ChosenMetric *chosen, Mistakes *mistakes)
{
  char *folder = run_folder(work, run), *model = run_file(work, run, "model.h5");
  char *metrics_path = run_file(work, run, "metrics.csv"),
       *atoms_path = run_file(work, run, "atoms.csv"), inputs[DIGEST_LENGTH];
  const Outcome done = {RUN_DONE, ""};
  Dictionary *dictionary;
  Table *values, *atoms;
  View view;
  int rank;
  bool any;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(DictionaryRead(model, work->kernels, mistakes, &dictionary));
  PetscCall(MistakesAgree(comm, mistakes, &any));
  if (!any) {
    PetscCall(WorkView(work, &run->settings, work->experiment->group[run->group].share, &view));
    PetscCall(MeasureRun(comm, &view, dictionary, chosen, work->experiment->train_tokens, &values,
                         &atoms));
    if (rank == 0) {
      measure_inputs(work, run, inputs);
      PetscCall(TableWrite(values, metrics_path));
      PetscCall(TableWrite(atoms, atoms_path));
      PetscCall(OutcomeWrite(folder, "measure", inputs, &done));
    }
    PetscCall(TableDestroy(&values));
    PetscCall(TableDestroy(&atoms));
    PetscCall(ViewRelease(&view));
  }
  PetscCall(DictionaryDestroy(&dictionary));
  free(folder);
  free(model);
  free(metrics_path);
  free(atoms_path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Finished runs that are not measured with these metrics: todo [runs]. */
static PetscErrorCode Unmeasured(Work *work, int64_t *todo, int64_t *count)
{
  const Experiment *experiment = work->experiment;
  Outcome *outcomes;

  PetscFunctionBegin;
  *count = 0;
  PetscCall(ArrayCreate(experiment->runs, &outcomes));
  PetscCall(OutcomesOfRuns(work, outcomes));
  for (int64_t r = 0; r < experiment->runs && work->rank == 0; r++) {
    char inputs[DIGEST_LENGTH], *folder = run_folder(work, &experiment->run[r]),
                                *table = run_file(work, &experiment->run[r], "metrics.csv");
    Outcome outcome;
    measure_inputs(work, &experiment->run[r], inputs);
    PetscCall(OutcomeRead(folder, "measure", inputs, &outcome));
    if (outcomes[r].status == RUN_DONE && experiment->run[r].first == r &&
        (outcome.status != RUN_DONE || !file_exists(table)))
      todo[(*count)++] = r;
    free(folder);
    free(table);
  }
  PetscCall(ArrayDestroy(&outcomes));
  PetscCallMPI(MPI_Bcast(count, 1, MPI_INT64_T, 0, work->world));
  PetscCallMPI(MPI_Bcast(todo, (int)*count, MPI_INT64_T, 0, work->world));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StageMeasure(Work *work, Mistakes *mistakes, int *orders)
{
  const Experiment *experiment = work->experiment;
  ChosenMetric *chosen;
  int64_t *todo, count = 0, at;
  Queue *queue;
  bool any;

  PetscFunctionBegin;
  *orders = 0;
  PetscCall(ArrayCreate(experiment->runs, &todo));
  PetscCall(ArrayCreate(experiment->metrics_count + 1, &chosen));
  for (int64_t i = 0; i < experiment->metrics_count; i++)
    chosen[i] =
        (ChosenMetric){(const Metric *)experiment->metrics[i].entry, experiment->metrics[i].params};
  PetscCall(SurrogatesOpen(work, mistakes));
  if (!mistakes_count(mistakes)) PetscCall(Unmeasured(work, todo, &count));
  if (count) {
    PetscCall(QueueCreate(
        work->world, work->groups ? work->groups : (int)min_i64(work->size, count), count, &queue));
    for (;;) {
      int now;
      PetscCall(QueuePoll(queue, false, &now));
      PetscCall(QueueNext(queue, &at));
      if (at < 0) break;
      PetscCall(MeasureOne(work, queue_comm(queue), &experiment->run[todo[at]], chosen, mistakes));
      PetscCall(MistakesAgree(queue_comm(queue), mistakes, &any));
      if (any) PetscCall(QueueStop(queue));
    }
    PetscCall(QueueDestroy(&queue, orders));
    PetscCall(MistakesAgree(work->world, mistakes, &any));
  }
  PetscCall(ArrayDestroy(&todo));
  PetscCall(ArrayDestroy(&chosen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The content digest of the anchors that a finished run used: fresh memory, NULL for none. */
static PetscErrorCode AnchorsDigest(const char *model, Mistakes *mistakes, char **digest)
{
  H5Reader *reader;
  bool found = false;

  PetscFunctionBegin;
  *digest = NULL;
  PetscCall(H5ReaderOpen(model, mistakes, &reader));
  if (!reader) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5ReaderText(reader, NULL, "anchors", digest, &found));
  if (found && !**digest) {
    free(*digest);
    *digest = NULL;
  }
  PetscCall(H5ReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What compare works on, and what has to be freed after it. */
typedef struct {
  ComparedGroup *group;
  ComparedRun *run;
  View *view;
  int64_t count;
} Compared;

/* The finished runs of group g of the experiment, appended to all->run at *at; number: of each run
   of the group among them, -1: not finished. */
static PetscErrorCode CollectRuns(Work *work, const Outcome *outcomes, int64_t g, int64_t *at,
                                  Compared *all, int64_t *number, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  const int64_t first = *at;
  int64_t in_group = 0;

  PetscFunctionBegin;
  for (int64_t r = 0; r < experiment->runs; r++) {
    const Run *run = &experiment->run[r];
    if (run->group != g) continue;
    number[in_group] = outcomes[r].status == RUN_DONE ? *at - first : -1;
    if (number[in_group++] < 0) continue;
    char *model = run_file(work, run, "model.h5"), *digest;
    PetscCall(AnchorsDigest(model, mistakes, &digest));
    all->run[*at] = (ComparedRun){run->id, run_folder(work, run), {0}, digest, run->first != r};
    memcpy(all->run[(*at)++].seed, run->seed, sizeof(run->seed));
    free(model);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs of a group that ended without a model, and that have not ended. */
static void count_unfinished(const Experiment *experiment, const Outcome *outcomes, int64_t group,
                             int64_t *failed, int64_t *pending)
{
  for (int64_t r = 0; r < experiment->runs; r++) {
    if (experiment->run[r].group != group) continue;
    *failed += outcomes[r].status == RUN_FAILED;
    *pending += outcomes[r].status != RUN_FAILED && outcomes[r].status != RUN_DONE;
  }
}

static PetscErrorCode CollectGroups(Work *work, const Outcome *outcomes, Compared *all,
                                    Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  int64_t at = 0, *number, *compared; /* compared: number of each group in all, -1: not there */

  PetscFunctionBegin;
  PetscCall(ArrayCreate(experiment->groups, &all->group));
  PetscCall(ArrayCreate(experiment->runs, &all->run));
  PetscCall(ArrayCreate(experiment->groups, &all->view));
  PetscCall(ArrayCreate(experiment->groups, &compared));
  PetscCall(ArrayCreate(experiment->runs, &number));
  for (int64_t g = 0; g < experiment->groups; g++) {
    const Group *group = &experiment->group[g];
    const int64_t first = at;
    PetscCall(CollectRuns(work, outcomes, g, &at, all, number, mistakes));
    int64_t failed = 0, pending = 0;
    count_unfinished(experiment, outcomes, g, &failed, &pending);
    compared[g] = at == first && !failed ? -1 : all->count;
    if (compared[g] < 0) continue;
    View *view = &all->view[all->count];
    PetscCall(WorkView(work, &group->settings, group->share, view));
    const char *sharing = group->set < 0                       ? "none"
                          : experiment->set[group->set].shared ? "shared"
                                                               : "per_seed";
    int64_t *block;
    PetscCall(ArrayCreate(5 * group->blocks, &block));
    for (int64_t i = 0; i < 5 * group->blocks; i++) block[i] = number[group->block[i]];
    all->group[all->count++] = (ComparedGroup){.model = group->model,
                                               .anchors = sharing,
                                               .view = view,
                                               .runs = at - first,
                                               .run = all->run + first,
                                               .surrogate = -1,
                                               .is_surrogate = group->is_surrogate,
                                               .blocks = group->blocks,
                                               .block = block,
                                               .failed = failed,
                                               .pending = pending};
  }
  for (int64_t g = 0; g < experiment->groups; g++)
    if (compared[g] >= 0 && experiment->group[g].surrogate >= 0)
      all->group[compared[g]].surrogate = compared[experiment->group[g].surrogate];
  PetscCall(ArrayDestroy(&number));
  PetscCall(ArrayDestroy(&compared));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReleaseGroups(Work *work, Compared *all)
{
  PetscFunctionBegin;
  for (int64_t r = 0; r < work->experiment->runs; r++) {
    free((void *)all->run[r].folder);
    free((void *)all->run[r].anchors);
  }
  for (int64_t g = 0; g < all->count; g++) {
    PetscCall(ArrayDestroy(&all->group[g].block));
    PetscCall(ViewRelease(&all->view[g]));
  }
  PetscCall(ArrayDestroy(&all->group));
  PetscCall(ArrayDestroy(&all->run));
  PetscCall(ArrayDestroy(&all->view));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the tables depend on: the finished runs in plan order, how they were measured, and what is
 * compared. */
static void compare_inputs(const Work *work, const Outcome *outcomes, char hex[DIGEST_LENGTH])
{
  const Experiment *experiment = work->experiment;
  Digest digest;
  digest_begin(&digest);
  for (int64_t r = 0; r < experiment->runs; r++) {
    digest_text(&digest, experiment->run[r].id);
    digest_text(&digest, experiment->run[r].model);
    digest_text(&digest, run_status_words[outcomes[r].status]);
  }
  digest_add(&digest, &experiment->train_tokens, sizeof(int64_t));
  digest_add(&digest, &experiment->snapshots, sizeof(experiment->snapshots));
  digest_add(&digest, &experiment->centrings, sizeof(experiment->centrings));
  digest_chosen(&digest, experiment->comparisons_count, experiment->comparisons);
  digest_add(&digest, &experiment->partners_t, sizeof(double));
  digest_add(&digest, &experiment->partners_centred, sizeof(bool));
  digest_end(&digest, hex);
}

/* Partners and groups over all runs: their files, and the tables that rank 0 writes. */
static PetscErrorCode FindStable(Work *work, const Compared *all, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  const PartnerRule rule = {experiment->partners_t,
                            experiment->partners_centred ? CENTRING_CENTRED : CENTRING_RAW,
                            experiment->train_tokens};
  Table *tables[STABLE_TABLES];
  bool any;

  PetscFunctionBegin;
  PetscCall(StableGroups(work->world, work->kernels, work->out, all->count, all->group, &rule,
                         mistakes, tables));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  for (int i = 0; i < STABLE_TABLES; i++) {
    char *path = path_join(work->out, stable_files[i]);
    if (work->rank == 0 && !any) PetscCall(TableWrite(tables[i], path));
    PetscCall(TableDestroy(&tables[i]));
    free(path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareChosen(Work *work, const Compared *all, Mistakes *mistakes,
                                    CompareTables *tables)
{
  const Experiment *experiment = work->experiment;
  ChosenComparison *chosen;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(experiment->comparisons_count + 1, &chosen));
  for (int64_t i = 0; i < experiment->comparisons_count; i++)
    chosen[i] = (ChosenComparison){(const Comparison *)experiment->comparisons[i].entry,
                                   experiment->comparisons[i].params};
  const CompareOptions options = {chosen, experiment->centrings};
  PetscCall(CompareGroups(work->world, work->kernels, all->count, all->group, &options, mistakes,
                          tables));
  PetscCall(ArrayDestroy(&chosen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rank writes them. */
static PetscErrorCode WriteTables(const Work *work, const CompareTables *tables)
{
  const struct {
    const char *name;
    const Table *table;
  } file[] = {{"pairs.csv", tables->pairs},
              {"stability.csv", tables->stability},
              {"trajectory.csv", tables->trajectory},
              {"differences.csv", tables->differences},
              {"purposes.csv", tables->purposes}};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(file) / sizeof(*file); i++) {
    char *path = path_join(work->out, file[i].name);
    PetscCall(TableWrite(file[i].table, path));
    free(path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* levels.csv, of stability.csv and groups.csv as they stand. */
static PetscErrorCode WriteLevels(const Work *work, Mistakes *mistakes)
{
  char *path = path_join(work->out, "levels.csv"),
       *stability_path = path_join(work->out, "stability.csv"),
       *groups_path = path_join(work->out, "groups.csv");
  Table *stability = NULL, *groups = NULL, *levels = NULL;

  PetscFunctionBegin;
  if (file_exists(groups_path)) {
    PetscCall(TableRead(stability_path, mistakes, &stability));
    PetscCall(TableRead(groups_path, mistakes, &groups));
  }
  if (stability && groups) {
    PetscCall(LevelsTable(stability, groups, &levels));
    PetscCall(TableWrite(levels, path));
  }
  PetscCall(TableDestroy(&levels));
  PetscCall(TableDestroy(&groups));
  PetscCall(TableDestroy(&stability));
  free(groups_path);
  free(stability_path);
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has every finished run what compare writes into its folder? One that was trained anew has not. */
static bool partners_there(const Work *work, const Outcome *outcomes)
{
  const Experiment *experiment = work->experiment;
  bool there = true;
  for (int64_t r = 0; r < experiment->runs && there; r++) {
    const Run *run = &experiment->run[r];
    if (outcomes[r].status != RUN_DONE || experiment->group[run->group].is_surrogate) continue;
    char *path = run_file(work, run, "partners.csv");
    there = file_exists(path);
    free(path);
  }
  return there;
}

/* Is every table of compare there? */
static bool tables_there(const Work *work)
{
  static const char *const names[] = {"pairs.csv", "stability.csv", "trajectory.csv",
                                      "differences.csv", "purposes.csv"};
  bool there = true;
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    char *path = path_join(work->out, names[i]);
    there = there && file_exists(path);
    free(path);
  }
  for (int i = 0; i < STABLE_TABLES; i++) {
    char *path = path_join(work->out, stable_files[i]);
    there = there && file_exists(path);
    free(path);
  }
  return there;
}

PetscErrorCode StageCompare(Work *work, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  char inputs[DIGEST_LENGTH];
  Outcome *outcomes, before = {RUN_PENDING, ""};
  const Outcome done = {RUN_DONE, ""};
  int there = 0;
  bool any;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(experiment->runs, &outcomes));
  PetscCall(OutcomesOfRuns(work, outcomes));
  compare_inputs(work, outcomes, inputs);
  if (work->rank == 0) {
    PetscCall(OutcomeRead(work->out, "compare", inputs, &before));
    there = before.status == RUN_DONE && tables_there(work) && partners_there(work, outcomes);
  }
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, work->world));
  if (!there) PetscCall(SurrogatesOpen(work, mistakes));
  if (!there && !mistakes_count(mistakes)) {
    Compared all = {0};
    CompareTables tables;
    PetscCall(CollectGroups(work, outcomes, &all, mistakes));
    PetscCall(CompareChosen(work, &all, mistakes, &tables));
    PetscCall(FindStable(work, &all, mistakes));
    if (work->rank == 0 && !mistakes_count(mistakes)) {
      PetscCall(WriteTables(work, &tables));
      PetscCall(OutcomeWrite(work->out, "compare", inputs, &done));
    }
    PetscCall(CompareTablesDestroy(&tables));
    PetscCall(ReleaseGroups(work, &all));
  }
  if (work->rank == 0 && !mistakes_count(mistakes)) PetscCall(WriteLevels(work, mistakes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscCall(ArrayDestroy(&outcomes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StageReport(Work *work, Mistakes *mistakes)
{
  bool any;

  PetscFunctionBegin;
  if (work->rank == 0) PetscCall(ReportWrite(work->out, mistakes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}
