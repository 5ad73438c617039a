/* Passes of k-means: nearest of 32,000 centroids, by screening in float32, in whole numbers, and as
   the pilot chooses; on noise, on tokens like a transformer's, and on real activations. */
#include "base/array.h"
#include "run/bench.h"
#include <math.h>
#include <string.h>

enum { K = 32000, D = 768, TOKENS = 102400, TIMED = 3072, STEPS = 2, TILE = 3072 };

static const char *const rows[] = {"pass-float32", "pass-bytes", "pass-first", "pass", NULL};

typedef struct {
  const BenchRun *run;
  const Kernels *kernels;
  int64_t n;
  float *X, *C;
  int32_t *index, *hint, *truth;
  double *distance;
  Nearest *nearest;
  bool hints;
} Data;

/* All tokens to zero mean and mean |x|^2 = d, as `normalise` does by default. */
static PetscErrorCode Normalise(Data *b)
{
  double *mean, square = 0;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(D, &mean));
  for (int64_t t = 0; t < b->n; t++)
    for (int64_t i = 0; i < D; i++) mean[i] += (double)b->X[t * D + i] / (double)b->n;
  for (int64_t t = 0; t < b->n; t++) {
    float *x = b->X + t * D;
    for (int64_t i = 0; i < D; i++) x[i] -= (float)mean[i];
    square += b->kernels->square64(D, x);
  }
  const float inverse = (float)sqrt((double)b->n * D / square);
  for (int64_t i = 0; i < b->n * D; i++) b->X[i] *= inverse;
  PetscCall(ArrayDestroy(&mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Assigns all tokens, each rank its share; hint holds the centroids of the time before, or -1, and
   then these, of other ranks' tokens -1. */
static PetscErrorCode AssignAll(Data *b)
{
  Directions *directions = NULL;
  int64_t prefix;
  PetscFunctionBegin;
  PetscCall(NearestCreate(b->kernels, K, D, b->C, &b->nearest));
  PetscCall(NearestPilot(b->nearest, 256, b->X + (b->n - TIMED) * D, D, &directions, &prefix));
  PetscCall(NearestUsePrefix(b->nearest, directions, prefix));
  for (int64_t t = 0; t < b->n; t += TILE) {
    if (t / TILE % b->run->size != b->run->rank) continue;
    const int64_t tile = min_i64(TILE, b->n - t);
    nearest_begin(b->nearest, b->hint + t, b->index, b->distance);
    b->kernels->nearest(tile, b->X + t * D, D, b->nearest, b->index, b->distance);
    nearest_end(b->nearest);
    memcpy(b->hint + t, b->index, (size_t)tile * sizeof(*b->index));
  }
  PetscCall(NearestDestroy(&b->nearest));
  PetscCall(DirectionsDestroy(&directions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Some of Lloyd's iterations by all ranks, from every (n / K)-th token. Collective. */
static PetscErrorCode Lloyd(Data *b, int steps)
{
  double *sum;
  int64_t *count;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(K * D, &sum));
  PetscCall(ArrayCreate(K, &count));
  for (int64_t j = 0; j < K; j++)
    memcpy(b->C + j * D, b->X + j * (b->n / K) * D, D * sizeof(*b->C));
  for (int64_t t = 0; t < b->n; t++) b->hint[t] = -1;
  for (int s = 0; s < steps; s++) {
    PetscCall(AssignAll(b));
    memset(sum, 0, K * D * sizeof(*sum));
    memset(count, 0, K * sizeof(*count));
    for (int64_t t = 0; t < b->n; t++) {
      if (b->hint[t] < 0) continue;
      count[b->hint[t]]++;
      for (int64_t i = 0; i < D; i++) sum[b->hint[t] * D + i] += (double)b->X[t * D + i];
    }
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, K * D, MPI_DOUBLE, MPI_SUM, b->run->comm));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, K, MPI_INT64_T, MPI_SUM, b->run->comm));
    for (int64_t j = 0; j < K; j++)
      for (int64_t i = 0; count[j] && i < D; i++)
        b->C[j * D + i] = (float)(sum[j * D + i] / (double)count[j]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, b->hint, (int)b->n, MPI_INT32_T, MPI_MAX, b->run->comm));
  PetscCall(ArrayDestroy(&sum));
  PetscCall(ArrayDestroy(&count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last tokens: no centroid of noise is one of them. */
static PetscErrorCode Pass(void *context)
{
  Data *b = context;
  const int64_t first = b->n - TIMED;
  PetscFunctionBegin;
  nearest_begin(b->nearest, b->hints ? b->hint + first : NULL, b->index, b->distance);
  b->kernels->nearest(TIMED, b->X + first * D, D, b->nearest, b->index, b->distance);
  nearest_end(b->nearest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Row(BenchRun *run, Data *b, const char *row, const char *tokens, int rounds,
                          const char *how, const char *goal)
{
  const BenchWork work = {.work = Pass,
                          .context = b,
                          .limit = LIMIT_FMA,
                          .seconds = 0.01,
                          .rounds = rounds,
                          .first = row == rows[0] || row == rows[1]};
  BenchFigure figure = {.row = row, .goal = goal};
  BenchTiming timing;
  Text size = {0}, note = {0};
  int64_t differ = 0;
  PetscFunctionBegin;
  PetscCall(BenchTime(run, &work, &timing));
  text_add(&size, "%d x %d, %s", K, D, tokens);
  figure.size = size.s;
  bench_cost(&figure, LIMIT_FMA, &timing, 2.0 * TIMED * K * D, TIMED, "us/token");
  if (!strcmp(row, "pass-float32"))
    memcpy(b->truth, b->index, TIMED * sizeof(*b->truth));
  else
    for (int64_t t = 0; t < TIMED; t++) differ += b->index[t] != b->truth[t];
  text_add(&note, "%s", how);
  if (differ) text_add(&note, "; %lld differ from float32", (long long)differ);
  figure.note = note.s;
  PetscCall(BenchRow(run, &figure));
  text_clear(&size);
  text_clear(&note);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rows of one kind of tokens, with the goal of the chosen pass. */
static PetscErrorCode Rows(BenchRun *run, Data *b, const char *tokens, const char *goal)
{
  static const NearestWay ways[] = {{.first = NEAREST_FLOATS}, {.first = NEAREST_BEST}};
  Directions *directions = NULL;
  int64_t prefix;
  Text how = {0};
  PetscFunctionBegin;
  b->hints = false;
  for (int w = 0; w < 2; w++) {
    PetscCall(NearestCreateAs(b->kernels, K, D, b->C, &ways[w], &b->nearest));
    PetscCall(Row(run, b, rows[w], tokens, w ? 3 : 1, w ? "whole vectors" : "", NULL));
    if (w == 0) PetscCall(NearestDestroy(&b->nearest));
  }
  PetscCall(NearestPilot(b->nearest, 256, b->X + (b->n - TIMED) * D, D, &directions, &prefix));
  PetscCall(NearestUsePrefix(b->nearest, directions, prefix));
  if (prefix)
    text_add(&how, "prefix of %lld", (long long)prefix);
  else
    text_add(&how, "no prefix pays");
  PetscCall(Row(run, b, "pass-first", tokens, 3, how.s, NULL));
  b->hints = true;
  PetscCall(Row(run, b, "pass", tokens, 3, how.s, goal));
  PetscCall(NearestDestroy(&b->nearest));
  PetscCall(DirectionsDestroy(&directions));
  text_clear(&how);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(Data *b)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(TOKENS * D, &b->X));
  PetscCall(ArrayCreate(K * D, &b->C));
  PetscCall(ArrayCreate(TOKENS, &b->hint));
  PetscCall(ArrayCreate(TILE, &b->index));
  PetscCall(ArrayCreate(TILE, &b->truth));
  PetscCall(ArrayCreate(TILE, &b->distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Empty(Data *b)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&b->X));
  PetscCall(ArrayDestroy(&b->C));
  PetscCall(ArrayDestroy(&b->hint));
  PetscCall(ArrayDestroy(&b->index));
  PetscCall(ArrayDestroy(&b->truth));
  PetscCall(ArrayDestroy(&b->distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.run = run, .kernels = run->kernels};
  PetscFunctionBegin;
  PetscCall(Allocate(&data));
  for (int kind = BENCH_NOISE; kind <= BENCH_REAL; kind++) {
    const char *tokens = bench_tokens_name((BenchTokens)kind);
    bool there;
    data.n = kind == BENCH_NOISE ? K + TIMED : TOKENS;
    PetscCall(BenchTokensFill(run, (BenchTokens)kind, data.n, D, data.X, &there));
    for (int r = 0; !there && rows[r]; r++)
      if (bench_wants(run, rows[r])) PetscCall(BenchSkip(run, rows[r], "no real activations"));
    if (!there) continue;
    PetscCall(Normalise(&data));
    PetscCall(Lloyd(&data, kind == BENCH_NOISE ? 0 : STEPS));
    if (run->rank == 0)
      PetscCall(Rows(run, &data, tokens, kind == BENCH_NOISE ? "ratio <= 0.32" : "ratio <= 0.18"));
    PetscCall(BenchMeet(run));
  }
  PetscCall(Empty(&data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kmeans = {
    .entry = {"kmeans", "passes of k-means with 32,000 centroids, one core"},
    .rows = rows,
    .together = true,
    .run = Run,
};
