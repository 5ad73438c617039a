/* A learner for benches. */
#include "run/bench_task.h"
#include "base/array.h"
#include "learn/kmeans.h"
#include <stdlib.h>
#include <string.h>

struct BenchTask {
  Task task;
  Tokens *tokens;
  Split *split;
  Normaliser *normaliser;
  Settings settings;
  Anchors anchors;
  const Method *method;
  void *learner, *scratch;
  double created;    /* seconds that the learner took to be made */
  BenchTask *leader; /* whose tokens and settings these are; NULL: its own */
};

static void read_words(Settings *settings, const char *words)
{
  char *copy = text_copy(words), *rest = copy;
  for (char *word; (word = strtok_r(rest, " ", &rest));) {
    char *value = strchr(word, '=');
    if (!value) continue;
    *value = 0;
    settings_set(settings, word, value + 1);
  }
  free(copy);
}

void bench_settings(const char *words, Settings *settings)
{
  read_words(settings, words);
  const Method *method = (const Method *)family_find(&methods, settings_get(settings, "method"));
  settings_fill(settings, "", method->entry.params);
  settings_fill(settings, "normalise.", normalise_params);
}

static PetscErrorCode TakeAnchors(BenchTask *b, int64_t p)
{
  int64_t *row;

  PetscFunctionBegin;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  b->anchors.p = p, b->anchors.d = tokens_width(b->tokens);
  PetscCall(ArrayCreate(p * b->anchors.d, &b->anchors.points));
  PetscCall(ArrayCreate(p, &row));
  for (int64_t q = 0; q < p; q++) row[q] = q * 7 % tokens_count(b->tokens);
  PetscCall(ViewRead(&b->task.view, p, row, b->anchors.points));
  PetscCall(ArrayDestroy(&row));
  b->task.anchors = &b->anchors;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTaskOpen(BenchRun *run, MPI_Comm comm, const char *tokens, const char *words,
                             int64_t p, BenchTask **out)
{
  Mistakes *mistakes;
  BenchTask *b;

  PetscFunctionBegin;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(PetscCalloc(sizeof(*b), (char **)&b));
  PetscCall(TokensOpen(comm, run->kernels, 1, &tokens, mistakes, &b->tokens));
  PetscCheck(b->tokens, PETSC_COMM_SELF, PETSC_ERR_FILE_READ, "%s: no token file", tokens);
  PetscCall(SplitCreate(comm, b->tokens, 0, mistakes, &b->split));
  bench_settings(words, &b->settings);
  b->method = (const Method *)family_find(&methods, settings_get(&b->settings, "method"));
  PetscCall(NormaliserCreate(b->tokens, &b->settings, &b->normaliser));
  b->task = (Task){.comm = comm,
                   .view = {b->tokens, b->split, b->normaliser, run->kernels},
                   .scratch = &b->scratch,
                   .settings = &b->settings,
                   .seed_init = 1,
                   .seed_data = 2,
                   .seed_anchors = 3};
  PetscCall(ReaderCreate(&b->task.view, &b->task.reader));
  PetscCall(TakeAnchors(b, p));
  b->created = -thread_seconds();
  PetscCall(b->method->create(&b->task, &b->learner));
  b->created += thread_seconds();
  PetscCall(MistakesDestroy(&mistakes));
  *out = b;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTaskBeside(BenchTask *leader, BenchTask **out)
{
  BenchTask *b;

  PetscFunctionBegin;
  PetscCall(PetscCalloc(sizeof(*b), (char **)&b));
  b->leader = leader;
  b->method = leader->method;
  b->task = leader->task;
  b->task.seed_init = 4;
  PetscCall(b->method->create(&b->task, &b->learner));
  *out = b;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTaskClose(BenchTask **task)
{
  BenchTask *b = *task;

  PetscFunctionBegin;
  if (!b) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(b->method->destroy(&b->learner));
  if (b->leader) {
    PetscCall(PetscFree(*task));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ArrayDestroy(&b->anchors.points));
  PetscCall(ReaderDestroy(&b->task.reader));
  PetscCall(NormaliserDestroy(&b->normaliser));
  PetscCall(SplitDestroy(&b->split));
  PetscCall(TokensClose(&b->tokens));
  settings_clear(&b->settings);
  PetscCall(PetscFree(*task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTaskReport(BenchTask *task, StepReport *report)
{
  PetscFunctionBegin;
  PetscCall(task->method->step(task->learner, report));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTaskStep(void *task)
{
  StepReport report;

  PetscFunctionBegin;
  PetscCall(BenchTaskReport(task, &report));
  PetscCheck(report.state == STEP_MORE, PETSC_COMM_SELF, PETSC_ERR_PLIB,
             "a bench's learner has ended: %s", report.reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchTaskPass(void *task)
{
  const KMeans *K = ((BenchTask *)task)->learner;
  const int64_t before = K->number[KMEANS_ITERATION];

  PetscFunctionBegin;
  while (K->number[KMEANS_ITERATION] == before) PetscCall(BenchTaskStep(task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double bench_task_created(const BenchTask *task)
{
  return task->created;
}

void *bench_task_learner(BenchTask *task)
{
  return task->learner;
}

const Task *bench_task_task(const BenchTask *task)
{
  return &task->task;
}
