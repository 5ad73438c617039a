/* The state of something that learns, declared once: named arrays with where their rows live.
   Checkpoints, models and exports are one loop over it. */
#pragma once
#include "base/exact.h"
#include "base/h5.h"

typedef enum {
  STATE_SHARED,    /* the same on every rank; rank 0's is saved */
  STATE_SLICED,    /* this rank holds rows first .. first + count - 1 */
  STATE_SCATTERED, /* the same, but only some numbers of a row are held, the others are 0; float32,
                      written and never read */
  STATE_SUMMED, /* int64 parts, to be added over ranks; after loading rank 0 holds the sum, others 0
                 */
} StateKind;

typedef struct {
  const char *name; /* "encoder/weight" */
  H5Kind kind;      /* H5_F32, H5_F64, H5_I32, H5_I64 */
  StateKind where;
  int rank;              /* 1 or 2; 0: one number */
  int64_t rows, cols;    /* of the whole array; cols 1 for rank 1 */
  int64_t first, count;  /* STATE_SLICED: this rank's rows */
  void *data;            /* the memory, borrowed; may be NULL when count is 0 */
  const int32_t *column; /* STATE_SCATTERED: [count x held] where in its row each number stands */
  int64_t held;          /* data is [count x held] */
} StateArray;

#define STATE_MAX 64
typedef struct {
  int count;
  StateArray array[STATE_MAX];
} State;

/* Adds an array to a state. */
void state_shared(State *state, const char *name, H5Kind kind, int rank, int64_t rows, int64_t cols,
                  void *data);
void state_sliced(State *state, const char *name, H5Kind kind, int rank, int64_t rows, int64_t cols,
                  int64_t first, int64_t count, void *data);
void state_scattered(State *state, const char *name, int64_t rows, int64_t cols, int64_t first,
                     int64_t count, const float *data, const int32_t *column, int64_t held);
void state_summed(State *state, const char *name, int64_t count, int64_t *data);

/* StateDeclare, StateWrite - the arrays as datasets of a file that is being laid out, and then
   their content. Collective on comm (the writer's). numbers[] of StateDeclare are handed to
   StateWrite. */
PetscErrorCode StateDeclare(H5Writer *writer, const State *state, int *numbers);
PetscErrorCode StateWrite(MPI_Comm comm, H5Writer *writer, const State *state, const int *numbers);
/* StateRead - fills the arrays' memory from a file; an array that is missing or of another shape is
 * a mistake. Not collective. */
PetscErrorCode StateRead(MPI_Comm comm, H5Reader *reader, const char *path, const State *state,
                         Mistakes *mistakes);
