/* A pass over the tokens: leaves are dealt to the ranks in turn, and their sums are joined in the
   order of the leaves, whatever the number of ranks. */
#include "learn/classical.h"
#include <math.h>
#include <string.h>

enum { LEAF = 1024 };

/* The tokens of a unit, and its leaves. */
static Stretch unit_of(const Classical *c, int64_t unit)
{
  if (!c->batch) return (Stretch){.count = c->n};
  const int64_t per_epoch = (c->n + c->batch - 1) / c->batch, first = unit % per_epoch * c->batch;
  return (Stretch){.shuffled = true,
                   .seed = c->task->seed_data,
                   .epoch = unit / per_epoch,
                   .first = first,
                   .count = min_i64(c->batch, c->n - first)};
}

static int64_t leaves_of(const Classical *c, const Stretch *unit)
{
  return (unit->count + c->leaf - 1) / c->leaf;
}

static Stretch leaf_of(const Classical *c, const Stretch *unit, int64_t leaf)
{
  Stretch part = *unit;
  const int64_t at = min_i64(leaf * c->leaf, unit->count);
  part.first += at;
  part.count = min_i64(c->leaf, unit->count - at);
  return part;
}

/* Most numbers that are summed: in the first unit, and the later ones where those are other ones.
 */
PetscErrorCode ClassicalCreate(const Task *task, const ClassicalParts *parts, const Entry *entry,
                               void **self)
{
  Classical *c;
  void *atoms = NULL;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &c));
  *self = c;
  c->task = task;
  c->kernels = task->view.kernels;
  c->parts = parts;
  c->table = entry->params;
  PetscCall(ArrayCreateBytes((int64_t)entry->params_size, 1, &c->params));
  PetscCall(ParamsRead(task->settings, "", entry->params, c->params));
  PetscCallMPI(MPI_Comm_rank(task->comm, &c->rank));
  PetscCallMPI(MPI_Comm_size(task->comm, &c->size));
  c->m = settings_int(task->settings, "width");
  c->d = task->view.normaliser->d;
  c->n = split_count(task->view.split, false);
  c->leaf = LEAF;
  c->units = 1;
  PetscCall(ClassicalArray(c, "atoms", H5_F32, 2, c->m, c->d, true, &atoms));
  c->atoms = atoms;
  PetscCall(parts->start(c));
  c->most = max_i64(c->most, parts->count(c));
  part_of(c->most, 1, c->rank, c->size, &c->first, &c->count);
  PetscCall(ArrayCreate(c->count, &c->slice));
  PetscCall(ArrayCreate(c->most, &c->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode add_array(Classical *c, const StateArray *array, bool shown, void **data)
{
  StateArray *to = &c->array[c->arrays];
  size_t size = 0;

  PetscFunctionBegin;
  PetscCheck(c->arrays < CLASSICAL_ARRAYS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "too many arrays");
  switch (array->kind) {
  case H5_F32:
  case H5_I32:
    size = 4;
    break;
  default:
    size = 8;
  }
  *to = *array;
  PetscCall(ArrayCreateBytes((array->where == STATE_SLICED ? array->count : array->rows) *
                                 max_i64(array->cols, 1),
                             size, &to->data));
  c->shown[c->arrays++] = shown;
  *data = to->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClassicalArray(Classical *c, const char *name, H5Kind kind, int rank, int64_t rows,
                              int64_t cols, bool shown, void **data)
{
  const StateArray array = {name, kind, STATE_SHARED, rank, rows, cols};

  PetscFunctionBegin;
  PetscCall(add_array(c, &array, shown, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClassicalSliced(Classical *c, const char *name, H5Kind kind, int64_t rows,
                               int64_t cols, bool shown, void **data)
{
  StateArray array = {name, kind, STATE_SLICED, 2, rows, cols};

  PetscFunctionBegin;
  part_of(rows, 1, c->rank, c->size, &array.first, &array.count);
  PetscCall(add_array(c, &array, shown, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClassicalScratch(Classical *c, int slot, int64_t n, float **x)
{
  PetscFunctionBegin;
  if (c->scratch[slot].space < n) {
    PetscCall(ArrayDestroy(&c->scratch[slot].x));
    PetscCall(ArrayCreate(n, &c->scratch[slot].x));
    c->scratch[slot].space = n;
  }
  *x = c->scratch[slot].x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClassicalDestroy(void **self)
{
  Classical *c = *self;

  PetscFunctionBegin;
  if (c->parts->destroy) PetscCall(c->parts->destroy(c));
  for (int64_t i = 0; i < c->arrays; i++) PetscCall(ArrayDestroy(&c->array[i].data));
  packed_clear(&c->columns);
  packed_clear(&c->codes);
  for (int i = 0; i < 3; i++) PetscCall(ArrayDestroy(&c->scratch[i].x));
  PetscCall(ArrayDestroy(&c->slice));
  PetscCall(ArrayDestroy(&c->sums));
  PetscCall(ParamsRelease(c->table, c->params));
  PetscCall(ArrayDestroy(&c->params));
  PetscCall(ArrayDestroy((Classical **)self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add_to(State *state, const StateArray *a)
{
  if (a->where == STATE_SLICED)
    state_sliced(state, a->name, a->kind, a->rank, a->rows, a->cols, a->first, a->count, a->data);
  else
    state_shared(state, a->name, a->kind, a->rank, a->rows, a->cols, a->data);
}

PetscErrorCode ClassicalState(void *self, State *state)
{
  Classical *c = self;

  PetscFunctionBegin;
  for (int64_t i = 0; i < c->arrays; i++) add_to(state, &c->array[i]);
  state_shared(state, "position", H5_I64, 1, CLASSICAL_NUMBERS, 1, c->number);
  state_sliced(state, "sums", H5_F64, 1, c->most, 1, c->first, c->count, c->slice);
  state_summed(state, "objective", sizeof(Exact) / 8, (int64_t *)&c->objective);
  state_shared(state, "last", H5_F64, 1, 1, 1, &c->last);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClassicalResumed(void *self)
{
  Classical *c = self;

  PetscFunctionBegin;
  if (!c->parts->again) PetscFunctionReturn(PETSC_SUCCESS);
  c->number[CLASSICAL_LEAF] = 0;
  memset(c->slice, 0, (size_t)c->count * sizeof(*c->slice));
  memset(&c->objective, 0, sizeof(c->objective));
  PetscCall(c->parts->again(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ClassicalModel(void *self, State *model)
{
  Classical *c = self;

  PetscFunctionBegin;
  for (int64_t i = 0; i < c->arrays; i++)
    if (c->shown[i]) add_to(model, &c->array[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t classical_seen(const void *self)
{
  const Classical *c = self;
  const int64_t unit = c->number[CLASSICAL_UNIT];
  const Stretch now = unit_of(c, unit);
  const int64_t in = min_i64(c->number[CLASSICAL_LEAF] * c->leaf, now.count);
  return c->batch ? now.epoch * c->n + now.first + in : unit * c->n + in;
}

/* This rank's leaf of the round that begins at leaf base, into c->sums; false: it has none. One
   rank alone adds it to the slice, which is all, at once. */
static PetscErrorCode SumLeaf(Classical *c, const Stretch *unit, int64_t base, int64_t count,
                              bool *there)
{
  const int64_t leaves = leaves_of(c, unit), own = base + c->rank;
  const Stretch now = leaf_of(c, unit, own), then = leaf_of(c, unit, own + c->size),
                other = unit_of(c, c->number[CLASSICAL_UNIT] + 1),
                later = leaf_of(c, &other, c->rank);
  const bool last = own + c->size >= leaves;

  PetscFunctionBegin;
  *there = own < leaves;
  PetscCall(ReaderAsk(c->task->reader, &now, last ? (c->units > 1 ? &later : NULL) : &then));
  if (c->size > 1) memset(c->sums, 0, (size_t)count * sizeof(*c->sums));
  if (*there) {
    const float *X;
    PetscCall(ReaderRows(c->task->reader, 0, now.count, &X));
    PetscCall(c->parts->leaf(c, own * c->leaf, now.count, X, c->size > 1 ? c->sums : c->slice));
  }
  const Exact none = {0};
  exact_join(&c->objective, &none); /* carries, so that ranks can be added */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each rank gets its part of the leaves' sums, and adds them in the order of the leaves. */
static PetscErrorCode JoinLeaves(Classical *c, int64_t there, bool mine, int64_t count)
{
  const int64_t part = max_i64(0, min_i64(count - c->first, c->count));
  int *number;
  double *got;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(4 * c->size, &number));
  PetscCall(ArrayCreate(part * there, &got));
  int *sent = number, *sent_at = number + c->size, *received = number + 2 * c->size,
      *received_at = number + 3 * c->size;
  for (int r = 0; r < c->size; r++) {
    int64_t first, rows;
    part_of(c->most, 1, r, c->size, &first, &rows);
    sent[r] = mine ? (int)max_i64(0, min_i64(count - first, rows)) : 0;
    sent_at[r] = (int)min_i64(first, count);
    received[r] = r < there ? (int)part : 0;
    received_at[r] = (int)min_i64(r, there) * (int)part;
  }
  PetscCallMPI(MPI_Alltoallv(c->sums, sent, sent_at, MPI_DOUBLE, got, received, received_at,
                             MPI_DOUBLE, c->task->comm));
  for (int64_t r = 0; r < there; r++)
    for (int64_t i = 0; i < part; i++) c->slice[i] += got[r * part + i];
  PetscCall(ArrayDestroy(&got));
  PetscCall(ArrayDestroy(&number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool finite_sums(int64_t count, const double *sums)
{
  bool good = true;
  for (int64_t i = 0; i < count; i++) good &= isfinite(sums[i]) != 0;
  return good;
}

/* The sums of all parts, on every rank, in c->sums. */
static PetscErrorCode GatherSums(Classical *c, int64_t count)
{
  int *number;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(2 * c->size, &number));
  for (int r = 0; r < c->size; r++) {
    int64_t first, rows;
    part_of(c->most, 1, r, c->size, &first, &rows);
    number[r] = (int)max_i64(0, min_i64(count - first, rows));
    number[c->size + r] = (int)min_i64(first, count);
  }
  PetscCallMPI(MPI_Allgatherv(c->slice, number[c->rank], MPI_DOUBLE, c->sums, number,
                              number + c->size, MPI_DOUBLE, c->task->comm));
  PetscCall(ArrayDestroy(&number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EndUnit(Classical *c, int64_t count, StepReport *report)
{
  int64_t *number = c->number;

  PetscFunctionBegin;
  PetscCall(GatherSums(c, count));
  PetscCall(ExactSum(c->task->comm, 1, &c->objective));
  const double objective = exact_value(&c->objective);
  memset(&c->objective, 0, sizeof(c->objective));
  if (isfinite(objective) && finite_sums(count, c->sums)) {
    PetscCall(c->parts->finish(c, c->sums, objective, report));
    c->last = objective;
  } else {
    number[CLASSICAL_ENDED] = CLASSICAL_INFINITE;
  }
  number[CLASSICAL_UNIT]++;
  number[CLASSICAL_LEAF] = 0;
  memset(c->slice, 0, (size_t)c->count * sizeof(*c->slice));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void tell_end(const Classical *c, StepReport *report)
{
  static const char *const reasons[] = {
      "", "solved", "converged", "iterations", "steps", "sums over the tokens are not finite"};
  const int64_t ended = c->number[CLASSICAL_ENDED];
  report->step = c->number[CLASSICAL_UNIT];
  if (!ended) return;
  report->state = ended == CLASSICAL_INFINITE ? STEP_FAILED : STEP_DONE;
  report->reason = reasons[ended];
}

PetscErrorCode ClassicalStep(void *self, StepReport *report)
{
  Classical *c = self;
  const Stretch unit = unit_of(c, c->number[CLASSICAL_UNIT]);
  const int64_t leaves = leaves_of(c, &unit), base = c->number[CLASSICAL_LEAF],
                count = c->parts->count(c), end = min_i64(base + c->size, leaves);
  bool mine;

  PetscFunctionBegin;
  *report = (StepReport){.state = STEP_MORE, .steps = c->units};
  if (!c->number[CLASSICAL_ENDED]) {
    PetscCall(SumLeaf(c, &unit, base, count, &mine));
    if (c->size > 1) PetscCall(JoinLeaves(c, end - base, mine, count));
    c->number[CLASSICAL_LEAF] = end;
    report->tokens = min_i64(end * c->leaf, unit.count) - base * c->leaf;
    if (end == leaves) PetscCall(EndUnit(c, count, report));
  }
  tell_end(c, report);
  PetscFunctionReturn(PETSC_SUCCESS);
}
