/* Named arrays of something that learns, in and out of files. */
#include "learn/state.h"
#include "base/array.h"
#include <string.h>

enum { PIECE = 1 << 20 };

static void add(State *state, StateArray array)
{
  PetscCallAbort(PETSC_COMM_SELF, state->count < STATE_MAX ? PETSC_SUCCESS : PETSC_ERR_ARG_SIZ);
  state->array[state->count++] = array;
}

void state_shared(State *state, const char *name, H5Kind kind, int rank, int64_t rows, int64_t cols,
                  void *data)
{
  add(state, (StateArray){name, kind, STATE_SHARED, rank, rows, cols, 0, 0, data});
}

void state_sliced(State *state, const char *name, H5Kind kind, int rank, int64_t rows, int64_t cols,
                  int64_t first, int64_t count, void *data)
{
  add(state, (StateArray){name, kind, STATE_SLICED, rank, rows, cols, first, count, data});
}

void state_scattered(State *state, const char *name, int64_t rows, int64_t cols, int64_t first,
                     int64_t count, const float *data, const int32_t *column, int64_t held)
{
  add(state, (StateArray){name, H5_F32, STATE_SCATTERED, 2, rows, cols, first, count,
                          (void *)(uintptr_t)data, column, held});
}

void state_summed(State *state, const char *name, int64_t count, int64_t *data)
{
  add(state, (StateArray){name, H5_I64, STATE_SUMMED, 1, count, 1, 0, 0, data});
}

PetscErrorCode StateDeclare(H5Writer *writer, const State *state, int *numbers)
{
  PetscFunctionBegin;
  for (int i = 0; i < state->count; i++) {
    const StateArray *a = &state->array[i];
    const int64_t dims[2] = {a->rows, a->cols};
    PetscCall(H5WriterArray(writer, a->name, a->kind, a->rank, dims, &numbers[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds the parts of all ranks piece by piece; rank 0 writes them. */
static PetscErrorCode WriteSummed(MPI_Comm comm, H5Writer *writer, int rank, const StateArray *a,
                                  int number)
{
  int64_t *sum;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(min_i64(PIECE, a->rows), &sum));
  for (int64_t i = 0; i < a->rows; i += PIECE) {
    const int64_t count = min_i64(PIECE, a->rows - i);
    PetscCallMPI(
        MPI_Reduce((const int64_t *)a->data + i, sum, (int)count, MPI_INT64_T, MPI_SUM, 0, comm));
    if (rank == 0) PetscCall(H5WriterRows(writer, number, i, count, sum));
  }
  PetscCall(ArrayDestroy(&sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Some rows at a time with their zeros. */
static PetscErrorCode WriteScattered(H5Writer *writer, const StateArray *a, int number)
{
  const int64_t most = max_i64(PIECE / max_i64(a->cols, 1), 1);
  const float *data = a->data;
  float *rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(most * a->cols, &rows));
  for (int64_t j = 0; j < a->count; j += most) {
    const int64_t count = min_i64(most, a->count - j);
    memset(rows, 0, (size_t)(count * a->cols) * sizeof(*rows));
    for (int64_t i = 0; i < count * a->held; i++)
      rows[i / a->held * a->cols + a->column[j * a->held + i]] = data[j * a->held + i];
    PetscCall(H5WriterRows(writer, number, a->first + j, count, rows));
  }
  PetscCall(ArrayDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode StateWrite(MPI_Comm comm, H5Writer *writer, const State *state, const int *numbers)
{
  PetscFunctionBegin;
  int rank;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (int i = 0; i < state->count; i++) {
    const StateArray *a = &state->array[i];
    if (a->where == STATE_SUMMED)
      PetscCall(WriteSummed(comm, writer, rank, a, numbers[i]));
    else if (a->where == STATE_SCATTERED)
      PetscCall(WriteScattered(writer, a, numbers[i]));
    else if (a->where == STATE_SLICED)
      PetscCall(H5WriterRows(writer, numbers[i], a->first, a->count, a->data));
    else if (rank == 0)
      PetscCall(H5WriterRows(writer, numbers[i], 0, a->rank ? a->rows : 1, a->data));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool fits(const StateArray *a, const H5Info *info)
{
  return info->kind == a->kind && info->rank == a->rank &&
         (a->rank < 1 || info->dims[0] == a->rows) && (a->rank < 2 || info->dims[1] == a->cols);
}

PetscErrorCode StateRead(MPI_Comm comm, H5Reader *reader, const char *path, const State *state,
                         Mistakes *mistakes)
{
  PetscFunctionBegin;
  int rank;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (int i = 0; i < state->count; i++) {
    const StateArray *a = &state->array[i];
    H5Info info;
    bool found;
    PetscCall(H5ReaderInfo(reader, a->name, &info, &found));
    if (!found || !fits(a, &info)) {
      mistake(mistakes, path, 0, 0,
              found ? "/%s is not of the shape and type that this run saves: the file belongs to "
                      "another run"
                    : "has no array /%s: it is no checkpoint of this run",
              a->name);
    } else if (a->where == STATE_SLICED) {
      PetscCall(H5ReaderRows(reader, a->name, a->first, a->count, a->kind, a->data));
    } else if (a->where == STATE_SHARED || rank == 0) {
      PetscCall(H5ReaderRows(reader, a->name, 0, a->rank ? a->rows : 1, a->kind, a->data));
    } else {
      memset(a->data, 0, (size_t)a->rows * sizeof(int64_t));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
