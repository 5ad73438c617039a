/* The stage that compares: finished runs of a model, and models with each other. */
#include "base/digest.h"
#include "base/file.h"
#include "compare/across.h"
#include "compare/compare.h"
#include "compare/levels.h"
#include "compare/stable.h"
#include "run/stages.h"
#include <stdlib.h>
#include <string.h>

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
  const char **folder; /* [count] the model of each group */
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
  PetscCall(ArrayCreate(experiment->groups, &all->folder));
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
    all->folder[all->count] = group->folder;
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
  PetscCall(ArrayDestroy(&all->folder));
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
  if (experiment->across_all) digest_text(&digest, "across all");
  for (int64_t i = 0; i < experiment->across_count; i++)
    for (int side = 0; side < 2; side++) digest_text(&digest, experiment->across[i][side]);
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

/* Is a couple of groups asked for? */
static bool is_asked(const Experiment *experiment, const char *const *folder, int64_t a, int64_t b)
{
  for (int64_t i = 0; i < experiment->across_count; i++) {
    char *const *couple = experiment->across[i];
    if ((!strcmp(couple[0], folder[a]) && !strcmp(couple[1], folder[b])) ||
        (!strcmp(couple[1], folder[a]) && !strcmp(couple[0], folder[b])))
      return true;
  }
  return experiment->across_all;
}

/* The couples of groups with runs that the spec asks for; neither is a null. */
static PetscErrorCode FindCouples(const Work *work, const Compared *all, int64_t *count,
                                  Couple **couple)
{
  PetscFunctionBegin;
  *count = 0;
  PetscCall(ArrayCreate(all->count * all->count, couple));
  for (int64_t a = 0; a < all->count; a++)
    for (int64_t b = a + 1; b < all->count; b++)
      if (all->group[a].runs && all->group[b].runs && !all->group[a].is_surrogate &&
          !all->group[b].is_surrogate && is_asked(work->experiment, all->folder, a, b))
        (*couple)[(*count)++] = (Couple){a, b};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool asks_across(const Experiment *experiment)
{
  return experiment->across_all || experiment->across_count > 0;
}

/* Models against each other, where the spec asks for it; else *table is NULL. */
static PetscErrorCode CompareAcross(Work *work, const Compared *all, const CompareOptions *options,
                                    Mistakes *mistakes, Table **table)
{
  Couple *couple;
  int64_t couples;
  Living **living;
  bool any;

  PetscFunctionBegin;
  *table = NULL;
  if (!asks_across(work->experiment)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindCouples(work, all, &couples, &couple));
  PetscCall(ArrayCreate(all->count, &living));
  for (int64_t g = 0; g < all->count; g++)
    PetscCall(LivingOfGroup(&all->group[g], mistakes, &living[g]));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (!any)
    PetscCall(AcrossTable(work->world, work->kernels, all->group, living, couples, couple, options,
                          mistakes, table));
  for (int64_t g = 0; g < all->count; g++) PetscCall(LivingRelease(&all->group[g], &living[g]));
  PetscCall(ArrayDestroy(&living));
  PetscCall(ArrayDestroy(&couple));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareChosen(Work *work, const Compared *all, Mistakes *mistakes,
                                    CompareTables *tables, Table **across)
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
  PetscCall(CompareAcross(work, all, &options, mistakes, across));
  PetscCall(ArrayDestroy(&chosen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rank writes them. */
static PetscErrorCode WriteTables(const Work *work, const CompareTables *tables,
                                  const Table *across)
{
  const struct {
    const char *name;
    const Table *table;
  } file[] = {{"pairs.csv", tables->pairs},           {"stability.csv", tables->stability},
              {"trajectory.csv", tables->trajectory}, {"differences.csv", tables->differences},
              {"purposes.csv", tables->purposes},     {"across.csv", across}};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(file) / sizeof(*file); i++) {
    char *path = path_join(work->out, file[i].name);
    if (file[i].table)
      PetscCall(TableWrite(file[i].table, path));
    else if (file_exists(path))
      PetscCall(FileRemove(path));
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
  static const char *const names[] = {"pairs.csv",       "stability.csv", "trajectory.csv",
                                      "differences.csv", "purposes.csv",  "across.csv"};
  const size_t count = sizeof(names) / sizeof(*names) - !asks_across(work->experiment);
  bool there = true;
  for (size_t i = 0; i < count; i++) {
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
    Table *across;
    PetscCall(CollectGroups(work, outcomes, &all, mistakes));
    PetscCall(CompareChosen(work, &all, mistakes, &tables, &across));
    PetscCall(FindStable(work, &all, mistakes));
    if (work->rank == 0 && !mistakes_count(mistakes)) {
      PetscCall(WriteTables(work, &tables, across));
      PetscCall(OutcomeWrite(work->out, "compare", inputs, &done));
    }
    PetscCall(TableDestroy(&across));
    PetscCall(CompareTablesDestroy(&tables));
    PetscCall(ReleaseGroups(work, &all));
  }
  if (work->rank == 0 && !mistakes_count(mistakes)) PetscCall(WriteLevels(work, mistakes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscCall(ArrayDestroy(&outcomes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
