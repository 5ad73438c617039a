/* Archetypal weights. */
#include "learn/simplex.h"
#include <string.h>

void simplex_start(SAE *sae, Pick pick)
{
  Tensor *W = tensor_named(sae, "W");
  const int64_t p = W->cols;
  for (int64_t j = 0; j < sae->rows; j++) {
    const AnchorPick picked =
        anchor_pick(pick, (uint64_t)sae->task->seed_anchors, sae->m, p, sae->first + j);
    W->p[j * p + picked.q[0]] = picked.w[0];
    if (picked.w[1] != 0) W->p[j * p + picked.q[1]] = picked.w[1];
  }
}

void simplex_form(SAE *sae, float *D)
{
  const Tensor *W = tensor_named(sae, "W");
  sae->kernels->combine(sae->rows, W->cols, sae->d, W->p, W->cols, sae->task->anchors->points,
                        sae->d, D, sae->d);
}

void simplex_pull_back(SAE *sae, float scale)
{
  Tensor *W = tensor_named(sae, "W");
  const int64_t p = W->cols;
  sae->kernels->scores(sae->rows, sae->G, sae->d, &sae->anchors, NULL, W->g, p);
  if (scale != 1)
    for (int64_t i = 0; i < sae->rows * p; i++) W->g[i] *= scale;
}

void simplex_project(SAE *sae, const Tensor *t, int64_t row, int64_t rows, const float *previous)
{
  const int64_t p = t->cols;
  if (t != tensor_named(sae, "W")) return;
  for (int64_t j = 0; j < rows; j++) {
    float *w = t->p + (row + j) * p;
    for (int64_t q = 0; q < p; q++) w[q] = w[q] > 0 ? w[q] : 0;
    const double sum = sae->kernels->sum64(p, w);
    if (sum < 1e-6)
      memcpy(w, previous + j * p, (size_t)p * sizeof(*w));
    else
      for (int64_t q = 0; q < p; q++) w[q] = (float)((double)w[q] / (sum + 1e-8));
  }
}
