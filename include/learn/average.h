/* The average of a sparse autoencoder's parameters over its steps: docs/numerics.md section 3. */
#pragma once
#include "learn/sae.h"

/* AverageCreate - room for it, where the settings ask for one; AverageDestroy frees. Not
   collective. */
PetscErrorCode AverageCreate(SAE *sae);
PetscErrorCode AverageDestroy(SAE *sae);
/* Takes in the parameters after a step. */
void average_step(SAE *sae);
/* Forgets what count parameters from p on were before the step that was done last: their mean is
   what they are now. Before average_step. */
void average_restart(SAE *sae, const float *p, int64_t count);
/* The sums that belong to parameters from p on, which lie in sae->block[0]; NULL: there is no
   average. */
float *average_of(const SAE *sae, const float *p);
/* Makes the model that is shown: averages under the atoms' constraint, a row that has none being
   the parameters' own, and atoms formed from them; before the first step the parameters. */
void average_show(SAE *sae);
/* What model files hold of a tensor, and the atoms here [rows x d]: averages as last shown, or
   where there are none the parameters themselves. */
float *shown_tensor(const SAE *sae, const Tensor *t);
float *shown_atoms(const SAE *sae);
