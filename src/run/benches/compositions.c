/* A step of every code, goal, encoder, kind of atoms and revival of the registries, the others as
   TopK has them, and a pass of k-means, beside their dense products at the peak. One core. */
#include "learn/method.h"
#include "run/bench_task.h"
#include <stdlib.h>
#include <string.h>

enum { M = 768, D = 768, B = 1024, K = 32, P = 1024, N = 8 * B, CENTROIDS = 2048 };

static const char *const rows[] = {
    "k-means",
#define X(name) "code " #name,
#include "sae-code.def" /* these are written by the Makefile from the folders' listings */
#undef X
#define X(name) "goal " #name,
#include "sae-goal.def"
#undef X
#define X(name) "encoder " #name,
#include "sae-encoder.def"
#undef X
#define X(name) "atoms " #name,
#include "sae-atoms.def"
#undef X
#define X(name) "revive " #name,
#include "sae-revive.def"
#undef X
    NULL,
};

/* What a member needs beside it, and how many dense products of m d it is where not five: pursuits
   look at all atoms for each pick. */
static const struct {
  const char *row, *words;
  double products;
} special[] = {
    {"code mp", "encoder.name=tied", K},
    {"code omp", "encoder.name=tied", K},
    {"code gated", "", 6},
    {"goal msae", "goal.ks=8,16,32", 5},
    {"atoms hull", "", 5 + 2.0 * P / B},
    {"atoms hull_relaxed", "", 5 + 2.0 * P / B},
};

/* The settings of a row; how many products its step is. */
static double describe(const char *row, Text *words)
{
  double products = 5;
  text_add(words,
           "method=sae width=%d train.batch=%d train.steps=1000000 atoms.pick=identity "
           "code.name=topk code.k=%d ",
           M, B, K);
  text_add(words, "%.*s.name=%s", (int)strcspn(row, " "), row, strchr(row, ' ') + 1);
  for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
    if (!strcmp(special[i].row, row)) {
      text_add(words, " %s", special[i].words);
      products = special[i].products;
    }
  return products;
}

static PetscErrorCode Row(BenchRun *run, const char *path, const char *row)
{
  const bool kmeans = !strcmp(row, "k-means");
  BenchFigure figure = {.row = row, .size = "768 atoms of 768, batch 1024", .goal = "ratio <= 1.5"};
  BenchTiming timing;
  BenchTask *task;
  Text words = {0};

  PetscFunctionBegin;
  double products = CENTROIDS, tokens = B;
  if (kmeans) {
    figure.size = "2048 centroids of 768, a pass";
    text_add(&words, "method=kmeans width=%d iterations=1000 init.name=random", CENTROIDS);
    tokens = N;
  } else {
    products = describe(row, &words) * M;
  }
  PetscCall(BenchTaskOpen(run, MPI_COMM_SELF, path, words.s, P, &task));
  const BenchWork work = {.work = kmeans ? BenchTaskPass : BenchTaskStep,
                          .context = task,
                          .limit = LIMIT_FMA,
                          .rounds = 5};
  PetscCall(BenchTime(run, &work, &timing));
  bench_cost(&figure, LIMIT_FMA, &timing, 2 * products * D * tokens, tokens, "us/token");
  figure.limit = kmeans ? "peak of nearest" : "peak of scores, combine";
  PetscCall(BenchRow(run, &figure));
  PetscCall(BenchTaskClose(&task));
  text_clear(&words);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  for (const char *const *row = rows; *row && run->rank == 0; row++)
    if (bench_wants(run, *row)) PetscCall(Row(run, path, *row));
  PetscCall(BenchMeet(run));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_compositions = {
    .entry = {"compositions", "a step of every code, goal, encoder, kind of atoms and revival, and "
                              "a pass of k-means, one core"},
    .rows = rows,
    .together = true,
    .run = Run,
};
