/* Timings of the kernels, as ratios to the peak of multiply-adds and to the memory's bandwidth. */
#include "run/bench.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 256, D = 768, M = 3840, K = 32, P = 1024, BIG = 1 << 24 };

/* All that the rows work on. */
typedef struct {
  const Kernels *kernels;
  float *X, *E, *S, *C, *Y, *big, *more, *third;
  int32_t *index;
  float *value;
  int64_t *row;
  double *distance;
  Packed packed;
  Nearest *centroids;
  double sink;
} Bench;

static void scores(Bench *b)
{
  b->kernels->scores(N, b->X, D, &b->packed, NULL, b->S, M);
}

static void nearest(Bench *b)
{
  b->kernels->nearest(N, b->X, D, b->centroids, b->index, b->distance);
}

static void combine(Bench *b)
{
  b->kernels->combine(N, P, D, b->S, M, b->C, D, b->Y, D);
}

static void select_top(Bench *b)
{
  for (int64_t t = 0; t < N; t++)
    b->kernels->select_top(M, b->S + t * M, K, NULL, b->index, b->value);
}

static void decode(Bench *b)
{
  for (int64_t t = 0; t < N; t++)
    b->kernels->decode(K, b->index + t * K, b->value + t * K, D, b->E, D, b->Y + t * D);
}

static void blockdots(Bench *b)
{
  for (int64_t t = 0; t < N; t++)
    b->kernels->blockdots(K, b->index + t * K, D, b->E, D, b->X + t * D, b->value + t * K);
}

static void accumulate(Bench *b)
{
  for (int64_t t = 0; t < N; t++)
    b->kernels->accumulate(K, b->row + t * K, b->value + t * K, D, b->X, D, b->Y + t * D);
}

static void adam(Bench *b)
{
  b->kernels->adam(BIG / 4, b->big, b->big + BIG / 4, b->big + BIG / 2, b->more, 1, 1e-9f, 1, 0.9f,
                   0.999f, 1e-8f);
}

static void triad(Bench *b)
{
  float *restrict to = b->third;
  const float *restrict from = b->big, *restrict other = b->more;
#pragma omp simd
  for (int64_t i = 0; i < BIG; i++) to[i] = from[i] + 0.5f * other[i];
  b->sink += (double)b->third[BIG / 2];
}

/* One row: what is run, for how many units, the operations (or bytes) of a unit, and the limit it
 * is held against. */
typedef struct {
  const char *name, *size, *unit;
  void (*run)(Bench *b);
  double units, work;
  bool memory; /* work is bytes */
} Row;

static const Row rows_all[] = {
    {"scores", "256 x 768 x 3840", "token", scores, N, 2.0 * D *M, false},
    {"nearest", "256 x 768 x 3840", "token", nearest, N, 2.0 * D *M, false},
    {"combine", "256 x 1024 x 768", "atom", combine, N, 2.0 * P *D, false},
    {"select_top", "32 of 3840", "token", select_top, N, 4.0 * M, true},
    {"decode", "32 x 768", "token", decode, N, 2.0 * K *D, false},
    {"blockdots", "32 x 768", "token", blockdots, N, 2.0 * K *D, false},
    {"accumulate", "32 x 768", "atom", accumulate, N, 2.0 * K *D, false},
    {"adam", "4 M parameters", "parameter", adam, BIG / 4.0, 28, true},
};

/* Seconds of one call: the best of calls made for about a fifth of a second. */
static double best_time(Bench *b, void (*run)(Bench *))
{
  double best = 1e30;
  const double begun = clock_seconds();
  for (int round = 0; round < 5 || clock_seconds() - begun < 0.2; round++) {
    const double start = clock_seconds();
    run(b);
    const double passed = clock_seconds() - start;
    if (passed < best) best = passed;
  }
  return best;
}

static double peak_rate(const Kernels *kernels)
{
  double best = 0;
  for (int round = 0; round < 10; round++) {
    const double start = clock_seconds(), work = kernels->probe(2000000),
                 rate = work / (clock_seconds() - start);
    if (rate > best) best = rate;
  }
  return best;
}

static PetscErrorCode Fill(Bench *b)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(N * D, &b->X));
  PetscCall(ArrayCreate(M * D, &b->E));
  PetscCall(ArrayCreate(N * M, &b->S));
  PetscCall(ArrayCreate(P * D, &b->C));
  PetscCall(ArrayCreate(N * D, &b->Y));
  PetscCall(ArrayCreate(BIG, &b->big));
  PetscCall(ArrayCreate(BIG, &b->more));
  PetscCall(ArrayCreate(BIG, &b->third));
  PetscCall(ArrayCreate(N * M, &b->index));
  PetscCall(ArrayCreate(N * M, &b->value));
  PetscCall(ArrayCreate(N * K, &b->row));
  PetscCall(ArrayCreate(N, &b->distance));
  for (int64_t i = 0; i < M * D; i++)
    b->E[i] = (float)(random_uniform(1, RANDOM_SAMPLE, (uint64_t)i) - 0.5);
  for (int64_t i = 0; i < N * D; i++)
    b->X[i] = (float)(random_uniform(2, RANDOM_SAMPLE, (uint64_t)i) - 0.5);
  for (int64_t i = 0; i < P * D; i++) b->C[i] = b->E[i];
  for (int64_t i = 0; i < BIG; i++) b->big[i] = b->more[i] = (float)(i % 997) * 1e-3f;
  for (int64_t i = 0; i < N * K; i++) b->row[i] = i * 7 % N;
  b->kernels->pack(M, D, b->E, D, &b->packed);
  PetscCall(NearestCreate(b->kernels, M, D, b->E, &b->centroids));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Empty(Bench *b)
{
  void **arrays[] = {(void **)&b->X,     (void **)&b->E,     (void **)&b->S,
                     (void **)&b->C,     (void **)&b->Y,     (void **)&b->big,
                     (void **)&b->more,  (void **)&b->third, (void **)&b->index,
                     (void **)&b->value, (void **)&b->row,   (void **)&b->distance};

  PetscFunctionBegin;
  PetscCall(NearestDestroy(&b->centroids));
  packed_clear(&b->packed);
  for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
    PetscCall(ArrayDestroyBytes(arrays[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchKernels(const Kernels *kernels, const char *rows, Table **table)
{
  Bench b = {.kernels = kernels};

  PetscFunctionBegin;
  PetscCall(Fill(&b));
  PetscCall(TableCreate("row,size,time_us,rate,unit,limit,limit_rate,ratio", table));
  const double peak = peak_rate(kernels), memory = 3.0 * 4 * BIG / best_time(&b, triad);
  for (size_t i = 0; i < sizeof(rows_all) / sizeof(*rows_all); i++) {
    const Row *row = &rows_all[i];
    if (rows && !strstr(row->name, rows)) continue;
    if (row->run == decode || row->run == blockdots)
      for (int64_t q = 0; q < N * K; q++)
        b.index[q] = (int32_t)(q % K * (M / K) + q / K * 13 % (M / K));
    else if (row->run == select_top)
      scores(&b);
    const double seconds = best_time(&b, row->run) / row->units, rate = row->work / seconds,
                 limit = row->memory ? memory : peak;
    PetscCall(TableAddRow(*table));
    table_text(*table, "row", row->name);
    table_text(*table, "size", row->size);
    table_number(*table, "time_us", 1e6 * seconds);
    table_number(*table, "rate", rate * 1e-9);
    table_text(*table, "unit", row->memory ? "GB/s" : "GFLOP/s");
    table_text(*table, "limit", row->memory ? "memory triad" : "multiply-add peak");
    table_number(*table, "limit_rate", limit * 1e-9);
    table_number(*table, "ratio", rate / limit);
  }
  PetscCall(Empty(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}
