/* Tokens at the border of two ranks go to whoever comes first: each is encoded once, every rank has
   tokens without a gap, in order, and a rank that waits gives some away.
   RUN ranks=2
   RUN ranks=3 */
#include "../../src/learn/sae/batch.h"
#include "../sae_task.h"
#include "../tap.h"
#include <time.h>

enum { B = 2100, N = 3 * B, D = 4 };
static const char path[] = "learn_border.test.h5";

/* A code of each of the tokens from .. to - 1: as many numbers as the token's number says. */
static PetscErrorCode Encode(SAE *sae, int64_t from, int64_t to, Codes *codes)
{
  PetscFunctionBeginUser;
  PetscCall(CodesReserve(codes, codes->rows + to - from, codes->start[codes->rows] + 4 * B));
  for (int64_t t = sae->batch->first + from; t < sae->batch->first + to; t++) {
    int64_t at = codes->start[codes->rows++];
    for (int64_t i = 0; i < t % 4; i++) {
      codes->atom[at] = (int32_t)(t + i), codes->more[at] = (float)i;
      codes->value[at++] = (float)t;
    }
    codes->start[codes->rows] = at;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool in_order(const SAE *sae, const Codes *codes)
{
  bool good = codes->rows == sae->batch->count;
  for (int64_t r = 0; r < codes->rows; r++) {
    const int64_t t = sae->batch->first + r, at = codes->start[r];
    good = good && codes->start[r + 1] - at == t % 4;
    for (int64_t i = 0; good && i < t % 4; i++)
      good = codes->atom[at + i] == t + i && codes->value[at + i] == (float)t &&
             codes->more[at + i] == (float)i;
  }
  return good;
}

static bool without_gap(const SAE *sae)
{
  int64_t ends[2] = {sae->batch->first, sae->batch->first + sae->batch->count}, all[2 * 8], at = 0;
  MPI_Allgather(ends, 2, MPI_INT64_T, all, 2, MPI_INT64_T, PETSC_COMM_WORLD);
  bool good = true;
  for (int r = 0; r < sae->size; r++) good = good && all[2 * r] == at, at = all[2 * r + 1];
  return good && at == B;
}

/* One step; late: the rank that comes to the border after the others have gone. */
static PetscErrorCode Step(SAE *sae, int late)
{
  const struct timespec pause = {0, 30000000};
  SAEBatch *batch = sae->batch;
  Codes codes = {.has_more = true};
  int64_t from, to, count;

  PetscFunctionBeginUser;
  batch->b = B;
  batch_part(sae, B, sae->rank, &batch->first, &count);
  batch->count = count;
  PetscCall(CodesReserve(&codes, B, 0));
  Border border = border_open(sae);
  border_made(&border);
  PetscCall(Encode(sae, border.from, border.to, &codes));
  MPI_Barrier(PETSC_COMM_WORLD);
  if (sae->rank == late) nanosleep(&pause, NULL);
  while (border_take(&border, &from, &to)) PetscCall(Encode(sae, from, to, &codes));
  PetscCall(BorderOrder(sae, &border, &codes));
  border_close(sae, &border);
  const bool paired = (sae->rank ^ 1) < sae->size;
  OK(in_order(sae, &codes), "rank %d late: codes in order", late);
  OK(without_gap(sae), "no gap");
  OK(!paired || late / 2 != sae->rank / 2 ||
         (sae->rank == late ? batch->count < count : batch->count > count),
     "the late rank has fewer tokens, its neighbour more");
  codes_clear(&codes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Try(void)
{
  SAETask task;
  SAE *sae;

  PetscFunctionBeginUser;
  PetscCall(SAETaskOpen(PETSC_COMM_WORLD, path,
                        "width=9 train.batch=2100 code.name=topk code.k=2 train.steps=9 "
                        "atoms.name=free",
                        0, &task));
  task.task.route = ROUTE_OWNER;
  PetscCall(SAECreate(&task.task, &sae));
  for (int turn = 0; turn < 3; turn++)
    for (int late = 0; late < 2; late++) {
      PetscCall(Step(sae, late));
      MPI_Barrier(PETSC_COMM_WORLD);
    }
  PetscCall(SAEDestroy(&sae));
  PetscCall(SAETaskClose(&task));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  RUN(SAETaskTokens(path, N, D));
  RUN(Try());
  MPI_Barrier(PETSC_COMM_WORLD);
  if (tap_rank == 0) unlink(path);
  return TestEnd();
}
