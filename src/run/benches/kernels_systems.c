/* Kernels of small systems and of trees, as methods have them. */
#include "base/array.h"
#include "learn/classical.h"
#include "run/bench_kernel.h"
#include <stdlib.h>

enum { N = 256, ATOMS = 64, SIDE = ATOMS + 8, SET = 16, COLUMNS = CLASSICAL_COLUMNS };
enum { D = 768, TREES = 100, FORKS = TREES * 64 }; /* isolation_forest's of samples of 256 */

typedef struct {
  const Kernels *kernels;
  double *Q, *work, *right, *each, *part; /* [ATOMS + 1 x SIDE], scratch, [N x SET] */
  float *Q32, *inverse, *work32, *S, *Z, *X;
  int64_t start[N + 1];
  int32_t index[N * SET];
  bool solved[N];
  Packed packed;
  Forest *forest;
} Data;

BENCH_WORK(Exp64, for (int i = 0; i < 64; i++) k->exp64(N, b->right, b->each))
BENCH_WORK(SolveSets, k->solve_sets(N, b->start, b->index, ATOMS, b->Q, SIDE, b->right, NULL,
                                    b->solved, b->work))
BENCH_WORK(Descend,
           k->descend(N, &(Descent){.m = ATOMS, .ld = ATOMS, .K = b->Q32, .inverse = b->inverse}, 6,
                      b->S, b->Z, b->work32))
BENCH_WORK(Subtract64, for (int64_t j = 0; j < ATOMS; j++)
                           k->subtract64(1, ATOMS, COLUMNS, b->Q + j * SIDE, SIDE, b->work, COLUMNS,
                                         NULL, b->part, COLUMNS))
BENCH_WORK(
    Walk, for (int64_t t = 0; t + PACKED_ROWS <= N; t += PACKED_ROWS) {
      k->pack(PACKED_ROWS, D, b->X + t * D, D, &b->packed);
      k->walk(b->forest, &b->packed, b->each);
    })

/* Systems of SET atoms of a matrix that has a strong diagonal. */
static PetscErrorCode MakeSystems(void *data)
{
  Data *b = data;
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
  for (int i = 0; i < ATOMS * COLUMNS; i++) b->work[i] = (double)(i % 7) - 3;
  return PETSC_SUCCESS;
}

enum { TOKENS = N / PACKED_ROWS * PACKED_ROWS };
/* solve_sets: a factor and two triangles; subtract64: a product, then a difference. walk: of a fork
   that a token passes 20 bytes, the fork's and the number's, as if they came from memory. */
static const BenchKernel list[] = {
    {"exp64", "256, in cache", NULL, Exp64, MakeSystems, 64 * N, 2.0 * 34, LIMIT_FMA},
    {"solve_sets", "256 of 16 of 64 atoms", NULL, SolveSets, MakeSystems, N,
     2.0 * (SET * SET * SET / 3.0 + 2.0 * SET * SET), LIMIT_FMA},
    {"descend", "6 sweeps over 64 atoms", NULL, Descend, MakeSystems, N, 6 * 2.0 * ATOMS *ATOMS,
     LIMIT_FMA},
    {"subtract64", "64 rows of 64 atoms, as nmf", NULL, Subtract64, MakeSystems, ATOMS,
     4.0 * ATOMS *COLUMNS, LIMIT_FMA},
    {"walk", "100 trees of 8 levels", "us/token", Walk, NULL, TOKENS, 20.0 * TREES *BENCH_LEVELS,
     LIMIT_READ},
    {NULL},
};

static PetscErrorCode Run(BenchRun *run)
{
  Data data = {.kernels = run->kernels}, *b = &data;

  PetscFunctionBegin;
  PetscCall(ArrayCreate((ATOMS + 1) * SIDE, &b->Q));
  PetscCall(ArrayCreate(max_i64(ATOMS * COLUMNS, solve_sets_work(ATOMS)), &b->work));
  PetscCall(ArrayCreate(N * SET, &b->right));
  PetscCall(ArrayCreate(N, &b->each));
  PetscCall(ArrayCreate(COLUMNS, &b->part));
  PetscCall(ArrayCreate(ATOMS * ATOMS, &b->Q32));
  PetscCall(ArrayCreate(ATOMS, &b->inverse));
  PetscCall(ArrayCreate(descend_work(ATOMS), &b->work32));
  PetscCall(BenchNumbers(N * ATOMS, &b->S));
  PetscCall(ArrayCreate(N * ATOMS, &b->Z));
  PetscCall(BenchNumbers(N * D, &b->X));
  PetscCall(BenchForest(TREES, FORKS, D, &b->forest));
  PetscCall(BenchKernelRows(run, b));
  PetscCall(ForestDestroy(&b->forest));
  packed_clear(&b->packed);
  void **arrays[] = {(void **)&b->Q,       (void **)&b->work, (void **)&b->right,
                     (void **)&b->each,    (void **)&b->part, (void **)&b->Q32,
                     (void **)&b->inverse, (void **)&b->S,    (void **)&b->work32,
                     (void **)&b->Z,       (void **)&b->X};
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Bench bench_kernels_systems = {
    .entry = {"kernels_systems", "kernels of small systems and of trees, one core"},
    .kernels = list,
    .run = Run,
};
