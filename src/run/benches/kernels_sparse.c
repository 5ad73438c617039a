/* Kernels of sparse codes, and of atoms made of a few anchors each. */
#include "base/array.h"
#include "run/bench_kernel.h"

enum { N = 2048, FEW = 256, D = 768, M = 3840, K = 32 };
enum { ROWS = 512, ANCHORS = 1024, AT_ONCE = 16, PICKS_AT_ONCE = 64 };

typedef struct {
  const Kernels *kernels;
  float *D, *X, *value, *slope, *work; /* [M x D], [N x D], 2 of [N x K] */
  float *blocks, *part, *weight, *dot; /* [ANCHORS x DOT_BLOCK], [ROWS x it], 2 of [ROWS x K] */
  int64_t *start, *first;
  int32_t *index, *anchor, *row;
} Data;

#define EACH for (int64_t t = 0; t < FEW; t++)

BENCH_WORK(Decode, EACH k->decode(K, b->index + t * K, b->value + t * K, D, b->D, D, b->X + t * D))
BENCH_WORK(Blockdots,
           EACH k->blockdots(K, b->index + t * K, D, b->D, D, b->X + t * D, b->slope + t * K))
BENCH_WORK(Slopes, k->slopes(N, b->start, b->index, M, D, b->D, b->X, b->slope, b->work))
BENCH_WORK(AddPicks, for (int64_t j = 0; j < ROWS; j += AT_ONCE)
                         k->add_picks(AT_ONCE, b->first + j, b->anchor, b->weight, b->blocks,
                                      b->part + j * DOT_BLOCK))
BENCH_WORK(DotPicks, for (int64_t q = 0; q < ROWS * K; q += PICKS_AT_ONCE)
                         k->dot_picks(PICKS_AT_ONCE, b->anchor + q, b->row + q, b->blocks, b->part,
                                      b->dot + q))

/* blockdots reads rows at random; slopes goes over tokens by columns, so that rows stay near. */
static const BenchKernel list[] = {
    {"decode", "32 of 3840 x 768", NULL, Decode, NULL, FEW, 2.0 * K *D, LIMIT_FMA},
    {"blockdots", "32 of 3840 x 768", "us/token", Blockdots, NULL, FEW, 4.0 * K *D, LIMIT_READ},
    {"slopes", "2048 tokens, 32 of 3840 x 768", NULL, Slopes, NULL, N, 2.0 * K *D, LIMIT_FMA},
    {"add_picks", "16 rows, 32 of 1024 each", NULL, AddPicks, NULL, ROWS, 2.0 * K *DOT_BLOCK,
     LIMIT_FMA},
    {"dot_picks", "64 picks of 1024", NULL, DotPicks, NULL, ROWS, 2.0 * K *DOT_BLOCK, LIMIT_FMA},
    {NULL},
};

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels}, *b = &data;

  PetscFunctionBegin;
  PetscCall(BenchNumbers(M * D, &b->D));
  PetscCall(BenchNumbers(N * D, &b->X));
  PetscCall(BenchNumbers(N * K, &b->value));
  PetscCall(ArrayCreate(N * K, &b->slope));
  PetscCall(ArrayCreate(residuals_work(N, M), &b->work));
  PetscCall(BenchPicks(N, K, M, true, &b->start, &b->index));
  PetscCall(BenchNumbers(ANCHORS * DOT_BLOCK, &b->blocks));
  PetscCall(BenchNumbers(ROWS * DOT_BLOCK, &b->part));
  PetscCall(BenchNumbers(ROWS * K, &b->weight));
  PetscCall(ArrayCreate(ROWS * K, &b->dot));
  PetscCall(BenchPicks(ROWS, K, ANCHORS, true, &b->first, &b->anchor));
  PetscCall(ArrayCreate(ROWS * K, &b->row));
  for (int64_t q = 0; q < ROWS * K; q++) b->row[q] = (int32_t)(q / K);
  PetscCall(BenchKernelRows(run, b));
  void **arrays[] = {(void **)&b->D,      (void **)&b->X,      (void **)&b->value,
                     (void **)&b->slope,  (void **)&b->work,   (void **)&b->start,
                     (void **)&b->index,  (void **)&b->blocks, (void **)&b->part,
                     (void **)&b->weight, (void **)&b->dot,    (void **)&b->first,
                     (void **)&b->anchor, (void **)&b->row};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kernels_sparse = {
    .entry = {"kernels_sparse", "kernels of sparse codes and of atoms of a few anchors, one core"},
    .kernels = list,
    .run = Run,
};
