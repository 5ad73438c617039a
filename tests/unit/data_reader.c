/* The reader against single reads: orders, files of different kinds, short batches, jumps, sharing,
   and the limit on its rate.
   RUN ranks=1
   RUN ranks=3 */
#include "../tap.h"
#include "token_file.h"
#include "base/clock.h"
#include "data/reader.h"
#include <stdlib.h>
#include <unistd.h>

#define COMM PETSC_COMM_WORLD
enum { N = 20011, D = 8, BATCH = 3000, TILE = 128 };
static const char *const paths[] = {"data_reader.a.test.h5", "data_reader.b.test.h5",
                                    "data_reader.c.test.h5"};

static int64_t by_fifty(int64_t row)
{
  return row / 50;
}

/* Does the reader give what ViewRead gives, asked for in tiles of some size? */
static PetscErrorCode Check(Reader *reader, const View *view, const Stretch *now,
                            const Stretch *next, int64_t tile, bool *same)
{
  const Order order = {(uint64_t)now->seed, split_count(view->split, false)};
  int64_t *row;
  float *expected, *less, shift[D];

  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(now->count, &row));
  PetscCall(ArrayCreate(now->count * D, &expected));
  PetscCall(ArrayCreate(now->count * D, &less));
  for (int i = 0; i < D; i++) shift[i] = 0.1f * (float)(i - 2);
  for (int64_t t = 0; t < now->count; t++)
    row[t] =
        split_row(view->split, false,
                  now->shuffled ? order_at(&order, now->epoch, now->first + t) : now->first + t);
  PetscCall(ViewRead(view, now->count, row, expected));
  PetscCall(ReaderAsk(reader, now, next));
  for (int64_t at = 0; at < now->count; at += tile) {
    const int64_t count = min_i64(tile, now->count - at);
    const float *X = NULL;
    PetscCall(ReaderRows(reader, at, count, &X));
    if (memcmp(X, expected + at * D, (size_t)(count * D) * sizeof(float))) *same = false;
    PetscCall(ReaderLess(reader, at, count, shift, less));
    for (int64_t i = 0; i < count * D; i++)
      if (less[i] != expected[at * D + i] - shift[i % D]) *same = false;
  }
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&expected));
  PetscCall(ArrayDestroy(&less));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The batch of a step on this rank, as training cuts it. */
static Stretch batch(int64_t n, int64_t step, bool shuffled)
{
  const int64_t steps = (n + BATCH - 1) / BATCH, start = step % steps * BATCH;
  int64_t first, count;
  part_of(min_i64(BATCH, n - start), 1, tap_rank, tap_size, &first, &count);
  return (Stretch){shuffled, shuffled ? 7 : 0, shuffled ? step / steps : 0, start + first, count};
}

static PetscErrorCode CheckOrders(const View *view, const char *what)
{
  const int64_t n = split_count(view->split, false), steps = (n + BATCH - 1) / BATCH;
  Reader *reader;
  bool same = true, again = true, jumps = true;

  PetscFunctionBeginUser;
  for (int shuffled = 0; shuffled < 2; shuffled++) {
    PetscCall(ReaderCreate(view, &reader));
    for (int64_t step = 0; step < 2 * steps + 1; step++) {
      const Stretch now = batch(n, step, shuffled), next = batch(n, step + 1, shuffled);
      PetscCall(Check(reader, view, &now, &next, TILE, &same));
      PetscCall(Check(reader, view, &now, &next, 1000, &again));
    }
    for (int64_t i = 0; i < 20; i++) { /* what was read ahead is not what is asked for */
      const Stretch now = batch(n, i * 7 % 5, shuffled), next = batch(n, i * 3 % 7, shuffled);
      PetscCall(Check(reader, view, &now, i % 3 ? &next : NULL, TILE, &jumps));
    }
    PetscCall(ReaderDestroy(&reader));
  }
  OK(same, "%s: batches in order, the last one short", what);
  OK(again, "%s: the same batch for a second learner", what);
  OK(jumps, "%s: batches out of order", what);
  const Stretch none = {.first = n}, one = {.first = n - 1, .count = 1};
  same = true;
  PetscCall(ReaderCreate(view, &reader));
  PetscCall(Check(reader, view, &none, &one, TILE, &same));
  PetscCall(Check(reader, view, &one, &none, TILE, &same));
  OK(same, "%s: nothing, and the last token", what);
  PetscCall(ReaderDestroy(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFiles(const Kernels *kernels, int64_t files, double share,
                                 const char *what, Mistakes *mistakes)
{
  Tokens *tokens;
  Split *split;
  Settings settings = {0};
  Normaliser *normaliser;

  PetscFunctionBeginUser;
  settings_set(&settings, "normalise.center", "mean");
  settings_set(&settings, "normalise.scale", "std");
  PetscCall(TokensOpen(COMM, kernels, files, paths, mistakes, &tokens));
  PetscCall(SplitCreate(COMM, tokens, share, mistakes, &split));
  PetscCall(NormaliserCreate(tokens, &settings, &normaliser));
  PetscCall(CheckOrders(&(View){tokens, split, normaliser, kernels}, what));
  PetscCall(NormaliserDestroy(&normaliser));
  PetscCall(SplitDestroy(&split));
  PetscCall(TokensClose(&tokens));
  settings_clear(&settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Seconds for a pass over the tokens in file order, each batch asked for by a number of learners.
 */
static PetscErrorCode TimePass(const View *view, int learners, double *seconds)
{
  const int64_t n = split_count(view->split, false), steps = (n + BATCH - 1) / BATCH;
  Reader *reader;
  const float *X;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(COMM));
  const double begun = clock_seconds();
  PetscCall(ReaderCreate(view, &reader));
  for (int64_t step = 0; step < steps; step++)
    for (int l = 0; l < learners; l++) {
      const Stretch now = batch(n, step, true), next = batch(n, step + 1, true);
      PetscCall(ReaderAsk(reader, &now, step + 1 < steps ? &next : NULL));
      PetscCall(ReaderRows(reader, 0, now.count, &X));
    }
  PetscCall(ReaderDestroy(&reader));
  *seconds = clock_seconds() - begun;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* N x D float16 numbers are 0.32 MB: at 1 MB/s for all ranks together a pass takes 0.32 s. */
static PetscErrorCode CheckLimit(const Kernels *kernels, Mistakes *mistakes)
{
  Tokens *tokens;
  Split *split;
  Settings settings = {0};
  Normaliser *normaliser;
  double one, three;

  PetscFunctionBeginUser;
  settings_set(&settings, "normalise.center", "mean");
  settings_set(&settings, "normalise.scale", "rms");
  setenv("ARDIS_READ_LIMIT", "1", 1);
  PetscCall(TokensOpen(COMM, kernels, 1, paths, mistakes, &tokens));
  unsetenv("ARDIS_READ_LIMIT");
  PetscCall(SplitCreate(COMM, tokens, 0, mistakes, &split));
  PetscCall(NormaliserCreate(tokens, &settings, &normaliser));
  const View view = {tokens, split, normaliser, kernels};
  PetscCall(TimePass(&view, 1, &one));
  PetscCall(TimePass(&view, 3, &three));
  OK(one > 0.25 && three > 0.25, "the limit on reading is kept: %.2f s, %.2f s", one, three);
  OK(three < 0.8, "three learners that go together read once: %.2f s", three);
  PetscCall(NormaliserDestroy(&normaliser));
  PetscCall(SplitDestroy(&split));
  PetscCall(TokensClose(&tokens));
  settings_clear(&settings);
  setenv("ARDIS_READ_LIMIT", "0", 1);
  PetscCall(TokensOpen(COMM, kernels, 1, paths, mistakes, &tokens));
  unsetenv("ARDIS_READ_LIMIT");
  OK(!tokens && mistakes_count(mistakes) == 1, "a limit of nothing is a mistake");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  const Kernels *kernels;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  RUN(TestTokens(COMM, kernels, paths[0], N, D, H5_F16, by_fifty, mistakes));
  RUN(TestTokens(COMM, kernels, paths[1], 1234, D, H5_F32, by_fifty, mistakes));
  RUN(TestTokens(COMM, kernels, paths[2], 7, D, H5_BF16, by_fifty, mistakes));
  RUN(CheckFiles(kernels, 1, 0, "one file", mistakes));
  RUN(CheckFiles(kernels, 1, 0.1, "one file, a part held out", mistakes));
  RUN(CheckFiles(kernels, 3, 0.1, "three files of different kinds", mistakes));
  OK(mistakes_count(mistakes) == 0, "no mistakes so far");
  RUN(CheckLimit(kernels, mistakes));
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(COMM);
  for (int f = 0; f < 3 && tap_rank == 0; f++) unlink(paths[f]);
  return TestEnd();
}
