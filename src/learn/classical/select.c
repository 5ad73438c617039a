/* The tokens of the largest scores: each rank keeps its best, joined at the end of the pass. */
#include "select.h"
#include "base/random.h"
#include "factors.h"
#include "learn/kmeans.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  double score;
  int64_t token;
} Scored;

typedef struct {
  const Scorer *scorer;
  void *model;
  int64_t count, space;
  Scored *kept; /* [space] */
} Select;

static int better_first(const void *a, const void *b)
{
  const Scored *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return (x->token > y->token) - (x->token < y->token);
}

PetscErrorCode SampleTokens(const Classical *c, int64_t *count, float **rows)
{
  int64_t *token;

  PetscFunctionBegin;
  *count = min_i64(*count, c->n);
  PetscCall(ArrayCreate(*count, &token));
  PetscCall(ArrayCreate(*count * c->d, rows));
  for (int64_t t = 0; t < *count; t++)
    token[t] = random_permuted((uint64_t)c->task->seed_init, RANDOM_PICK, 0, c->n, t);
  PetscCall(KMeansGather(c->task, *count, token, *rows));
  PetscCall(ArrayDestroy(&token));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SelectStart(Classical *c, const Scorer *scorer)
{
  Select *select;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &select));
  c->own = select;
  select->scorer = scorer;
  select->space = 2 * c->m + CLASSICAL_CHUNK;
  PetscCall(ArrayCreate(select->space, &select->kept));
  PetscCall(StartFromTokens(c));
  PetscCall(scorer->prepare(c, &select->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SelectAgain(Classical *c)
{
  Select *select = c->own;

  PetscFunctionBegin;
  select->count = 0;
  PetscCall(select->scorer->release(&select->model));
  PetscCall(select->scorer->prepare(c, &select->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const void *select_model(const void *self)
{
  return ((const Select *)((const Classical *)self)->own)->model;
}

int64_t select_count(const Classical *c)
{
  (void)c;
  return 1;
}

static void keep_best(Select *select, int64_t most)
{
  qsort(select->kept, (size_t)select->count, sizeof(Scored), better_first);
  select->count = min_i64(select->count, most);
}

PetscErrorCode SelectLeaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums)
{
  Select *select = c->own;
  double score[CLASSICAL_CHUNK];

  PetscFunctionBegin;
  (void)sums;
  for (int64_t t = 0; t < rows; t += CLASSICAL_CHUNK) {
    const int64_t count = min_i64(CLASSICAL_CHUNK, rows - t);
    PetscCall(select->scorer->score(c, select->model, count, X + t * c->d, score));
    if (select->count + count > select->space) keep_best(select, c->m);
    for (int64_t q = 0; q < count; q++)
      select->kept[select->count++] = (Scored){score[q], first + t + q};
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SelectFinish(Classical *c, const double *sums, double objective, StepReport *report)
{
  Select *select = c->own, all = {0};
  int *bytes, mine;
  int64_t *token;

  PetscFunctionBegin;
  (void)sums, (void)objective;
  keep_best(select, c->m);
  mine = (int)(select->count * (int64_t)sizeof(Scored));
  PetscCall(ArrayCreate(2 * c->size, &bytes));
  PetscCall(ArrayCreate(c->m, &token));
  PetscCall(ArrayCreate(c->m * c->size, &all.kept));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, bytes, 1, MPI_INT, c->task->comm));
  for (int r = 1; r < c->size; r++) bytes[c->size + r] = bytes[c->size + r - 1] + bytes[r - 1];
  PetscCallMPI(MPI_Allgatherv(select->kept, mine, MPI_BYTE, all.kept, bytes, bytes + c->size,
                              MPI_BYTE, c->task->comm));
  all.count = (bytes[2 * c->size - 1] + bytes[c->size - 1]) / (int64_t)sizeof(Scored);
  keep_best(&all, c->m);
  for (int64_t j = 0; j < c->m; j++) token[j] = all.kept[j].token;
  PetscCall(KMeansGather(c->task, c->m, token, c->atoms));
  c->number[CLASSICAL_ENDED] = CLASSICAL_SOLVED;
  report->log = true;
  PetscCall(ArrayDestroy(&bytes));
  PetscCall(ArrayDestroy(&token));
  PetscCall(ArrayDestroy(&all.kept));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SelectDestroy(Classical *c)
{
  Select *select = c->own;

  PetscFunctionBegin;
  PetscCall(select->scorer->release(&select->model));
  PetscCall(ArrayDestroy(&select->kept));
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}
