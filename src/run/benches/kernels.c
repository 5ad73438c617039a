/* Kernels of dense products, and of sums over a row. */
#include "base/array.h"
#include "run/bench_kernel.h"

enum { N = 256, D = 768, M = 3840, P = 1024 };

typedef struct {
  const Kernels *kernels;
  float *X, *E, *S, *Y; /* [N x D], [M x D], [N x M], [N x D] */
  int32_t index[N];
  double distance[N], sink, *work;
  Packed packed, columns;
  Nearest *centroids;
} Data;

#define EACH for (int64_t t = 0; t < N; t++)

BENCH_WORK(Pack, k->pack(M, D, b->E, D, &b->packed))
BENCH_WORK(PackColumns, k->pack_columns(P, D, b->E, D, NULL, &b->columns))
BENCH_WORK(Scores, k->scores(N, b->X, D, &b->packed, NULL, b->S, M))
BENCH_WORK(NearestOf, k->nearest(N, b->X, D, b->centroids, b->index, b->distance))
BENCH_WORK(Combine, k->combine(N, P, D, b->S, M, b->E, D, b->Y, D))
BENCH_WORK(Square64, EACH b->sink += k->square64(D, b->X + t * D))
BENCH_WORK(Dot64, EACH b->sink += k->dot64(D, b->X + t * D, b->E + t * D))
BENCH_WORK(Distance64, EACH b->sink += k->distance64(D, b->X + t * D, b->E + t * D))
BENCH_WORK(Sum64, EACH b->sink += k->sum64(D, b->X + t * D))
BENCH_WORK(Distances64, k->distances64(N, D, b->X, D, b->E, D, NULL, b->distance))
BENCH_WORK(SumProducts, k->pack_columns(N, D, b->X, D, NULL, &b->columns);
           k->sum_products(&b->columns, 0, D, &b->columns, D, b->work, D))

/* Packing reads and writes each number. sum64 has additions alone, which the peak counts as half of
   what it does. */
static const BenchKernel list[] = {
    {"scores", "256 x 768 x 3840", NULL, Scores, Pack, N, 2.0 * D *M, LIMIT_FMA},
    {"nearest", "256 x 768 x 3840", NULL, NearestOf, NULL, N, 2.0 * D *M, LIMIT_FMA},
    {"combine", "256 x 1024 x 768", NULL, Combine, NULL, N, 2.0 * P *D, LIMIT_FMA},
    {"pack", "3840 x 768", NULL, Pack, NULL, 1, 8.0 * M *D, LIMIT_TRIAD},
    {"pack_columns", "1024 x 768", NULL, PackColumns, NULL, 1, 8.0 * P *D, LIMIT_TRIAD},
    {"sum_products", "256 x 768 x 768", NULL, SumProducts, NULL, N, 2.0 * D *D, LIMIT_FMA},
    {"square64", "768, in cache", NULL, Square64, NULL, N, 4.0 * D, LIMIT_FMA},
    {"dot64", "768, in cache", NULL, Dot64, NULL, N, 4.0 * D, LIMIT_FMA},
    {"distance64", "768, in cache", NULL, Distance64, NULL, N, 6.0 * D, LIMIT_FMA},
    {"sum64", "768, in cache", NULL, Sum64, NULL, N, 2.0 * D, LIMIT_FMA},
    {"distances64", "256 pairs of 768", NULL, Distances64, NULL, N, 6.0 * D, LIMIT_FMA},
    {NULL},
};

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels}, *b = &data;

  PetscFunctionBegin;
  PetscCall(BenchNumbers(N * D, &b->X));
  PetscCall(BenchNumbers(M * D, &b->E));
  PetscCall(BenchNumbers(N * M, &b->S));
  PetscCall(ArrayCreate(N * D, &b->Y));
  PetscCall(ArrayCreate(D * D, &b->work));
  PetscCall(NearestCreate(b->kernels, M, D, b->E, &b->centroids));
  PetscCall(BenchKernelRows(run, b));
  PetscCall(NearestDestroy(&b->centroids));
  packed_clear(&b->packed);
  packed_clear(&b->columns);
  void **arrays[] = {(void **)&b->X, (void **)&b->E, (void **)&b->S, (void **)&b->Y,
                     (void **)&b->work};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kernels = {
    .entry = {"kernels", "kernels of dense products and of sums over a row, one core"},
    .kernels = list,
    .run = Run,
};
