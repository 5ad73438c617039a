/* Kernels that go over rows number by number. */
#include "base/array.h"
#include "run/bench_kernel.h"

enum { FEW = 256, N = 1024, D = 768, M = 3840, BIG = 1 << 22 };

typedef struct {
  const Kernels *kernels;
  float *X, *Y, *Z, *G, *A, *big; /* [M x D], [M x D], 3 of [N x D], [4 x BIG] */
  float *shift, *gain, inverse[N];
  uint16_t *half;
  double sink;
} Data;

BENCH_WORK(AddScaled, for (int64_t t = 0; t < M; t++) k->add_scaled(D, -1, b->shift, b->X + t * D))
BENCH_WORK(Normalise, k->normalise(FEW, D, b->X, D, b->shift, b->gain))
BENCH_WORK(Tangent,
           for (int64_t j = 0; j < M; j++) b->sink += k->tangent(D, b->Y + j * D, b->X + j * D))
BENCH_WORK(Unit, for (int64_t j = 0; j < M; j++) b->sink += k->unit(D, b->X + j * D))
BENCH_WORK(LayerNorm, k->layer_norm(N, D, b->X, b->gain, b->shift, b->Z, b->inverse, b->A))
BENCH_WORK(LayerBack,
           k->layer_back(N, D, b->A, b->Z, b->inverse, b->gain, b->Y, b->G, b->Y + N * D))
BENCH_WORK(WidenHalf, k->widen_half(BIG, b->half, b->big))
BENCH_WORK(WidenBfloat, k->widen_bfloat(BIG, b->half, b->big))
BENCH_WORK(NarrowHalf, k->narrow_half(BIG, b->big, b->half))
BENCH_WORK(NarrowBfloat, k->narrow_bfloat(BIG, b->big, b->half))
BENCH_WORK(Adam, k->adam(BIG, b->big, b->big + BIG, b->big + 2 * BIG, b->big + 3 * BIG, 1, 1e-9f, 1,
                         0.9f, 0.999f, 1e-8f))

/* Stored numbers that are widened are those of a narrowing before. */
static PetscErrorCode FillBig(void *data)
{
  Data *b = data;
  for (int64_t i = 0; i < 4 * BIG; i++) b->big[i] = (float)(i % 997) * 1e-3f;
  return PETSC_SUCCESS;
}

BENCH_WORK(FillHalf, PetscCall(FillBig(b)); k->narrow_half(BIG, b->big, b->half))
BENCH_WORK(FillBfloat, PetscCall(FillBig(b)); k->narrow_bfloat(BIG, b->big, b->half))

/* Bytes of memory: all are read, and written where they change; layer_norm writes two arrays,
   layer_back reads three and writes three. */
static const BenchKernel list[] = {
    {"add_scaled", "3840 rows of 768", NULL, AddScaled, NULL, M, 8.0 * D, LIMIT_TRIAD},
    {"normalise", "256 x 768", NULL, Normalise, NULL, FEW, 8.0 * D, LIMIT_TRIAD},
    {"tangent", "3840 rows of 768", NULL, Tangent, NULL, M, 12.0 * D, LIMIT_TRIAD},
    {"unit", "3840 rows of 768", NULL, Unit, NULL, M, 8.0 * D, LIMIT_TRIAD},
    {"layer_norm", "1024 x 768", NULL, LayerNorm, NULL, N, 12.0 * D, LIMIT_TRIAD},
    {"layer_back", "1024 x 768", NULL, LayerBack, LayerNorm, N, 24.0 * D, LIMIT_TRIAD},
    {"widen_half", "4 M values", NULL, WidenHalf, FillHalf, BIG, 6, LIMIT_TRIAD},
    {"widen_bfloat", "4 M values", NULL, WidenBfloat, FillBfloat, BIG, 6, LIMIT_TRIAD},
    {"narrow_half", "4 M values", NULL, NarrowHalf, FillBig, BIG, 6, LIMIT_TRIAD},
    {"narrow_bfloat", "4 M values", NULL, NarrowBfloat, FillBig, BIG, 6, LIMIT_TRIAD},
    {"adam", "4 M parameters", NULL, Adam, FillBig, BIG, 28, LIMIT_TRIAD},
    {NULL},
};

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels}, *b = &data;

  PetscFunctionBegin;
  PetscCall(BenchNumbers(M * D, &b->X));
  PetscCall(BenchNumbers(M * D, &b->Y));
  PetscCall(ArrayCreate(N * D, &b->Z));
  PetscCall(ArrayCreate(N * D, &b->G));
  PetscCall(ArrayCreate(N * D, &b->A));
  PetscCall(ArrayCreate(4 * BIG, &b->big));
  PetscCall(ArrayCreate(BIG, &b->half));
  PetscCall(ArrayCreate(D, &b->shift));
  PetscCall(ArrayCreate(D, &b->gain));
  for (int i = 0; i < D; i++) b->shift[i] = (float)(i % 5 - 2) * 1e-3f, b->gain[i] = 1;
  PetscCall(BenchKernelRows(run, b));
  void **arrays[] = {(void **)&b->X,   (void **)&b->Y,    (void **)&b->Z,
                     (void **)&b->G,   (void **)&b->A,    (void **)&b->shift,
                     (void **)&b->big, (void **)&b->half, (void **)&b->gain};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kernels_rows = {
    .entry = {"kernels_rows", "kernels that go over rows number by number, one core"},
    .kernels = list,
    .run = Run,
};
