/* Where the centring bias starts. */
#include "learn/sae.h"
#include <string.h>

const char *const encoder_bias_words[] = {"zero", "mean", "median", NULL};
enum { ZERO, MEAN, MEDIAN, SAMPLE = 4096, ROUNDS = 100 };

/* sum of weight x / sum of weight over n tokens, in their order; weights 1, or 1 / |x - y| (a token
   at y counts nothing). */
static void centre(int64_t n, int64_t d, const float *X, const double *y, double *to)
{
  double all = 0;
  memset(to, 0, (size_t)d * sizeof(*to));
  for (int64_t t = 0; t < n; t++) {
    double square = 0;
    for (int64_t i = 0; y && i < d; i++) {
      const double off = (double)X[t * d + i] - y[i];
      square += off * off;
    }
    const double weight = !y ? 1 : square > 0 ? 1 / __builtin_sqrt(square) : 0;
    for (int64_t i = 0; i < d; i++) to[i] += weight * (double)X[t * d + i];
    all += weight;
  }
  for (int64_t i = 0; i < d; i++) to[i] = all > 0 ? to[i] / all : y ? y[i] : 0;
}

PetscErrorCode BiasStart(SAE *sae)
{
  const View *view = &sae->task->view;
  const int which = ((const EncoderParams *)sae->params.encoder.params)->bias;
  const int64_t all = split_count(view->split, false), n = min_i64(all, SAMPLE), d = sae->d;
  int64_t *row;
  float *X;
  double *y, *next;

  PetscFunctionBegin;
  if (which == ZERO) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayCreate(n, &row));
  PetscCall(ArrayCreate(n * d, &X));
  PetscCall(ArrayCreate(d, &y));
  PetscCall(ArrayCreate(d, &next));
  for (int64_t t = 0; t < n; t++) row[t] = split_row(view->split, false, t * all / n);
  PetscCall(ViewRead(view, n, row, X));
  centre(n, d, X, NULL, y);
  for (int round = 0; which == MEDIAN && round < ROUNDS; round++) { /* Weiszfeld */
    double moved = 0, size = 0;
    centre(n, d, X, y, next);
    for (int64_t i = 0; i < d; i++) {
      moved += (next[i] - y[i]) * (next[i] - y[i]), size += next[i] * next[i];
      y[i] = next[i];
    }
    if (moved <= 1e-16 * size) break;
  }
  for (int64_t i = 0; i < d; i++) sae->bias[i] = (float)y[i];
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&X));
  PetscCall(ArrayDestroy(&y));
  PetscCall(ArrayDestroy(&next));
  PetscFunctionReturn(PETSC_SUCCESS);
}
