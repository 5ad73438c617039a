/* Kernels of pursuit: from pick to pick, the products of what was picked, and the way back. */
#include "base/array.h"
#include "run/bench_kernel.h"

enum { N = 2048, D = 768, M = 2048, K = 32, BLOCK = 32, ROOM = 32 };
enum { SETS = 64, SYSTEMS = 4, TURNS = 10, ROWS = 256 };

typedef struct {
  const Kernels *kernels;
  float *X, *D, *E, *U, *S;                /* [N x D], [M x D], 2 of [N x D], [ROWS x M] */
  float *c, *a, *GU, *GV, *work;           /* 2 of [N x K], 2 of [M x D] */
  int16_t *gram, *near;                    /* [M x M], [BLOCK x M] */
  double *Q, *right, *slope, *z, *scratch; /* [SYSTEMS x K x K], … */
  double square[BLOCK];
  int64_t *start, turn, found;
  int32_t *pick, index[ROOM];
  float largest;
} Data;

#define ROW for (int64_t t = 0; t < ROWS; t++)

BENCH_WORK(LargestSize, ROW b->largest += k->largest_size(M, b->S + t * M))
BENCH_WORK(Round16, ROW k->round16(M, 24000, b->S + t * M, b->near + t % BLOCK * M))
/* What is taken off is added again in the next call, so that numbers stay what they were. */
BENCH_WORK(LessLeading, const int16_t c = b->turn++ % 2 ? -3000 : 3000;
           ROW b->found += k->less_leading(M, c, b->gram + (int64_t)b->pick[t] * M,
                                           b->near + t % BLOCK * M, 8, ROOM, b->index))
BENCH_WORK(LessRows, const float *a = b->turn++ % 2 ? b->c : b->a;
           for (int64_t i = 0; i < K; i++)
               k->less_rows(BLOCK, K, b->pick + i, a + i, D, b->D, D, b->E, b->square))
BENCH_WORK(Products64,
           for (int64_t t = 0; t < SETS; t++)
               k->products64(K, b->pick + t * K, D, b->D, D, b->X + t * D, K, b->pick + (t + 1) * K,
                             b->Q + t % SYSTEMS * K * K, b->right + t % SYSTEMS * K, b->scratch))
BENCH_WORK(Refine64, const int64_t p[SYSTEMS] = {K, K, K, K};
           for (int s = 0; s < SETS; s++)
               k->refine64(SYSTEMS, TURNS, p, K, b->Q, b->right, b->slope, b->z))
BENCH_WORK(UnrollSlopes, k->unroll_slopes(N, b->start, b->pick, D, b->D, b->X, b->E, b->U))
BENCH_WORK(UnrollSums,
           k->unroll_sums(&(Unroll){N, M, D, 0, M, b->start, b->pick, b->c, b->a, b->D, b->X, -1},
                          b->GU, b->GV, b->work))

/* Numbers of 16 bits as scores of a token and products of atoms are. */
static PetscErrorCode FillNear(void *data)
{
  Data *b = data;
  for (int64_t i = 0; i < BLOCK * M; i++) b->near[i] = (int16_t)(24000 * b->S[i]);
  for (int64_t i = 0; i < (int64_t)M * M; i++) b->gram[i] = (int16_t)(i % 4099 - 2049);
  b->turn = 0;
  return PETSC_SUCCESS;
}

static PetscErrorCode FillTokens(void *data)
{
  Data *b = data;
  for (int64_t i = 0; i < BLOCK * D; i++) b->E[i] = b->X[i];
  b->turn = 0;
  return PETSC_SUCCESS;
}

/* largest_size and round16 read scores from memory, less_leading a row of products: the numbers of
   16 bits, and the tokens of less_rows, stay near. products64: one half of Q, and b.
   refine64: a product, then a sum. unroll_slopes reads each pick's row; unroll_sums: four
   updates, of U, V and two sums. */
static const BenchKernel list[] = {
    {"largest_size", "2048, cold", "us/token", LargestSize, NULL, ROWS, 4.0 * M, LIMIT_READ},
    {"round16", "2048, cold", "us/token", Round16, NULL, ROWS, 4.0 * M, LIMIT_READ},
    {"less_leading", "2048, a row of 2048", "us/token", LessLeading, FillNear, ROWS, 2.0 * M,
     LIMIT_READ},
    {"less_rows", "32 tokens, rows of 2048 x 768", "us/token", LessRows, FillTokens, BLOCK *K,
     4.0 * D, LIMIT_READ},
    {"products64", "32 of 2048 x 768", "us/token", Products64, NULL, SETS,
     4.0 * D *(K *(K + 1) / 2.0 + K), LIMIT_FMA},
    {"refine64", "4 systems of 32, 10 steps", "us/token", Refine64, Products64, SETS *SYSTEMS,
     4.0 * K *K *TURNS, LIMIT_FMA},
    {"unroll_slopes", "2048 tokens, 32 of 2048 x 768", "us/token", UnrollSlopes, NULL, N,
     4.0 * K *D, LIMIT_READ},
    {"unroll_sums", "2048 tokens, 32 of 2048 x 768", "us/token", UnrollSums, NULL, N, 8.0 * K *D,
     LIMIT_FMA},
    {NULL},
};

static PetscErrorCode Fill(Data *b)
{
  PetscFunctionBegin;
  PetscCall(BenchNumbers(N * D, &b->X));
  PetscCall(BenchNumbers(M * D, &b->D));
  for (int64_t j = 0; j < M; j++) b->kernels->unit(D, b->D + j * D);
  PetscCall(ArrayCreate(N * D, &b->E));
  PetscCall(ArrayCreate(N * D, &b->U));
  PetscCall(BenchNumbers(ROWS * M, &b->S));
  PetscCall(BenchNumbers(N * K, &b->c));
  PetscCall(ArrayCreate(N * K, &b->a));
  for (int64_t q = 0; q < N * K; q++) b->a[q] = -b->c[q];
  PetscCall(ArrayCreate(M * D, &b->GU));
  PetscCall(ArrayCreate(M * D, &b->GV));
  PetscCall(ArrayCreate(unroll_work(N, M, M), &b->work));
  PetscCall(ArrayCreate((int64_t)M * M, &b->gram));
  PetscCall(ArrayCreate(BLOCK * M, &b->near));
  PetscCall(ArrayCreate(SYSTEMS * K * K, &b->Q));
  PetscCall(ArrayCreate(SYSTEMS * K, &b->right));
  PetscCall(ArrayCreate(K, &b->slope));
  PetscCall(ArrayCreate(SYSTEMS * K, &b->z));
  PetscCall(ArrayCreate(products64_work(K, D), &b->scratch));
  PetscCall(BenchPicks(N, K, M, false, &b->start, &b->pick));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels}, *b = &data;

  PetscFunctionBegin;
  PetscCall(Fill(b));
  PetscCall(BenchKernelRows(run, b));
  void **arrays[] = {
      (void **)&b->X,     (void **)&b->D,     (void **)&b->E,     (void **)&b->U,
      (void **)&b->S,     (void **)&b->c,     (void **)&b->a,     (void **)&b->GU,
      (void **)&b->GV,    (void **)&b->work,  (void **)&b->gram,  (void **)&b->near,
      (void **)&b->Q,     (void **)&b->right, (void **)&b->slope, (void **)&b->scratch,
      (void **)&b->start, (void **)&b->pick,  (void **)&b->z};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kernels_pursuit = {
    .entry = {"kernels_pursuit", "kernels of pursuit and of the way back through picks, one core"},
    .kernels = list,
    .run = Run,
};
