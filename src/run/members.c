/* What the members of a pack stand on: tokens as they see them, candidates, folders. */
#include "members.h"
#include "base/file.h"
#include "run/train.h"
#include <stdio.h>
#include <stdlib.h>

/* What a member needs beside its task, to be freed. */
typedef struct {
  char *folder, *model, *label;
  int made; /* number of its candidates, -1: it needs none */
  Anchors *anchors;
  bool owns; /* the anchors: no earlier member read them */
} Member;

/* The members that can be trained. */
typedef struct {
  int64_t count;
  Task *task;
  Training *training;
  Member *member;
  Outcome *outcome;
} Members;

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

PetscErrorCode AnchorsOutcome(const Work *work, const AnchorRun *made, Outcome *outcome)
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
static PetscErrorCode ReadAnchors(Work *work, Queue *queue, const Run *run, Mistakes *mistakes,
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

/* The same, in the memory of an earlier member where that one has the same candidates. */
static PetscErrorCode FindAnchors(Work *work, Queue *queue, const Run *run, const Members *members,
                                  Mistakes *mistakes, Member *member, bool *bad)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < members->count && !member->anchors; i++)
    if (members->member[i].made == run->anchors) member->anchors = members->member[i].anchors;
  member->made = run->anchors;
  member->owns = !member->anchors;
  if (member->owns) PetscCall(ReadAnchors(work, queue, run, mistakes, &member->anchors, bad));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A seed that the model does not draw from is 0. */
static int64_t drawn(int64_t seed)
{
  return seed < 0 ? 0 : seed;
}

/* One more member; its view and reader come later. */
static void add(Members *members, const Member *member, MPI_Comm comm, const Settings *settings,
                const int64_t seeds[SEED_PURPOSES], const Training *training)
{
  const int64_t i = members->count++;
  members->member[i] = *member;
  members->training[i] = *training;
  members->training[i].method =
      (const Method *)family_find(&methods, settings_get(settings, "method"));
  members->training[i].folder = member->folder;
  members->training[i].model_path = member->model;
  members->training[i].label = member->label;
  members->task[i] = (Task){.comm = comm,
                            .settings = settings,
                            .seed_init = drawn(seeds[0]),
                            .seed_data = drawn(seeds[1]),
                            .seed_anchors = drawn(seeds[2]),
                            .seed_subsample = drawn(seeds[3]),
                            .anchors = member->anchors};
}

static PetscErrorCode AddRun(Work *work, Queue *queue, const Run *run, Training training,
                             Members *members, Mistakes *mistakes)
{
  Member member = {.made = -1};
  Text label = {0};
  bool bad = false;

  PetscFunctionBegin;
  if (run->anchors >= 0) PetscCall(FindAnchors(work, queue, run, members, mistakes, &member, &bad));
  if (bad) PetscFunctionReturn(PETSC_SUCCESS);
  text_add(&label, "%s/%s", run->model, run->id);
  member.folder = run_folder(work, run);
  member.model = run_file(work, run, "model.h5");
  member.label = label.s;
  training.id = run->id;
  training.initial = true;
  training.snapshots = work->experiment->snapshots;
  add(members, &member, queue_comm(queue), &run->settings, run->seed, &training);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_candidates(Work *work, Queue *queue, const AnchorRun *made, Training training,
                           Members *members)
{
  Member member = {.made = -1, .model = anchors_file(work, made)};
  Text folder = {0}, label = {0};
  text_add(&folder, "%s/anchors/%s", work->out, made->id);
  text_add(&label, "anchors/%s", made->id);
  member.folder = folder.s;
  member.label = label.s;
  training.id = made->id;
  add(members, &member, queue_comm(queue), &made->settings,
      (int64_t[]){made->seed, made->seed, made->seed, 0}, &training);
}

/* Trains the members, which see the tokens alike. */
static PetscErrorCode Train(Work *work, Queue *queue, int share, Members *members,
                            Mistakes *mistakes)
{
  const Portion *portion = &work->experiment->share[share];
  View view;
  Split *part = NULL;
  Reader *reader;
  void *scratch = NULL;

  PetscFunctionBegin;
  PetscCall(WorkView(work, members->task[0].settings, share, &view));
  if (portion->subsample < 1) {
    PetscCall(
        SplitSubsample(view.split, portion->subsample, members->task[0].seed_subsample, &part));
    view.split = part;
  }
  PetscCall(ReaderCreate(&view, &reader));
  for (int64_t i = 0; i < members->count; i++) {
    members->task[i].view = view;
    members->task[i].reader = reader;
    members->task[i].route = work->route;
    members->task[i].scratch = &scratch;
    members->training[i].pack = members->count;
  }
  PetscCall(TrainPack(members->count, members->task, members->training, queue, mistakes,
                      members->outcome));
  PetscCall(ReaderDestroy(&reader));
  PetscCall(SplitDestroy(&part));
  PetscCall(ViewRelease(&view));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode LearnPack(Work *work, Queue *queue, bool candidates, int64_t count,
                         const int64_t *number, int64_t items, Mistakes *mistakes)
{
  const Experiment *experiment = work->experiment;
  const Training training = {.checkpoint_minutes = experiment->checkpoint_minutes,
                             .items = items,
                             .spec_digest = work->spec_digest};
  const int share = candidates ? experiment->anchors[number[0]].share
                               : experiment->group[experiment->run[number[0]].group].share;
  Members members = {0};

  PetscFunctionBegin;
  PetscCall(ArrayCreate(count, &members.task));
  PetscCall(ArrayCreate(count, &members.training));
  PetscCall(ArrayCreate(count, &members.member));
  PetscCall(ArrayCreate(count, &members.outcome));
  for (int64_t i = 0; i < count; i++) {
    if (candidates)
      add_candidates(work, queue, &experiment->anchors[number[i]], training, &members);
    else
      PetscCall(AddRun(work, queue, &experiment->run[number[i]], training, &members, mistakes));
  }
  if (members.count && !mistakes_count(mistakes))
    PetscCall(Train(work, queue, share, &members, mistakes));
  for (int64_t i = 0; i < members.count; i++) {
    Member *member = &members.member[i];
    if (member->owns) PetscCall(AnchorsDestroy(&member->anchors));
    free(member->folder);
    free(member->model);
    free(member->label);
  }
  PetscCall(ArrayDestroy(&members.task));
  PetscCall(ArrayDestroy(&members.training));
  PetscCall(ArrayDestroy(&members.member));
  PetscCall(ArrayDestroy(&members.outcome));
  PetscFunctionReturn(PETSC_SUCCESS);
}
