/* Directions drawn evenly from the sphere. */
#include "learn/sae.h"
#include "base/random.h"

static PetscErrorCode start(const void *settings, SAE *sae, float *rows)
{
  (void)settings;
  PetscFunctionBegin;
  for (int64_t i = 0; i < sae->rows * sae->d; i++)
    rows[i] = (float)random_normal((uint64_t)sae->task->seed_init, RANDOM_ATOMS,
                                   (uint64_t)(sae->first * sae->d + i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SAEStart sae_start_random = {
    .entry = {"random", "directions drawn evenly from the sphere", NULL, NULL, 0, SEED_INIT},
    .start = start,
};
