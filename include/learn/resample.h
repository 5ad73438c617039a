/* Dead atoms that begin anew from tokens which are reconstructed badly. */
#pragma once
#include "learn/sae.h"

/*
  Resample - after a step that is due for it: dead atoms here and their encoder rows become tokens
  of its batch, their moments 0; count rises by how many of all atoms did

  Collective. The parameters are those after the step and its constraint; atoms are not formed yet.
  Bricken et al. 2023, "Towards Monosemanticity", appendix on neuron resampling; docs/numerics.md
  section 3.
*/
PetscErrorCode Resample(SAE *sae, int64_t *count);

/* ResampleDraw - at most count different tokens of n, each drawn with a probability proportional to
   the square of its loss among those that are left, for the step of that number: token [count],
   found: how many there are with a loss above 0, at most count. Not collective. */
PetscErrorCode ResampleDraw(uint64_t seed, int64_t step, int64_t n, const double *loss,
                            int64_t count, int64_t *token, int64_t *found);
