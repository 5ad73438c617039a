/* Whole training steps of sparse autoencoders on one rank, by composition, against the time that
   10 m d multiply-adds' operations a token take at the peak; and the kernels of their sparse part.
 */
#include "base/array.h"
#include "base/random.h"
#include "learn/sae.h"
#include "run/bench_task.h"
#include <stdlib.h>

enum { M = 3840, D = 768, B = 4096, N = 8 * B, K = 32 };

#define TRAIN "method=sae width=3840 train.batch=4096 train.steps=1000000 atoms.name=free "

/* A composition; dead: atoms that are made dead before each step. */
static const struct {
  const char *row, *size, *words, *encoder, *goal;
  int64_t dead;
} list[] = {
    {"step topk", "k = 32, float32 encoder", TRAIN "code.name=topk code.k=32", "fp32",
     "ratio <= 0.28", 0},
    {"step topk", "k = 32, int16 encoder", TRAIN "code.name=topk code.k=32", "int16",
     "ratio <= 0.20", 0},
    {"step topk", "k = 64, float32 encoder", TRAIN "code.name=topk code.k=64", "fp32",
     "ratio <= 0.32", 0},
    {"step topk", "k = 64, int16 encoder", TRAIN "code.name=topk code.k=64", "int16",
     "ratio <= 0.26", 0},
    {"step auxk", "k = 32, no atom dead", TRAIN "code.name=topk code.k=32 revive.name=auxk", NULL,
     NULL, 0},
    {"step auxk", "k = 32, 20 atoms dead", TRAIN "code.name=topk code.k=32 revive.name=auxk", NULL,
     NULL, 20},
    {"step auxk", "k = 32, 1,000 atoms dead", TRAIN "code.name=topk code.k=32 revive.name=auxk",
     NULL, NULL, 1000},
    {"step relu", "l1 = 0.01, from the start", TRAIN "code.name=relu code.l1=0.01", NULL, NULL, 0},
};
enum { STEPS = sizeof(list) / sizeof(*list) };

static const char *const rows[] = {"step topk", "step auxk", "step relu",
                                   "residuals", "leaf_sums", NULL};

typedef struct {
  BenchTask *task;
  int64_t dead;
} Step;

static PetscErrorCode OneStep(void *context)
{
  PetscFunctionBegin;
  PetscCall(BenchTaskStep(((Step *)context)->task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The atoms that were made dead may have fired again. */
static PetscErrorCode Kill(void *context)
{
  const Step *step = context;
  SAE *sae = bench_task_learner(step->task);

  PetscFunctionBegin;
  for (int64_t j = 0; j < step->dead; j++)
    sae->silent[j * (sae->m / step->dead)] = (int64_t)1 << 40;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StepRow(BenchRun *run, const char *path, int i)
{
  Step step = {.dead = list[i].dead};
  BenchTiming timing;
  BenchFigure figure = {.row = list[i].row, .size = list[i].size, .goal = list[i].goal};

  PetscFunctionBegin;
  if (list[i].encoder) setenv("ARDIS_ENCODER", list[i].encoder, 1);
  PetscCall(BenchTaskOpen(run, MPI_COMM_SELF, path, list[i].words, 0, &step.task));
  if (list[i].encoder) unsetenv("ARDIS_ENCODER");
  const BenchWork work = {.work = OneStep,
                          .before = step.dead ? Kill : NULL,
                          .context = &step,
                          .limit = LIMIT_FMA,
                          .rounds = list[i].goal ? 5 : 3,
                          .seconds = list[i].goal ? 2 : 1};
  for (int warm = 0; warm < 3; warm++) PetscCall(OneStep(&step));
  PetscCall(BenchTime(run, &work, &timing));
  bench_cost(&figure, LIMIT_FMA, &timing, 10.0 * M * D * B, B, "us/token");
  PetscCall(BenchRow(run, &figure));
  PetscCall(BenchTaskClose(&step.task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the sparse kernels work on: codes of a batch at random, by token and by atom. */
typedef struct {
  const Kernels *kernels;
  float *X, *E, *D, *GD, *GE, *value, *slope, *work;
  double *square;
  int64_t *start, *bucket;
  int32_t *index, *token;
} Data;

static PetscErrorCode Residuals(void *context)
{
  Data *b = context;
  PetscFunctionBegin;
  b->kernels->residuals(B, b->start, b->index, b->value, M, D, b->D, -1, b->X, b->E, b->slope,
                        b->square, NULL, b->work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LeafSums(void *context)
{
  Data *b = context;
  PetscFunctionBegin;
  b->kernels->leaf_sums(B, D, M, b->bucket, NULL, b->token, b->value, b->slope, b->E, b->X, b->GD,
                        b->GE, b->work);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Data *b)
{
  int64_t *at;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(B * D, &b->X));
  PetscCall(ArrayCreate(B * D, &b->E));
  PetscCall(ArrayCreate(M * D, &b->D));
  PetscCall(ArrayCreate(M * D, &b->GD));
  PetscCall(ArrayCreate(M * D, &b->GE));
  PetscCall(ArrayCreate(B * K, &b->value));
  PetscCall(ArrayCreate(B * K, &b->slope));
  PetscCall(ArrayCreate(max_i64(residuals_work(B, M), leaf_sums_work(B)), &b->work));
  PetscCall(ArrayCreate(B, &b->square));
  PetscCall(ArrayCreate(B + 1, &b->start));
  PetscCall(ArrayCreate(M + 1, &b->bucket));
  PetscCall(ArrayCreate(B * K, &b->index));
  PetscCall(ArrayCreate(B * K, &b->token));
  PetscCall(ArrayCreate(M, &at));
  for (int64_t i = 0; i < B * D; i++) b->X[i] = (float)(i % 997) * 1e-3f;
  for (int64_t i = 0; i < M * D; i++) b->D[i] = (float)(i % 991) * 1e-3f;
  for (int64_t q = 0; q < B * K; q++) { /* one atom of each K-th of them, so they ascend */
    const int64_t j = random_below(1, RANDOM_SYNTH, (uint64_t)q, M / K);
    b->index[q] = (int32_t)(q % K * (M / K) + j), b->value[q] = 1, b->bucket[b->index[q] + 1]++;
  }
  for (int64_t t = 0; t <= B; t++) b->start[t] = t * K;
  for (int64_t j = 0; j < M; j++) b->bucket[j + 1] += b->bucket[j], at[j] = b->bucket[j];
  for (int64_t q = 0; q < B * K; q++) b->token[at[b->index[q]]++] = (int32_t)(q / K);
  PetscCall(ArrayDestroy(&at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Empty(Data *b)
{
  void **arrays[] = {(void **)&b->X,     (void **)&b->E,      (void **)&b->D,
                     (void **)&b->GD,    (void **)&b->GE,     (void **)&b->value,
                     (void **)&b->slope, (void **)&b->work,   (void **)&b->square,
                     (void **)&b->start, (void **)&b->bucket, (void **)&b->index,
                     (void **)&b->token};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SparseRow(BenchRun *run, const char *row, Data *data,
                                PetscErrorCode (*work_of)(void *))
{
  const BenchWork work = {.work = work_of, .context = data, .limit = LIMIT_FMA};
  BenchTiming timing;
  BenchFigure figure = {.row = row, .size = "4,096 tokens, 32 of 3840 x 768"};

  PetscFunctionBegin;
  if (!bench_wants(run, row)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(BenchTime(run, &work, &timing));
  bench_cost(&figure, LIMIT_FMA, &timing, 4.0 * K * D * B, B, "us/token");
  PetscCall(BenchRow(run, &figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels};
  char *path = NULL;

  PetscFunctionBegin;
  for (int i = 0; i < STEPS; i++) {
    if (!bench_wants(run, list[i].row)) continue;
    if (!path) PetscCall(BenchTokensFile(run, BENCH_SYNTH, N, D, &path));
    if (run->rank == 0) PetscCall(StepRow(run, path, i));
  }
  free(path);
  if (run->rank == 0 && (bench_wants(run, "residuals") || bench_wants(run, "leaf_sums"))) {
    PetscCall(Fill(&data));
    PetscCall(SparseRow(run, "residuals", &data, Residuals));
    PetscCall(SparseRow(run, "leaf_sums", &data, LeafSums));
    PetscCall(Empty(&data));
  }
  PetscCall(BenchMeet(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_step = {
    .entry = {"step", "training steps by composition, and the kernels of their sparse part"},
    .rows = rows,
    .together = true,
    .run = Run,
};
