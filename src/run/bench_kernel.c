/* Rows of kernels, and what they work on. */
#include "run/bench_kernel.h"
#include "base/array.h"
#include "base/random.h"

PetscErrorCode BenchKernelRows(BenchRun *run, void *data)
{
  BenchTiming timing;

  PetscFunctionBegin;
  for (const BenchKernel *row = run->bench->kernels; row->row; row++) {
    if (!bench_wants(run, row->row)) continue;
    const BenchWork work = {
        .work = row->work, .context = data, .limit = row->limit, .seconds = 0.2};
    BenchFigure figure = {.row = row->row, .size = row->size, .goal = row->goal};
    if (row->prepare) PetscCall(row->prepare(data));
    PetscCall(BenchTime(run, &work, &timing));
    const double all = row->each * row->units;
    if (row->unit)
      bench_cost(&figure, row->limit, &timing, all, row->units, row->unit);
    else
      bench_rate(&figure, row->limit, &timing, all);
    PetscCall(BenchRow(run, &figure));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchNumbers(int64_t n, float **x)
{
  PetscFunctionBegin;
  PetscCall(ArrayCreate(n, x));
  for (int64_t i = 0; i < n; i++)
    (*x)[i] = (float)(random_uniform(1, RANDOM_SAMPLE, (uint64_t)i) - 0.5);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BenchPicks(int64_t n, int64_t k, int64_t m, bool ascend, int64_t **start,
                          int32_t **pick)
{
  const int64_t part = ascend ? m / k : m;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(n + 1, start));
  PetscCall(ArrayCreate(n * k, pick));
  for (int64_t t = 0; t <= n; t++) (*start)[t] = t * k;
  for (int64_t q = 0; q < n * k; q++) {
    const int64_t first = ascend ? q % k * part : 0;
    (*pick)[q] = (int32_t)(first + random_below(1, RANDOM_SYNTH, (uint64_t)q, part));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void grow(Fork *fork, int64_t forks, int64_t d, uint64_t *drawn)
{
  int64_t end[1 << BENCH_LEVELS] = {0}, ends = 1;
  for (; forks > 0 && ends > 0; forks--) {
    const int64_t pick = (int64_t)(random_uniform(2, RANDOM_SAMPLE, (*drawn)++) * (double)ends),
                  by = (int64_t)(random_uniform(2, RANDOM_SAMPLE, (*drawn)++) * (double)d),
                  at = end[pick];
    fork[at] = (Fork){(int32_t)by, 0};
    end[pick] = end[--ends];
    for (int64_t on = 2 * at + 1; on <= 2 * at + 2 && on < (1 << BENCH_LEVELS) - 1; on++)
      end[ends++] = on;
  }
}

PetscErrorCode BenchForest(int64_t trees, int64_t forks, int64_t d, Forest **forest)
{
  uint64_t drawn = 0;

  PetscFunctionBegin;
  PetscCall(ForestCreate(trees, BENCH_LEVELS, forest));
  for (int64_t r = 0; r < trees; r++)
    grow((*forest)->fork + (r << BENCH_LEVELS), forks * (r + 1) / trees - forks * r / trees, d,
         &drawn);
  PetscCall(ForestReady(*forest));
  PetscFunctionReturn(PETSC_SUCCESS);
}
