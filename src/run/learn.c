/* The stages that plan and learn. */
#include "base/digest.h"
#include "base/file.h"
#include "members.h"
#include "run/packs.h"
#include "run/stages.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode OutcomesOfRuns(Work *work, Outcome *outcomes)
{
  const Experiment *experiment = work->experiment;

  PetscFunctionBegin;
  for (int64_t r = 0; r < experiment->runs && work->rank == 0; r++) {
    char *folder = run_folder(work, &experiment->run[r]),
         *model = run_file(work, &experiment->run[r], "model.h5");
    PetscCall(OutcomeRead(folder, "learn", experiment->run[r].id, &outcomes[r]));
    if (outcomes[r].status == RUN_DONE && !file_exists(model))
      outcomes[r] = (Outcome){RUN_PENDING, ""};
    free(folder);
    free(model);
  }
  PetscCallMPI(MPI_Bcast(outcomes, (int)(experiment->runs * (int64_t)sizeof(*outcomes)), MPI_BYTE,
                         0, work->world));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteHeldOut(const Work *work)
{
  Table *table;
  int64_t count;
  char *path = path_join(work->out, "held_out.csv");
  const int64_t *group = split_held_groups(work->split[0], &count);

  PetscFunctionBegin;
  PetscCall(TableCreate("group", &table));
  for (int64_t i = 0; i < count; i++) {
    PetscCall(TableAddRow(table));
    table_integer(table, "group", group[i]);
  }
  PetscCall(TableWrite(table, path));
  PetscCall(TableDestroy(&table));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the spec came from, so that later commands find its tokens. */
static PetscErrorCode WriteOrigin(const Work *work)
{
  char *path = path_join(work->out, "spec.from"), *spec = realpath(work->experiment->path, NULL);
  Text text = {0};

  PetscFunctionBegin;
  text_add(&text, "%s\n", spec ? spec : work->experiment->path);
  PetscCall(FileWrite(path, text.s, text.length));
  text_clear(&text);
  free(spec);
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StagePlan(Work *work, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  bool any;

  PetscFunctionBegin;
  if (work->rank == 0) {
    char *spec = path_join(work->out, "spec.yaml"),
         *resolved = path_join(work->out, "resolved.yaml"),
         *plan = path_join(work->out, "plan.csv");
    Table *table;
    if (!folder_make(work->out)) {
      mistake(mistakes, work->out, 0, 0,
              "the run folder cannot be made; choose another with --out");
    } else if (folder_refuses(work->out)) {
      mistake(mistakes, work->out, 0, 0,
              "no file can be made in the run folder: %s; choose another with --out",
              folder_refuses(work->out));
    } else {
      PetscCall(FileWrite(spec, experiment->text, strlen(experiment->text)));
      PetscCall(FileWrite(resolved, experiment->resolved.s, experiment->resolved.length));
      PetscCall(PlanTable(experiment, &table));
      PetscCall(TableWrite(table, plan));
      PetscCall(TableDestroy(&table));
      PetscCall(WriteHeldOut(work));
      PetscCall(WriteOrigin(work));
    }
    free(spec);
    free(resolved);
    free(plan);
  }
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Candidates from a file, in the units of this run's normalised tokens. */
static PetscErrorCode CopyAnchors(Work *work, const AnchorRun *made, const Settings *settings,
                                  int share, Mistakes *mistakes)
{
  const AnchorSet *set = &work->experiment->set[made->set];
  Dictionary *dictionary;
  View view;

  PetscFunctionBegin;
  PetscCall(DictionaryRead(set->file, work->kernels, mistakes, &dictionary));
  if (!dictionary) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WorkView(work, settings, share, &view));
  const int64_t p = dictionary->m, d = dictionary->d;
  const Normaliser *to = view.normaliser;
  const bool same = !memcmp(to->mean, dictionary->mean, (size_t)d * sizeof(double)) &&
                    !memcmp(to->scale, dictionary->scale, (size_t)d * sizeof(double));
  for (int64_t i = 0; i < p * d && !same; i++) {
    const double raw =
        (double)dictionary->atoms[i] * dictionary->scale[i % d] + dictionary->mean[i % d];
    dictionary->atoms[i] = (float)((raw - to->mean[i % d]) / to->scale[i % d]);
  }
  char *path = anchors_file(work, made);
  PetscCall(AnchorsWrite(path, dictionary, to, mistakes));
  free(path);
  PetscCall(ViewRelease(&view));
  PetscCall(DictionaryDestroy(&dictionary));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Hands the runs listed in todo [count], or candidate sets, to groups, pack by pack. */
static PetscErrorCode Spread(Work *work, bool candidates, int64_t count, const int64_t *todo,
                             Mistakes *mistakes, int *orders)
{
  Queue *queue;
  Packs packs;
  int64_t at;
  int groups;
  double memory;
  bool any;

  PetscFunctionBegin;
  PetscCall(PackMemory(work->world, &memory));
  PetscCall(PacksOfRuns(work, candidates, count, todo, work->size, memory, &groups, &packs));
  PetscCall(QueueCreate(work->world, groups, packs.count, &queue));
  for (;;) {
    PetscCall(QueueNext(queue, &at));
    if (at < 0) break;
    PetscCall(LearnPack(work, queue, candidates, packs.start[at + 1] - packs.start[at],
                        packs.run + packs.start[at], packs.count, mistakes));
    PetscCall(MistakesAgree(queue_comm(queue), mistakes, &any));
    if (any) PetscCall(QueueStop(queue));
  }
  PetscCall(QueueDestroy(&queue, orders));
  PetscCall(PacksDestroy(&packs));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool run_wanted(const StageOptions *options, const Run *run)
{
  if (options->slices > 0 && run->first % options->slices != options->slice) return false;
  if (!options->only) return true;
  const size_t length = strlen(run->folder);
  for (const char *p = options->only; *p; p += strcspn(p, ","), p += *p == ',')
    if (!strncmp(p, run->folder, length) && (p[length] == ',' || !p[length])) return true;
  return false;
}

/* The candidate sets that pending runs need and that are not there and have not failed; those from
 * files are copied at once by rank 0. */
static PetscErrorCode AnchorsToDo(Work *work, const int64_t *todo, int64_t count, int64_t *made,
                                  int64_t *made_count, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;

  PetscFunctionBegin;
  *made_count = 0;
  for (int64_t a = 0; a < experiment->anchors_count && work->rank == 0; a++) {
    const Run *user = NULL;
    for (int64_t i = 0; i < count && !user; i++)
      if (experiment->run[todo[i]].anchors == a) user = &experiment->run[todo[i]];
    char *path = anchors_file(work, &experiment->anchors[a]),
         *folder = path_join(work->out, "anchors");
    Outcome before = {RUN_PENDING, ""};
    if (user) PetscCall(AnchorsOutcome(work, &experiment->anchors[a], &before));
    if (user && before.status != RUN_FAILED && !file_exists(path)) {
      PetscCall(FileMakeFolder(folder));
      if (experiment->set[experiment->anchors[a].set].file)
        PetscCall(CopyAnchors(work, &experiment->anchors[a], &user->settings,
                              experiment->group[user->group].share, mistakes));
      else
        made[(*made_count)++] = a;
    }
    free(path);
    free(folder);
  }
  PetscCallMPI(MPI_Bcast(made_count, 1, MPI_INT64_T, 0, work->world));
  PetscCallMPI(MPI_Bcast(made, (int)*made_count, MPI_INT64_T, 0, work->world));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Finished runs keep the snapshots they have. */
static void tell_snapshots(const Work *work, const StageOptions *options, const Outcome *outcomes)
{
  const Experiment *experiment = work->experiment;
  const Run *first = NULL;
  int64_t count = 0;
  for (int64_t r = 0; r < experiment->runs && work->rank == 0 && experiment->snapshots; r++) {
    const Run *run = &experiment->run[r];
    char *path = run_file(work, run, "snapshots.h5");
    if (outcomes[r].status == RUN_DONE && run->first == r && run_wanted(options, run) &&
        !file_exists(path)) {
      if (!count++) first = run;
    }
    free(path);
  }
  if (count)
    fprintf(stderr,
            "snapshots: %lld finished runs have none and keep what they have; a run whose folder "
            "(such as %s/%s/%s) is removed is trained anew, with snapshots\n",
            (long long)count, work->out, first->folder, first->id);
}

PetscErrorCode StageLearn(Work *work, const StageOptions *options, Mistakes *mistakes, int *orders)
{
  const Experiment *experiment = work->experiment;
  Outcome *outcomes;
  int64_t *todo, *made, count = 0, made_count;
  bool any;

  PetscFunctionBegin;
  *orders = 0;
  PetscCall(ArrayCreate(experiment->runs, &outcomes));
  PetscCall(ArrayCreate(experiment->runs, &todo));
  PetscCall(ArrayCreate(experiment->anchors_count, &made));
  PetscCall(OutcomesOfRuns(work, outcomes));
  tell_snapshots(work, options, outcomes);
  PetscCall(SurrogatesOpen(work, mistakes));
  for (int64_t r = 0; r < experiment->runs && !mistakes_count(mistakes); r++)
    if (outcomes[r].status == RUN_PENDING && experiment->run[r].first == r &&
        run_wanted(options, &experiment->run[r]))
      todo[count++] = r;
  PetscCall(AnchorsToDo(work, todo, count, made, &made_count, mistakes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (!any && made_count) PetscCall(Spread(work, true, made_count, made, mistakes, orders));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (!any && !(*orders & ORDER_STOP) && count)
    PetscCall(Spread(work, false, count, todo, mistakes, orders));
  PetscCall(ArrayDestroy(&outcomes));
  PetscCall(ArrayDestroy(&todo));
  PetscCall(ArrayDestroy(&made));
  PetscFunctionReturn(PETSC_SUCCESS);
}
