/* Archetypal weights: rows of W on the simplex over the anchors. */
#pragma once
#include "learn/pick.h"
#include "learn/sae.h"

/* Starting weights of the atoms here: one anchor, or a mixture of two. */
void simplex_start(SAE *sae, Pick pick);
/* D = W C, in the order of the anchors. */
void simplex_form(SAE *sae, float *D);
/* dW = scale G C^T. */
void simplex_pull_back(SAE *sae, float scale);
/* SAEAtoms.project of W: negatives to 0, rows divided by their sum + 1e-8; a row whose sum is below
 * 1e-6 keeps its previous value (Fel et al. 2025, pseudo-code). */
void simplex_project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous);
