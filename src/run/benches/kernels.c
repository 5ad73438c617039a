/* Every kernel of the table, one core. */
#include "base/array.h"
#include "base/random.h"
#include "run/bench.h"
#include <stdlib.h>
#include <string.h>

enum { N = 256, D = 768, M = 3840, K = 32, P = 1024, BIG = 1 << 22 };
enum { ATOMS = 64, SIDE = ATOMS + 8, SET = 16 }; /* of small systems */

/* All that the rows work on. */
typedef struct {
  const Kernels *kernels;
  float *X, *E, *S, *C, *Y, *big;
  uint16_t *half;
  int32_t *index;
  float *value;
  double *distance, sink;
  Packed packed, columns;
  Nearest *centroids;
  double *Q, *work, *right; /* [ATOMS + 1 x SIDE], scratch, [N x SET] */
  float *Q32, *inverse, *work32;
  int64_t start[N + 1];
  bool solved[N];
} Data;

#define KERNEL(name, ...)                                                                          \
  static PetscErrorCode name(void *context)                                                        \
  {                                                                                                \
    Data *b = context;                                                                             \
    const Kernels *k = b->kernels;                                                                 \
    PetscFunctionBegin;                                                                            \
    __VA_ARGS__;                                                                                   \
    PetscFunctionReturn(PETSC_SUCCESS);                                                            \
  }
#define EACH for (int64_t t = 0; t < N; t++)

KERNEL(Pack, k->pack(M, D, b->E, D, &b->packed))
KERNEL(Scores, k->scores(N, b->X, D, &b->packed, NULL, b->S, M))
KERNEL(NearestOf, k->nearest(N, b->X, D, b->centroids, b->index, b->distance))
KERNEL(Combine, k->combine(N, P, D, b->S, M, b->C, D, b->Y, D))
KERNEL(SelectTop, EACH k->select_top(M, b->S + t * M, K, NULL, b->index, b->value))
KERNEL(SelectPositive, EACH k->select_positive(M, b->S + t * M, b->index, b->value))
KERNEL(Decode, EACH k->decode(K, b->index + t * K, b->value + t * K, D, b->E, D, b->Y + t * D))
KERNEL(Square64, EACH b->sink += k->square64(D, b->X + t * D))
KERNEL(Distance64, EACH b->sink += k->distance64(D, b->X + t * D, b->E + t * D))
KERNEL(Distances64, k->distances64(N, D, b->X, D, b->E, D, NULL, b->distance))
KERNEL(Exp64, for (int i = 0; i < 64; i++) k->exp64(N, b->right, b->distance))
KERNEL(SumProducts, k->pack_columns(N, D, b->X, D, NULL, &b->columns);
       k->sum_products(&b->columns, 0, D, &b->columns, D, b->work, D))
KERNEL(SolveSets,
       k->solve_sets(N, b->start, b->index, ATOMS, b->Q, SIDE, b->right, NULL, b->solved, b->work))
KERNEL(Descend,
       k->descend(N, &(Descent){.m = ATOMS, .ld = ATOMS, .K = b->Q32, .inverse = b->inverse}, 6,
                  b->S, b->Y, b->work32))
KERNEL(Normalise, k->normalise(N, D, b->Y, D, b->C, b->C + D))
KERNEL(WidenHalf, k->widen_half(BIG, b->half, b->big))
KERNEL(NarrowHalf, k->narrow_half(BIG, b->big, b->half))
KERNEL(Adam, k->adam(BIG, b->big, b->big + BIG, b->big + 2 * BIG, b->big + 3 * BIG, 1, 1e-9f, 1,
                     0.9f, 0.999f, 1e-8f))

/* Before a row: what the last one changed. */
static void spread_indices(Data *b)
{
  for (int64_t q = 0; q < N * K; q++)
    b->index[q] = (int32_t)(q % K * (M / K) + q / K * 13 % (M / K));
}

/* Systems of SET atoms of a matrix that has a strong diagonal. */
static void make_systems(Data *b)
{
  memset(b->Q, 0, (ATOMS + 1) * SIDE * sizeof(*b->Q));
  for (int i = 0; i < ATOMS; i++)
    for (int j = 0; j < ATOMS; j++) {
      b->Q[i * SIDE + j] = i == j ? 2 : 1.0 / (2 + abs(i - j));
      b->Q32[i * ATOMS + j] = (float)b->Q[i * SIDE + j];
      b->inverse[i] = 0.5f;
    }
  for (int s = 0; s <= N; s++) b->start[s] = (int64_t)s * SET;
  for (int q = 0; q < N * SET; q++) {
    b->index[q] = (q % SET * 4 + q / SET % 4) % ATOMS;
    b->right[q] = (double)(q % 7) - 3;
  }
}

static PetscErrorCode Prepare(Data *b, PetscErrorCode (*work)(void *))
{
  PetscFunctionBegin;
  if (work == Decode) spread_indices(b);
  if (work == SolveSets || work == Descend || work == Exp64) make_systems(b);
  if (work == SelectTop || work == SelectPositive || work == Combine) PetscCall(Scores(b));
  if (work == Normalise) {
    memset(b->Y, 0, N * D * sizeof(*b->Y));
    for (int i = 0; i < D; i++) b->C[i] = 0, b->C[D + i] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One row: what is run, for how many units, the operations (or bytes) of a unit. */
static const struct {
  const char *row, *size, *unit; /* unit NULL: a rate in the limit's own */
  PetscErrorCode (*work)(void *);
  double units, each;
  Limit limit;
  const char *goal;
} list[] = {
    {"scores", "256 x 768 x 3840", NULL, Scores, N, 2.0 * D *M, LIMIT_FMA, NULL},
    {"nearest", "256 x 768 x 3840", NULL, NearestOf, N, 2.0 * D *M, LIMIT_FMA, NULL},
    {"combine", "256 x 1024 x 768", NULL, Combine, N, 2.0 * P *D, LIMIT_FMA, NULL},
    {"pack", "3840 x 768", NULL, Pack, 1, 8.0 * M *D, LIMIT_TRIAD, NULL},
    {"select_top", "32 of 3840, cold", "us/token", SelectTop, N, 4.0 * M, LIMIT_READ, NULL},
    {"select_positive", "of 3840, half", "us/token", SelectPositive, N, 4.0 * M, LIMIT_READ, NULL},
    {"decode", "32 x 768", NULL, Decode, N, 2.0 * K *D, LIMIT_FMA, NULL},
    {"square64", "768, in cache", NULL, Square64, N, 2.0 * D, LIMIT_FMA, NULL},
    {"distance64", "768, in cache", NULL, Distance64, N, 3.0 * D, LIMIT_FMA, NULL},
    {"distances64", "256 pairs of 768", NULL, Distances64, N, 6.0 * D, LIMIT_FMA, NULL},
    {"exp64", "256, in cache", NULL, Exp64, 64 * N, 2.0 * 34, LIMIT_FMA, NULL},
    {"sum_products", "256 x 768 x 768", NULL, SumProducts, N, 2.0 * D *D, LIMIT_FMA, NULL},
    {"solve_sets", "256 of 16 of 64 atoms", NULL, SolveSets, N,
     2.0 * (SET * SET * SET / 3.0 + 2.0 * SET * SET), LIMIT_FMA, NULL},
    {"descend", "6 sweeps over 64 atoms", NULL, Descend, N, 6 * 2.0 * ATOMS *ATOMS, LIMIT_FMA,
     NULL},
    {"normalise", "256 x 768", NULL, Normalise, N, 8.0 * D, LIMIT_TRIAD, NULL},
    {"widen_half", "4 M values", NULL, WidenHalf, BIG, 6, LIMIT_TRIAD, NULL},
    {"narrow_half", "4 M values", NULL, NarrowHalf, BIG, 6, LIMIT_TRIAD, NULL},
    {"adam", "4 M parameters", NULL, Adam, BIG, 28, LIMIT_TRIAD, NULL},
};
enum { ROWS = sizeof(list) / sizeof(*list) };

static const char *const rows[] = {"scores",     "nearest",         "combine",    "pack",
                                   "select_top", "select_positive", "decode",     "square64",
                                   "distance64", "normalise",       "widen_half", "narrow_half",
                                   "adam",       "distances64",     "exp64",      "sum_products",
                                   "solve_sets", "descend",         NULL};

static PetscErrorCode Fill(Data *b)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(N * D, &b->X));
  PetscCall(ArrayCreate(M * D, &b->E));
  PetscCall(ArrayCreate(N * M, &b->S));
  PetscCall(ArrayCreate(P * D, &b->C));
  PetscCall(ArrayCreate(N * D, &b->Y));
  PetscCall(ArrayCreate(4 * BIG, &b->big));
  PetscCall(ArrayCreate(BIG, &b->half));
  PetscCall(ArrayCreate(N * M, &b->index));
  PetscCall(ArrayCreate(N * M, &b->value));
  PetscCall(ArrayCreate(N, &b->distance));
  PetscCall(ArrayCreate((ATOMS + 1) * SIDE, &b->Q));
  PetscCall(ArrayCreate(max_i64(D * D, solve_sets_work(ATOMS)), &b->work));
  PetscCall(ArrayCreate(N * SET, &b->right));
  PetscCall(ArrayCreate(ATOMS * ATOMS, &b->Q32));
  PetscCall(ArrayCreate(ATOMS, &b->inverse));
  PetscCall(ArrayCreate(descend_work(ATOMS), &b->work32));
  for (int64_t i = 0; i < M * D; i++)
    b->E[i] = (float)(random_uniform(1, RANDOM_SAMPLE, (uint64_t)i) - 0.5);
  for (int64_t i = 0; i < N * D; i++)
    b->X[i] = (float)(random_uniform(2, RANDOM_SAMPLE, (uint64_t)i) - 0.5);
  for (int64_t i = 0; i < P * D; i++) b->C[i] = b->E[i];
  for (int64_t i = 0; i < 4 * BIG; i++) b->big[i] = (float)(i % 997) * 1e-3f;
  b->kernels->pack(M, D, b->E, D, &b->packed);
  PetscCall(NearestCreate(b->kernels, M, D, b->E, &b->centroids));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Empty(Data *b)
{
  void **arrays[] = {(void **)&b->X,       (void **)&b->E,     (void **)&b->S,
                     (void **)&b->C,       (void **)&b->Y,     (void **)&b->big,
                     (void **)&b->half,    (void **)&b->index, (void **)&b->value,
                     (void **)&b->distance};

  PetscFunctionBegin;
  PetscCall(NearestDestroy(&b->centroids));
  packed_clear(&b->packed);
  packed_clear(&b->columns);
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels};
  BenchTiming timing;

  PetscFunctionBegin;
  PetscCall(Fill(&data));
  for (int i = 0; i < ROWS; i++) {
    if (!bench_wants(run, list[i].row)) continue;
    const BenchWork work = {.work = list[i].work, .context = &data, .limit = list[i].limit};
    BenchFigure figure = {.row = list[i].row, .size = list[i].size, .goal = list[i].goal};
    PetscCall(Prepare(&data, list[i].work));
    PetscCall(BenchTime(run, &work, &timing));
    const double all = list[i].each * list[i].units;
    if (list[i].unit)
      bench_cost(&figure, list[i].limit, &timing, all, list[i].units, list[i].unit);
    else
      bench_rate(&figure, list[i].limit, &timing, all);
    PetscCall(BenchRow(run, &figure));
  }
  PetscCall(Empty(&data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kernels = {
    .entry = {"kernels", "every kernel of the table, one core"},
    .rows = rows,
    .run = Run,
};
