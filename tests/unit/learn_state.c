/* States: shared, sliced and summed arrays come back, on other slices too; what does not fit is a
   mistake.
   RUN ranks=1
   RUN ranks=3 */
#include "../tap.h"
#include "base/array.h"
#include "learn/state.h"
#include <unistd.h>

static const char path[] = "learn_state.test.h5";

enum { ROWS = 23, COLS = 3 };

static PetscErrorCode Write(const State *state, Mistakes *mistakes)
{
  H5Writer *writer;
  int numbers[STATE_MAX];
  PetscFunctionBeginUser;
  PetscCall(H5WriterCreate(PETSC_COMM_WORLD, path, &writer));
  PetscCall(StateDeclare(writer, state, numbers));
  PetscCall(H5WriterLayout(writer, mistakes));
  PetscCall(StateWrite(PETSC_COMM_WORLD, writer, state, numbers));
  PetscCall(H5WriterCommit(&writer, mistakes));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Read(const State *state, Mistakes *mistakes)
{
  H5Reader *reader;
  PetscFunctionBeginUser;
  PetscCall(H5ReaderOpen(path, mistakes, &reader));
  PetscCall(StateRead(PETSC_COMM_WORLD, reader, path, state, mistakes));
  PetscCall(H5ReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(Mistakes *mistakes)
{
  double shared[2] = {1.5, INFINITY}, shared_back[2];
  float rows[ROWS * COLS], back[ROWS * COLS];
  int64_t sums[4], sums_back[4], first, count;
  State state = {0}, other = {0}, wrong = {0};
  PetscFunctionBeginUser;
  part_of(ROWS, 1, tap_rank, tap_size, &first, &count);
  for (int64_t i = 0; i < count * COLS; i++) rows[i] = (float)(first * COLS + i);
  for (int64_t i = 0; i < 4; i++) sums[i] = (i - 1) * (1 + tap_rank);
  state_shared(&state, "group/shared", H5_F64, 1, 2, 1, shared);
  state_sliced(&state, "rows", H5_F32, ROWS, COLS, first, count, rows);
  state_summed(&state, "sums", 4, sums);
  PetscCall(Write(&state, mistakes));
  part_of(ROWS, 1, tap_size - 1 - tap_rank, tap_size, &first, &count);
  state_shared(&other, "group/shared", H5_F64, 1, 2, 1, shared_back);
  state_sliced(&other, "rows", H5_F32, ROWS, COLS, first, count, back);
  state_summed(&other, "sums", 4, sums_back);
  PetscCall(Read(&other, mistakes));
  OK(mistakes_count(mistakes) == 0, "no mistakes");
  OK(!memcmp(shared, shared_back, sizeof(shared)), "a shared array comes back on every rank");
  bool same = true, summed = true;
  for (int64_t i = 0; i < count * COLS; i++) same &= back[i] == (float)(first * COLS + i);
  OK(same, "rows come back where another layout wants them");
  const int64_t all = tap_size * (tap_size + 1) / 2;
  for (int64_t i = 0; i < 4; i++) summed &= sums_back[i] == (tap_rank ? 0 : (i - 1) * all);
  OK(summed, "a sum comes back whole on rank 0, the others hold 0");
  state_shared(&wrong, "group/shared", H5_F64, 1, 3, 1, shared_back);
  state_shared(&wrong, "rows", H5_F64, 2, ROWS, COLS, back);
  state_shared(&wrong, "nothing", H5_F64, 1, 3, 1, shared_back);
  PetscCall(Read(&wrong, mistakes));
  OK(mistakes_count(mistakes) == 3, "another length, another type and a missing array are refused");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Mistakes *mistakes;
  TestBegin(&argc, &argv);
  RUN(MistakesCreate(&mistakes));
  RUN(Check(mistakes));
  RUN(MistakesDestroy(&mistakes));
  MPI_Barrier(MPI_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
