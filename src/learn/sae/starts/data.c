/* Directions of distinct training tokens drawn at random. */
#include "learn/sae.h"
#include "base/random.h"

static PetscErrorCode start(const void *settings, SAE *sae, float *rows)
{
  const View *view = &sae->task->view;
  const int64_t n = split_count(view->split, false);
  int64_t *row;

  (void)settings;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(sae->rows, &row));
  for (int64_t j = 0; j < sae->rows; j++) {
    const int64_t atom = sae->first + j,
                  turn = atom / n; /* more atoms than tokens: the order begins anew */
    row[j] = split_row(
        view->split, false,
        random_permuted((uint64_t)sae->task->seed_init, RANDOM_ATOMS, (uint64_t)turn, n, atom % n));
  }
  PetscCall(ViewRead(view, sae->rows, row, rows));
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SAEStart sae_start_data = {
    .entry = {"data", "directions of training tokens drawn at random", NULL, NULL, 0, SEED_INIT},
    .start = start,
};
