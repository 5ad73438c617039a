/* Packs: replicas side by side against the same one after another, with tokens in memory and with
   reading limited as by a busy file system. */
#include "run/bench_task.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const rows[] = {"packs", "packs_limited", NULL};
enum { N = 65536, D = 768, BATCH = 4096, MOST = 8 };
static const char words[] = "method=sae width=3840 code.name=topk code.k=32 train.batch=4096 "
                            "train.steps=1000000 normalise.center=mean normalise.scale=rms";
#define LIMIT_MB "10"

typedef struct {
  BenchTask *task[MOST];
  int count, turns;
} Pack;

static PetscErrorCode Turn(void *context)
{
  Pack *pack = context;

  PetscFunctionBegin;
  for (int turn = 0; turn < pack->turns; turn++)
    for (int r = 0; r < pack->count; r++) PetscCall(BenchTaskStep(pack->task[r]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds that a step of one of `count` replicas takes, and of the single one: in turns, as often
   each, but for slow reading, which would go on in the other's turn. */
static PetscErrorCode TimeTurns(BenchRun *run, Pack *pack, Pack *single, int count, bool slow,
                                double *together, double *alone)
{
  BenchWork work[2] = {{.work = Turn,
                        .context = pack,
                        .together = true,
                        .wall = true,
                        .rounds = slow || count < MOST ? 3 : 5, /* MOST has a goal */
                        .seconds = 0.1}};
  BenchTiming timing[2];

  PetscFunctionBegin;
  pack->count = count, single->count = 1, single->turns = slow ? 1 : count;
  work[1] = work[0], work[1].context = single;
  if (slow)
    for (int i = 0; i < 2; i++) PetscCall(BenchTime(run, &work[i], &timing[i]));
  else
    PetscCall(BenchTimeTurns(run, 2, work, timing));
  *together = timing[0].seconds / count;
  *alone = timing[1].seconds / single->turns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Rows(BenchRun *run, const char *path, bool slow)
{
  static const int counts[] = {8, 4, 2};
  Pack pack = {.turns = 1}, single = {.turns = 1};
  double together[3], alone[3];
  const char *row = rows[slow];

  PetscFunctionBegin;
  if (slow) setenv("ARDIS_READ_LIMIT", LIMIT_MB, 1);
  PetscCall(BenchTaskOpen(run, run->comm, path, words, 0, &pack.task[0]));
  PetscCall(BenchTaskOpen(run, run->comm, path, words, 0, &single.task[0]));
  if (slow) unsetenv("ARDIS_READ_LIMIT");
  for (int r = 1; r < MOST; r++) PetscCall(BenchTaskBeside(pack.task[0], &pack.task[r]));
  /* the largest pack first, so that its replicas have seen equally many tokens; with reading
     limited that one alone: the others lie between */
  for (int i = 0; i < 3; i++)
    if (!slow || counts[i] == MOST)
      PetscCall(TimeTurns(run, &pack, &single, counts[i], slow, &together[i], &alone[i]));
  for (int i = 0; i < 3; i++) {
    char size[96];
    if (slow && counts[i] < MOST) continue;
    snprintf(size, sizeof(size), "%d of 3840 x %d, batch %d%s", counts[i], D, BATCH,
             slow ? ", " LIMIT_MB " MB/s" : "");
    const BenchFigure figure = {.row = row,
                                .size = size,
                                .figure = BATCH / together[i] * 1e-3,
                                .unit = "1000 tokens/s",
                                .limit = "one after another",
                                .limit_value = BATCH / alone[i] * 1e-3,
                                .goal = counts[i] < MOST ? NULL
                                        : slow           ? "ratio >= 4"
                                                         : "ratio >= 1",
                                .note = "tokens of all replicas"};
    PetscCall(BenchRow(run, &figure));
  }
  for (int r = MOST - 1; r >= 0; r--) PetscCall(BenchTaskClose(&pack.task[r]));
  PetscCall(BenchTaskClose(&single.task[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  char *path;

  PetscFunctionBegin;
  PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
  for (int slow = 0; slow < 2; slow++)
    if (bench_wants(run, rows[slow])) PetscCall(Rows(run, path, slow));
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_packs = {
    .entry = {"packs", "replicas that read together against the same one after another"},
    .rows = rows,
    .together = true,
    .run = Run,
};
