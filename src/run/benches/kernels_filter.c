/* Kernels of encoding: scores in integers, what they leave, and choosing the largest. */
#include "base/array.h"
#include "learn/rounded.h"
#include "run/bench_kernel.h"
#include <math.h>

enum { N = 256, D = 768, M = 3840, K = 32, ROOM = K + K / 2 + 64, LEFT = 40 };

typedef struct {
  const Kernels *kernels;
  float *X, *E, *S, *value, *slack, *zero; /* [N x D], [M x D], [N x M], [N x M], [M], [M] */
  float *score;                            /* [N x LEFT] */
  Quantised tokens, rows;
  Rounded rounded; /* E */
  Packed packed;
  int64_t *start, found[N];
  int32_t *pick, *index; /* [N x LEFT]; [M] */
} Data;

#define EACH for (int64_t t = 0; t < N; t++)

BENCH_WORK(Quantise, k->quantise(M, D, b->E, D, &b->rows))
BENCH_WORK(Filter,
           k->filter(&b->tokens, &b->rounded.pairs, b->rounded.scale, b->zero, b->slack, b->S, M))
BENCH_WORK(Candidates, EACH b->found[t] = k->candidates(M, b->S + t * M, b->slack,
                                                        b->tokens.norm[t], K, ROOM, b->index))
BENCH_WORK(Chains, k->chains(N, b->start, b->pick, D, b->E, D, b->X, D, NULL, 0, b->score))
BENCH_WORK(SelectTop, EACH k->select_top(M, b->S + t * M, K, NULL, b->index, b->value))
BENCH_WORK(SelectPositive, EACH k->select_positive(M, b->S + t * M, b->index, b->value))
BENCH_WORK(SelectNear, EACH k->select_near(M, b->S + t * M, b->slack, 0.01, false, b->index,
                                           b->value, b->value + M))
BENCH_WORK(Scores, k->scores(N, b->X, D, &b->packed, NULL, b->S, M))

/* What encoders know of how far bounds are from scores, without what only zeros need. */
static PetscErrorCode MakeBounds(void *data)
{
  Data *b = data;
  float rest = 0;

  PetscFunctionBegin;
  EACH rest = fmaxf(rest, b->tokens.rest[t] / b->tokens.norm[t]);
  for (int64_t j = 0; j < M; j++)
    b->slack[j] = 1.001f * (b->rounded.rest[j] + (rest + (float)D * 0x1p-24f) * b->rounded.norm[j]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLows(void *data)
{
  PetscFunctionBegin;
  PetscCall(MakeBounds(data));
  PetscCall(Filter(data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 2.4 deviations of a score: one in a hundred is above. */
static PetscErrorCode MakeThresholds(void *data)
{
  Data *b = data;

  PetscFunctionBegin;
  PetscCall(Scores(b));
  for (int64_t j = 0; j < M; j++) b->slack[j] = 2.4f * (float)sqrt(D / 144.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rounding reads float32 and writes 16 bits. Chains read rows at random. Choosing reads each score
   of a token once, from memory: they are more than the second cache holds. */
static const BenchKernel list[] = {
    {"quantise", "3840 x 768", NULL, Quantise, NULL, M, 6.0 * D, LIMIT_TRIAD},
    {"filter", "256 x 768 x 3840", NULL, Filter, MakeBounds, N, 2.0 * D *M, LIMIT_INT16},
    {"candidates", "32 of 3840, cold", "us/token", Candidates, MakeLows, N, 4.0 * M, LIMIT_READ},
    {"chains", "40 of 3840 x 768", "us/token", Chains, NULL, N, 4.0 * LEFT *D, LIMIT_READ},
    {"select_top", "32 of 3840, cold", "us/token", SelectTop, Scores, N, 4.0 * M, LIMIT_READ},
    {"select_positive", "of 3840, half", "us/token", SelectPositive, Scores, N, 4.0 * M,
     LIMIT_READ},
    {"select_near", "of 3840, cold", "us/token", SelectNear, MakeThresholds, N, 4.0 * M,
     LIMIT_READ},
    {NULL},
};

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels}, *b = &data;

  PetscFunctionBegin;
  PetscCall(BenchNumbers((M + N) * D, &b->E));
  b->X = b->E + M * D;
  PetscCall(ArrayCreate(N * M, &b->S));
  PetscCall(ArrayCreate(2 * M, &b->value));
  PetscCall(ArrayCreate(M, &b->index));
  PetscCall(ArrayCreate(M, &b->slack));
  PetscCall(ArrayCreate(M, &b->zero));
  PetscCall(ArrayCreate(N * LEFT, &b->score));
  PetscCall(BenchPicks(N, LEFT, M, true, &b->start, &b->pick));
  PetscCall(RoundedCreate(NULL, M, D, &b->rounded));
  rounded_renew(b->kernels, 0, M, b->E, &b->rounded);
  b->kernels->quantise(N, D, b->X, D, &b->tokens);
  b->kernels->pack(M, D, b->E, D, &b->packed);
  PetscCall(BenchKernelRows(run, b));
  PetscCall(RoundedDestroy(NULL, &b->rounded));
  quantised_clear(&b->tokens);
  quantised_clear(&b->rows);
  packed_clear(&b->packed);
  void **arrays[] = {(void **)&b->E,     (void **)&b->S,     (void **)&b->value,
                     (void **)&b->index, (void **)&b->slack, (void **)&b->zero,
                     (void **)&b->score, (void **)&b->start, (void **)&b->pick};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kernels_filter = {
    .entry = {"kernels_filter", "kernels of encoding and of choosing the largest, one core"},
    .kernels = list,
    .run = Run,
};
