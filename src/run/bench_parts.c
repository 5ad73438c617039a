/* Kernels at the sizes of methods, for a leaf of 1,024 tokens: where methods take some tokens at a
   time, the same ones are taken again and again, so that they come from a cache; before each round
   there is one that is not timed. */
#include "run/bench_parts.h"
#include "base/array.h"
#include "base/random.h"
#include "learn/classical.h"
#include "run/bench_kernel.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1024, SOME = 256, FEW = 128, MOST = 64, SWEEPS = 6, TREES = 100 };

/* What a kernel works on: a and b are the sizes of the part. */
typedef struct {
  const Kernels *kernels;
  const Task *task;
  int64_t a, b, leaf;                    /* leaf: tokens that were read so far */
  float *X, *E, *S, *Y, *work32, *value; /* [N x b], [a x b], [N x a], [FEW x b] */
  double *A, *B, *C, *work, *each;       /* [a x a], [a x b], [a x b] */
  int64_t start[SOME + 1];
  int32_t *index; /* [SOME x a] */
  double *right;  /* [SOME x a] */
  bool solved[SOME];
  Packed packed, columns;
  Forest *forest; /* TREES of BENCH_LEVELS levels, of a forks in all */
} Data;

#define KERNEL(name, ...)                                                                          \
  static PetscErrorCode name(void *context)                                                        \
  {                                                                                                \
    Data *w = context;                                                                             \
    const Kernels *k = w->kernels;                                                                 \
    const int64_t a = w->a, b = w->b;                                                              \
    PetscFunctionBegin;                                                                            \
    (void)a, (void)b;                                                                              \
    __VA_ARGS__;                                                                                   \
    PetscFunctionReturn(PETSC_SUCCESS);                                                            \
  }
#define EACH(by) for (int64_t t = 0; t < N; t += by)

KERNEL(Scores, EACH(SOME) k->scores(SOME, w->X, b, &w->packed, NULL, w->S + t * a, a))
KERNEL(Combine, EACH(FEW) k->combine(FEW, a, b, w->S + t * a, a, w->E, b, w->Y, b))
KERNEL(Distances, EACH(FEW) k->distances64(FEW, b, w->X, b, w->Y, b, NULL, w->each))
KERNEL(Squares, EACH(1) w->each[0] += k->square64(b, w->X + t % FEW * b))
KERNEL(SumProducts, k->pack_columns(N, b, w->X, b, NULL, &w->columns);
       if (a != b) k->pack_columns(N, a, w->S, a, NULL, &w->packed);
       k->sum_products(a == b ? &w->columns : &w->packed, 0, a, &w->columns, b, w->B, b))
KERNEL(Descend,
       EACH(SOME) k->descend(SOME, &(Descent){.m = a, .ld = a, .K = w->Y, .inverse = w->value},
                             SWEEPS, w->S + t * a, w->X + t * a, w->work32))
KERNEL(SolveSets,
       k->solve_sets(SOME, w->start, w->index, b, w->A, b + 8, w->right, NULL, w->solved, w->work))
KERNEL(Subtract, k->subtract64(a, a, b, w->A, a, w->B, b, NULL, w->C, b))
KERNEL(SubtractRow, EACH(1) k->subtract64(1, a, b, w->right, a, w->A, b + 8, w->index, w->each, b))
KERNEL(Exp, EACH(1) k->exp64(a, w->right, w->each))
KERNEL(
    Walk, for (int64_t t = 0; t < N; t += PACKED_ROWS) {
      k->pack(min_i64(PACKED_ROWS, N - t), b, w->X + t % SOME * b, b, &w->packed);
      k->walk(w->forest, &w->packed, w->each);
    })
KERNEL(SelectTop, EACH(1) k->select_top(a, w->S + t * a, b, NULL, w->index, w->value))

/* The next leaf, as it is asked for by a method. */
static PetscErrorCode ReadTokens(void *context)
{
  Data *w = context;
  Reader *reader = w->task->reader;
  const int64_t rows = w->a > 0 ? w->a : N, n = split_count(w->task->view.split, false);
  const float *X;

  PetscFunctionBegin;
  for (int64_t t = 0; t < N; t += rows, w->leaf += rows) {
    const Stretch now = {.shuffled = w->a > 0, .first = w->leaf % (n - rows), .count = rows};
    Stretch then = now;
    then.first = (w->leaf + rows) % (n - rows);
    PetscCall(ReaderAsk(reader, &now, &then));
    PetscCall(ReaderRows(reader, 0, rows, &X));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LessShift(void *context)
{
  const Data *w = context;

  PetscFunctionBegin;
  EACH(FEW) less_shift(FEW, w->b, w->X, w->E, w->Y);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Operations, or bytes, of a token: c[0] + c[1] a + c[2] b + c[3] a b + c[4] a^2 + c[5] a^3 +
   c[6] a^2 b. */
static const struct {
  const char *kernel;
  PetscErrorCode (*work)(void *);
  double tokens; /* of a call */
  Limit limit;
  double c[7];
} list[] = {
    {"read_tokens", ReadTokens, N, LIMIT_TRIAD, {0, 0, 6}}, /* float16 to float32 */
    {"less_shift", LessShift, N, LIMIT_TRIAD, {0, 0, 8}},
    {"scores", Scores, N, LIMIT_FMA, {0, 0, 0, 2}},
    {"combine", Combine, N, LIMIT_FMA, {0, 0, 0, 2}},
    {"distances64", Distances, N, LIMIT_FMA, {0, 0, 6}},
    {"square64", Squares, N, LIMIT_FMA, {0, 0, 4}},
    {"sum_products", SumProducts, N, LIMIT_FMA, {0, 0, 0, 2}},
    {"descend", Descend, N, LIMIT_FMA, {0, 0, 0, 0, 2 * SWEEPS}},
    {"solve_sets", SolveSets, SOME, LIMIT_FMA, {0, 0, 0, 0, 4, 2 / 3.0}},
    {"subtract64", Subtract, 1, LIMIT_FMA, {0, 0, 0, 0, 0, 0, 4}},
    {"subtract64 row", SubtractRow, N, LIMIT_FMA, {0, 0, 0, 4}},
    {"exp64", Exp, N, LIMIT_FMA, {0, 68}},
    {"select_top", SelectTop, N, LIMIT_READ, {0, 4}},
    {"walk", Walk, N, LIMIT_READ, {20 * BENCH_LEVELS * TREES}}, /* a fork, a number */
};
enum { KERNELS = sizeof(list) / sizeof(*list) };

/* What has a row. */
typedef struct {
  int kernel;
  double a, b;
} Shown;

struct BenchParts {
  BenchRun *run;
  BenchTask *task; /* of the tokens */
  int count;
  Shown shown[MOST];
};

PetscErrorCode BenchPartsCreate(BenchRun *run, const char *path, BenchParts **parts)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreateBytes(1, sizeof(**parts), (void **)parts));
  (*parts)->run = run;
  PetscCall(BenchTaskOpen(run, MPI_COMM_SELF, path, "method=pca width=1", 0, &(*parts)->task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchPartsDestroy(BenchParts **parts)
{
  PetscFunctionBegin;
  if (*parts) PetscCall(BenchTaskClose(&(*parts)->task));
  PetscCall(ArrayDestroyBytes((void **)parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(int64_t n, float **x)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(n, x));
  for (int64_t i = 0; i < n; i++)
    (*x)[i] = (float)(random_uniform(1, RANDOM_SAMPLE, (uint64_t)(i % 65537)) - 0.5);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A float64 matrix [n + 1 x n + 8] of a strong diagonal, its last row 0, and the same in float32
   [n x n]; sets of a of its rows, and right sides. */
static PetscErrorCode FillSystems(Data *w, int64_t n)
{
  const int64_t ld = n + 8, a = w->a;

  PetscFunctionBegin;
  PetscCall(ArrayCreate((n + 1) * ld, &w->A));
  PetscCall(ArrayCreate(n * n, &w->Y));
  PetscCall(ArrayCreate(n, &w->value));
  PetscCall(ArrayCreate(SOME * a, &w->index));
  PetscCall(ArrayCreate(SOME * a, &w->right));
  PetscCall(ArrayCreate(solve_sets_work(n), &w->work));
  PetscCall(ArrayCreate(descend_work(n), &w->work32));
  for (int64_t i = 0; i < n * n; i++) {
    const int64_t apart = i / n > i % n ? i / n - i % n : i % n - i / n;
    const double x = apart ? 1.0 / (double)(2 + apart) : 2;
    w->A[i / n * ld + i % n] = x, w->Y[i] = (float)x, w->value[i / n] = 0.5f;
  }
  for (int64_t s = 0; s <= SOME; s++) w->start[s] = s * a;
  for (int64_t q = 0; q < SOME * a; q++) {
    w->index[q] = (int32_t)(q % a * (n / a) + q / a % (n / a));
    w->right[q] = (double)(q % 7) - 3;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillForest(Data *w)
{
  PetscFunctionBegin;
  PetscCall(BenchForest(TREES, w->a, w->b, &w->forest));
  PetscCall(Fill((SOME + PACKED_ROWS) * w->b, &w->X));
  PetscCall(ArrayCreate(PACKED_ROWS, &w->each));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(Data *w, PetscErrorCode (*work)(void *))
{
  const int64_t a = w->a, b = w->b, wide = a > b ? a : b;

  PetscFunctionBegin;
  if (work == ReadTokens) PetscFunctionReturn(PETSC_SUCCESS);
  if (work == Walk) {
    PetscCall(FillForest(w));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Fill(N * wide, &w->X));
  PetscCall(Fill(wide * (b + 1), &w->E));
  PetscCall(Fill(N * a, &w->S));
  PetscCall(ArrayCreate(max_i64(wide * (b + 8), FEW), &w->each));
  if (work == Descend || work == SolveSets || work == SubtractRow || work == Exp) {
    PetscCall(FillSystems(w, wide));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Fill(max_i64(FEW * b, a), &w->Y));
  PetscCall(ArrayCreate(max_i64(a, b), &w->value));
  PetscCall(ArrayCreate(max_i64(a, b), &w->index));
  PetscCall(ArrayCreate(a * a, &w->A));
  PetscCall(ArrayCreate(a * b, &w->B));
  PetscCall(ArrayCreate(a * b, &w->C));
  if (work == Scores) w->kernels->pack(a, b, w->E, b, &w->packed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Empty(Data *w)
{
  void **arrays[] = {(void **)&w->X,     (void **)&w->E,     (void **)&w->S,     (void **)&w->Y,
                     (void **)&w->A,     (void **)&w->B,     (void **)&w->C,     (void **)&w->work,
                     (void **)&w->each,  (void **)&w->index, (void **)&w->right, (void **)&w->value,
                     (void **)&w->work32};

  PetscFunctionBegin;
  packed_clear(&w->packed);
  packed_clear(&w->columns);
  PetscCall(ForestDestroy(&w->forest));
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double operations(int kernel, double a, double b)
{
  const double term[] = {1, a, b, a * b, a * a, a * a * a, a * a * b};
  double sum = 0;
  for (int i = 0; i < 7; i++) sum += list[kernel].c[i] * term[i];
  return sum;
}

/* Its row of the table. */
static PetscErrorCode Row(BenchRun *run, int kernel, const WorkPart *part,
                          const BenchTiming *timing)
{
  Text size = {0};
  BenchFigure figure = {.row = list[kernel].kernel};
  const double each = operations(kernel, part->a, part->b);

  PetscFunctionBegin;
  if (part->a > 0 && part->b > 0)
    text_add(&size, "%g x %g, for methods", part->a, part->b);
  else
    text_add(&size, "%g, for methods", part->a > 0 ? part->a : part->b);
  figure.size = size.s;
  bench_cost(&figure, list[kernel].limit, timing, each * list[kernel].tokens, list[kernel].tokens,
             "us/token");
  PetscCall(BenchRow(run, &figure));
  text_clear(&size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of a kernel in the list. */
static PetscErrorCode Find(const char *kernel, int *i)
{
  PetscFunctionBegin;
  *i = 0;
  while (*i < KERNELS && strcmp(list[*i].kernel, kernel)) ++*i;
  PetscCheck(*i < KERNELS, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "no kernel %s", kernel);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether a kernel has no row yet at those sizes: it is to get one now. */
static PetscErrorCode Fresh(BenchParts *parts, int kernel, const WorkPart *part, bool *fresh)
{
  PetscFunctionBegin;
  *fresh = true;
  for (int i = 0; i < parts->count && *fresh; i++) {
    const Shown *shown = &parts->shown[i];
    *fresh = shown->kernel != kernel || shown->a != part->a || shown->b != part->b;
  }
  if (!*fresh) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(parts->count < MOST, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "too many kernels");
  parts->shown[parts->count++] = (Shown){kernel, part->a, part->b};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchPartsTime(BenchParts *parts, const BenchWork *work, int count,
                              const WorkPart *part, BenchTiming *timing, double *seconds)
{
  const Task *task = bench_task_task(parts->task);
  BenchRun *run = parts->run;
  Data data[WORK_PARTS + 1] = {{0}};
  BenchWork works[WORK_PARTS + 2] = {*work};
  BenchTiming timings[WORK_PARTS + 2];
  bool fresh[WORK_PARTS + 1];
  int kernel[WORK_PARTS + 1];

  PetscFunctionBegin;
  for (int i = 0; i < count; i++) {
    PetscCall(Find(part[i].kernel, &kernel[i]));
    PetscCall(Fresh(parts, kernel[i], &part[i], &fresh[i]));
    PetscErrorCode (*const of)(void *) = list[kernel[i]].work;
    data[i] = (Data){run->kernels, task, .a = (int64_t)part[i].a, .b = (int64_t)part[i].b};
    PetscCall(Prepare(&data[i], of));
    works[i + 1] = (BenchWork){.work = of,
                               .before = of == ReadTokens ? NULL : of,
                               .context = &data[i],
                               .limit = fresh[i] ? list[kernel[i]].limit : LIMIT_NONE};
  }
  PetscCall(BenchTimeTurns(run, count + 1, works, timings));
  *timing = timings[0];
  for (int i = 0; i < count; i++) {
    if (fresh[i]) PetscCall(Row(run, kernel[i], &part[i], &timings[i + 1]));
    seconds[i] = timings[i + 1].seconds / list[kernel[i]].tokens;
    PetscCall(Empty(&data[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
