/* The scratch of a step serves all learners of a pack that have its shape, since they are stepped
   in turns. */
#include "base/array.h"
#include "batch.h"

/* One scratch and who uses it. */
typedef struct Scratch Scratch;
struct Scratch {
  Nodes *nodes;
  SAEBatch *batch;
  int64_t b, m, cols, inputs; /* its shape: all that BatchCreate looks at and that learners of a
                         pack may differ in; cols: of the widest tensor */
  int levels;
  bool apart, own, more, gate, unchosen, hidden;
  int64_t picks;
  int users;
  Scratch *next;
};

PetscErrorCode BatchTake(SAE *sae)
{
  const int64_t b = sae->params.batch, m = sae->m;
  Scratch **list = (Scratch **)sae->task->scratch, *one = list ? *list : NULL;
  int64_t cols = 0;

  PetscFunctionBegin;
  for (int i = 0; i < sae->tensors; i++) cols = max_i64(cols, sae->tensor[i].cols);
  const int levels = sae->levels.count;
  const bool apart = sae_apart(sae), own = sae->now.code->slopes != NULL,
             more = sae->now.code->more, gate = sae->now.code->gate,
             unchosen = sae->unchosen.weight > 0, hidden = encoder_rows(sae) == ROWS_HIDDEN;
  const int64_t picks = sae->now.code->unrolled ? sae->now.code->most(&sae->now, INT64_MAX) : 0;
  while (one && (one->b != b || one->m != m || one->cols != cols || one->inputs != sae->inputs ||
                 one->levels != levels || one->apart != apart || one->own != own ||
                 one->more != more || one->gate != gate || one->unchosen != unchosen ||
                 one->hidden != hidden || one->picks != picks))
    one = one->next;
  if (one) {
    one->users++;
    sae->nodes = one->nodes;
    sae->batch = one->batch;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NodesCreate(sae->comm, &sae->nodes));
  PetscCall(BatchCreate(sae));
  if (!list) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(1, &one));
  *one = (Scratch){sae->nodes, sae->batch, b,    m,        cols,   sae->inputs, levels, apart,
                   own,        more,       gate, unchosen, hidden, picks,       1,      *list};
  *list = one;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode BatchGive(SAE *sae)
{
  Scratch **at = (Scratch **)sae->task->scratch;

  PetscFunctionBegin;
  while (at && *at && (*at)->batch != sae->batch) at = &(*at)->next;
  if (at && *at && --(*at)->users) PetscFunctionReturn(PETSC_SUCCESS);
  if (at && *at) {
    Scratch *one = *at;
    *at = one->next;
    PetscCall(ArrayDestroy(&one));
  }
  PetscCall(BatchDestroy(sae));
  PetscCall(NodesDestroy(&sae->nodes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
