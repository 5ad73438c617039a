/* The stages that plan and learn. */
#include "base/digest.h"
#include "base/file.h"
#include "run/stages.h"
#include "run/train.h"
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

static PetscErrorCode MakeAnchors(Work *work, Queue *queue, int64_t item, int64_t items,
                                  Mistakes *mistakes)
{
  const AnchorRun *made = &work->experiment->anchors[item];
  char *path = anchors_file(work, made);
  Text folder = {0}, label = {0};
  Outcome outcome;
  Task task = {.comm = queue_comm(queue),
               .settings = &made->settings,
               .seed_init = made->seed,
               .seed_data = made->seed,
               .seed_anchors = made->seed};

  PetscFunctionBegin;
  text_add(&folder, "%s/anchors/%s", work->out, made->id);
  text_add(&label, "anchors/%s", made->id);
  PetscCall(WorkView(work, &made->settings, made->share, &task.view));
  PetscCall(ReaderCreate(&task.view, &task.reader));
  const Training training = {
      .method = (const Method *)family_find(&methods, settings_get(&made->settings, "method")),
      .folder = folder.s,
      .model_path = path,
      .label = label.s,
      .id = made->id,
      .checkpoint_minutes = work->experiment->checkpoint_minutes,
      .items = items,
      .spec_digest = work->spec_digest};
  PetscCall(TrainRun(&task, &training, queue, mistakes, &outcome));
  PetscCall(ReaderDestroy(&task.reader));
  PetscCall(ViewRelease(&task.view));
  text_clear(&folder);
  text_clear(&label);
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FailRun(Work *work, Queue *queue, const Run *run, const char *reason)
{
  Outcome outcome = {RUN_FAILED, ""};

  PetscFunctionBegin;
  snprintf(outcome.reason, sizeof(outcome.reason), "%s", reason);
  if (queue_leads(queue)) {
    char *folder = run_folder(work, run);
    PetscCall(FileMakeFolder(folder));
    PetscCall(OutcomeWrite(folder, "learn", run->id, &outcome));
    free(folder);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How making a candidate set ended. One rank calls it. */
static PetscErrorCode AnchorsOutcome(const Work *work, const AnchorRun *made, Outcome *outcome)
{
  Text folder = {0};

  PetscFunctionBegin;
  text_add(&folder, "%s/anchors/%s", work->out, made->id);
  PetscCall(OutcomeRead(folder.s, "learn", made->id, outcome));
  text_clear(&folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A run's candidates. *bad: it cannot be trained, because they failed or cannot be read. Not file
   lookups but what was noted tells a failure: elsewhere a new file may show late. */
static PetscErrorCode RunAnchors(Work *work, Queue *queue, const Run *run, Mistakes *mistakes,
                                 Anchors **anchors, bool *bad)
{
  const AnchorRun *made = &work->experiment->anchors[run->anchors];
  Outcome outcome = {RUN_PENDING, ""};

  PetscFunctionBegin;
  if (queue_leads(queue)) PetscCall(AnchorsOutcome(work, made, &outcome));
  PetscCallMPI(MPI_Bcast(&outcome, (int)sizeof(outcome), MPI_BYTE, 0, queue_comm(queue)));
  if (outcome.status == RUN_FAILED) {
    Text why = {0};
    text_add(&why, "its anchors failed: %s", outcome.reason);
    PetscCall(FailRun(work, queue, run, why.s));
    text_clear(&why);
    *bad = true;
  } else {
    char *path = anchors_file(work, made);
    PetscCall(AnchorsRead(path, work->kernels, mistakes, anchors));
    free(path);
    PetscCall(MistakesAgree(queue_comm(queue), mistakes, bad));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LearnRun(Work *work, Queue *queue, const Run *run, int64_t items,
                               Mistakes *mistakes)
{
  char *folder = run_folder(work, run), *model = run_file(work, run, "model.h5");
  Text label = {0};
  Anchors *anchors = NULL;
  Outcome outcome;
  bool bad = false;
  const int64_t seeds[3] = {run->seed_init, run->seed_data, run->seed_anchors};
  Task task = {.comm = queue_comm(queue),
               .settings = &run->settings,
               .seed_init = seeds[0] < 0 ? 0 : seeds[0],
               .seed_data = seeds[1] < 0 ? 0 : seeds[1],
               .seed_anchors = seeds[2] < 0 ? 0 : seeds[2]};

  PetscFunctionBegin;
  if (run->anchors >= 0) PetscCall(RunAnchors(work, queue, run, mistakes, &anchors, &bad));
  if (!bad) {
    task.anchors = anchors;
    text_add(&label, "%s/%s", run->model, run->id);
    PetscCall(
        WorkView(work, &run->settings, work->experiment->group[run->group].share, &task.view));
    PetscCall(ReaderCreate(&task.view, &task.reader));
    const Training training = {
        .method = (const Method *)family_find(&methods, settings_get(&run->settings, "method")),
        .folder = folder,
        .model_path = model,
        .label = label.s,
        .id = run->id,
        .initial = true,
        .checkpoint_minutes = work->experiment->checkpoint_minutes,
        .items = items,
        .spec_digest = work->spec_digest};
    PetscCall(TrainRun(&task, &training, queue, mistakes, &outcome));
    PetscCall(ReaderDestroy(&task.reader));
    PetscCall(ViewRelease(&task.view));
  }
  PetscCall(AnchorsDestroy(&anchors));
  text_clear(&label);
  free(folder);
  free(model);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Hands the items listed in todo [count] to groups; runs says what they are. */
static PetscErrorCode Spread(Work *work, bool runs, int64_t count, const int64_t *todo,
                             Mistakes *mistakes, int *orders)
{
  Queue *queue;
  int64_t at;
  bool any;

  PetscFunctionBegin;
  PetscCall(QueueCreate(work->world, work->groups ? work->groups : (int)min_i64(work->size, count),
                        count, &queue));
  for (;;) {
    PetscCall(QueueNext(queue, &at));
    if (at < 0) break;
    if (runs)
      PetscCall(LearnRun(work, queue, &work->experiment->run[todo[at]], count, mistakes));
    else
      PetscCall(MakeAnchors(work, queue, todo[at], count, mistakes));
    PetscCall(MistakesAgree(queue_comm(queue), mistakes, &any));
    if (any) PetscCall(QueueStop(queue));
  }
  PetscCall(QueueDestroy(&queue, orders));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool run_wanted(const StageOptions *options, const Run *run, int64_t r)
{
  if (options->slices > 0 && r % options->slices != options->slice) return false;
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
  for (int64_t r = 0; r < experiment->runs; r++)
    if (outcomes[r].status == RUN_PENDING && run_wanted(options, &experiment->run[r], r))
      todo[count++] = r;
  PetscCall(AnchorsToDo(work, todo, count, made, &made_count, mistakes));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (!any && made_count) PetscCall(Spread(work, false, made_count, made, mistakes, orders));
  PetscCall(MistakesAgree(work->world, mistakes, &any));
  if (!any && !(*orders & ORDER_STOP) && count)
    PetscCall(Spread(work, true, count, todo, mistakes, orders));
  PetscCall(ArrayDestroy(&outcomes));
  PetscCall(ArrayDestroy(&todo));
  PetscCall(ArrayDestroy(&made));
  PetscFunctionReturn(PETSC_SUCCESS);
}
