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
  bool forget;
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

static PetscErrorCode Anew(void *context)
{
  Streaming *s = context;

  PetscFunctionBegin;
  PetscCall(BenchTaskClose(&s->task));
  PetscCall(BenchTaskOpen(s->run, s->run->comm, s->path, s->words, 0, &s->task));
  if (s->forget && s->run->rank == 0) {
    const int file = open(s->path, O_RDONLY);
    if (file >= 0) {
      fsync(file);
      posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
      close(file);
    }
  }
  PetscCall(BenchMeet(s->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(BenchRun *run, int which, Streaming *s)
{
  const BenchWork work = {.work = Pass,
                          .before = Anew,
                          .context = s,
                          .together = true,
                          .wall = true,
                          .rounds = 3,
                          .seconds = 0.1};
  BenchTiming held, read;
  double disk;
  char note[96];

  PetscFunctionBegin;
  s->words = words[which];
  s->forget = false;
  PetscCall(Anew(s));
  PetscCall(BenchTime(run, &work, &held));
  s->forget = true;
  PetscCall(BenchTime(run, &work, &read));
  PetscCall(BenchTaskClose(&s->task));
  PetscCall(LimitGet(run->limits, LIMIT_DISK, &disk));
  snprintf(note, sizeof(note), "reads %.0f MB/s; the disk gives %.0f", 2e-6 * N * D / read.seconds,
           disk * 1e-6);
  const BenchFigure figure = {.row = rows[which],
                              .size = sizes[which],
                              .figure = N / read.seconds * 1e-3,
                              .unit = "1000 tokens/s",
                              .limit = "tokens held in memory",
                              .limit_value = N / held.seconds * 1e-3,
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
