/* Training on tokens that the system does not hold in memory, as of a file larger than it: the file
   is put out of memory before each pass, which a new learner begins. */
#include "run/bench_task.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const rows[] = {"streaming_sae", "streaming_kmeans", NULL};
static const char *const words[] = {
    "method=sae width=3840 code.name=topk code.k=32 train.batch=4096 train.steps=1000000 "
    "normalise.center=mean normalise.scale=rms",
    "method=kmeans width=2048 iterations=1000000 normalise.center=mean normalise.scale=rms"};
static const char *const sizes[] = {"3840 x 768, batch 4096, pass over 131072 tokens",
                                    "2048 x 768, pass over 131072 tokens"};
enum { N = 131072, D = 768 };

typedef struct {
  BenchRun *run;
  BenchTask *task;
  const char *path, *words;
} Streaming;

/* A pass over all tokens. */
static PetscErrorCode Pass(void *context)
{
  const Streaming *s = context;
  const Task *task = bench_task_task(s->task);
  const Method *method =
      (const Method *)family_find(&methods, settings_get(task->settings, "method"));
  const void *learner = bench_task_learner(s->task);
  const int64_t end = method->seen(learner) + N;

  PetscFunctionBegin;
  while (method->seen(learner) < end) PetscCall(BenchTaskStep(s->task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Anew(Streaming *s, bool forget)
{
  PetscFunctionBegin;
  PetscCall(BenchTaskClose(&s->task));
  PetscCall(BenchTaskOpen(s->run, s->run->comm, s->path, s->words, 0, &s->task));
  const int file = s->run->rank == 0 ? open(s->path, O_RDONLY) : -1;
  if (file >= 0) {
    fsync(file);
    posix_fadvise(file, 0, 0, forget ? POSIX_FADV_DONTNEED : POSIX_FADV_WILLNEED);
    close(file);
  }
  PetscCall(BenchMeet(s->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AnewHeld(void *context)
{
  PetscFunctionBegin;
  PetscCall(Anew(context, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AnewRead(void *context)
{
  PetscFunctionBegin;
  PetscCall(Anew(context, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(BenchRun *run, int which, Streaming *s)
{
  const BenchWork held = {.work = Pass,
                          .before = AnewHeld,
                          .context = s,
                          .together = true,
                          .wall = true,
                          .first = true, /* each has a learner of its own */
                          .rounds = 3},
                  work[2] = {held,
                             {.work = Pass,
                              .before = AnewRead,
                              .context = s,
                              .together = true,
                              .wall = true,
                              .first = true}};
  BenchTiming timing[2];
  double disk;
  char note[96];

  PetscFunctionBegin;
  s->words = words[which];
  PetscCall(BenchTimeTurns(run, 2, work, timing));
  PetscCall(BenchTaskClose(&s->task));
  PetscCall(LimitGet(run->limits, LIMIT_DISK, &disk));
  snprintf(note, sizeof(note), "reads %.0f MB/s; the disk gives %.0f",
           2e-6 * N * D / timing[1].best, disk * 1e-6);
  const BenchFigure figure = {.row = rows[which],
                              .size = sizes[which],
                              .figure = N / timing[1].best * 1e-3,
                              .unit = "1000 tokens/s",
                              .limit = "tokens held in memory",
                              .limit_value = N / timing[0].best * 1e-3,
                              .goal = "ratio >= 0.9",
                              .note = note};
  PetscCall(BenchRow(run, &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  Streaming streaming = {.run = run, .path = path};
  for (int which = 0; which < 2; which++)
    if (bench_wants(run, rows[which])) PetscCall(Compare(run, which, &streaming));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_streaming = {
    .entry = {"streaming", "training on tokens that are not in memory"},
    .rows = rows,
    .together = true,
    .run = Run,
};
