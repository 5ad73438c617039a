/* Normalised tokens, and the order in which training visits them. */
#include "data/view.h"
#include "base/array.h"
#include "base/exact.h"
#include "base/random.h"
#include <math.h>

enum { CENTER_NONE, CENTER_MEAN, CENTER_MIN };
enum { SCALE_NONE, SCALE_RMS, SCALE_UNIT, SCALE_STD };
enum { CHUNK = ORDER_CHUNK, WINDOW_CHUNKS = ORDER_WINDOW, WINDOW = CHUNK * WINDOW_CHUNKS };

typedef struct {
  int center, scale;
} NormaliseParams;

static const char *const centers[] = {"none", "mean", "min", NULL};
static const char *const scales[] = {"none", "rms", "unit", "std", NULL};

const Param normalise_params[] = {
    {.name = "center",
     .type = PARAM_WORD,
     .offset = offsetof(NormaliseParams, center),
     .initial = "mean",
     .doc = "what is taken off each token: nothing, the mean token, or each dimension's minimum",
     .words = centers},
    {.name = "scale",
     .type = PARAM_WORD,
     .offset = offsetof(NormaliseParams, scale),
     .initial = "rms",
     .doc = "what tokens are divided by, so that: rms: mean |x|^2 = d; unit: mean |x|^2 = 1; std: "
            "every dimension has deviation 1",
     .words = scales},
    {0},
};

static PetscErrorCode NormaliserAllocate(int64_t d, Normaliser **normaliser)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(normaliser));
  (*normaliser)->d = d;
  PetscCall(PetscMalloc4(d, &(*normaliser)->mu, d, &(*normaliser)->inv, d, &(*normaliser)->mean, d,
                         &(*normaliser)->scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a file would say: the float32 numbers that are really used. */
static void settle(Normaliser *normaliser)
{
  for (int64_t i = 0; i < normaliser->d; i++) {
    normaliser->mean[i] = (double)normaliser->mu[i];
    normaliser->scale[i] = 1 / (double)normaliser->inv[i];
  }
}

/* mean |x - center|^2 */
static double mean_square(const TokenStatistics *statistics, int64_t d, const double *center)
{
  Exact sum = {0};
  exact_add(&sum, statistics->square);
  for (int64_t i = 0; i < d; i++) {
    const double off = statistics->mean[i] - center[i];
    exact_add(&sum, off * off);
  }
  return exact_value(&sum);
}

/* 1 / scale as float32; a scale of 0 (all tokens alike), or too near it for that, divides by 1. */
static float inverse(double scale)
{
  const float by = scale > 0 ? (float)(1 / scale) : 1.0f;
  return isfinite(by) ? by : 1.0f;
}

PetscErrorCode NormaliserCreate(const Tokens *tokens, const Settings *settings,
                                Normaliser **normaliser)
{
  PetscFunctionBeginUser;
  const TokenStatistics *statistics = tokens_statistics(tokens);
  const int64_t d = tokens_width(tokens);
  NormaliseParams params;
  double *center;
  PetscCall(ParamsRead(settings, "normalise.", normalise_params, &params));
  PetscCall(NormaliserAllocate(d, normaliser));
  PetscCall(PetscCalloc1(d, &center));
  for (int64_t i = 0; i < d; i++) {
    if (params.center == CENTER_MEAN) center[i] = statistics->mean[i];
    if (params.center == CENTER_MIN) center[i] = statistics->minimum[i];
    (*normaliser)->mu[i] = (float)center[i];
  }
  double scale = mean_square(statistics, d, center);
  scale = sqrt(params.scale == SCALE_RMS ? scale / (double)d : scale);
  for (int64_t i = 0; i < d; i++) {
    (*normaliser)->inv[i] = inverse(params.scale == SCALE_NONE  ? 1
                                    : params.scale == SCALE_STD ? statistics->deviation[i]
                                                                : scale);
  }
  settle(*normaliser);
  PetscCall(PetscFree(center));
  PetscCall(ParamsRelease(normalise_params, &params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NormaliserFromArrays(int64_t d, const double *mean, const double *scale,
                                    Normaliser **normaliser)
{
  PetscFunctionBeginUser;
  PetscCall(NormaliserAllocate(d, normaliser));
  for (int64_t i = 0; i < d; i++) {
    (*normaliser)->mu[i] = (float)mean[i];
    (*normaliser)->inv[i] = inverse(scale[i]);
  }
  settle(*normaliser);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NormaliserDestroy(Normaliser **normaliser)
{
  PetscFunctionBeginUser;
  if (!*normaliser) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(
      PetscFree4((*normaliser)->mu, (*normaliser)->inv, (*normaliser)->mean, (*normaliser)->scale));
  PetscCall(PetscFree(*normaliser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t order_chunk(const Order *order, int64_t epoch, int64_t place)
{
  const int64_t whole = order->n / CHUNK;
  return CHUNK * (place < whole
                      ? random_permuted(order->seed, RANDOM_CHUNKS, (uint64_t)epoch, whole, place)
                      : place);
}

int64_t order_at(const Order *order, int64_t epoch, int64_t position)
{
  const int64_t window = position / WINDOW, begin = window * WINDOW;
  const int64_t size = min_i64(WINDOW, order->n - begin);
  const uint64_t index = (uint64_t)epoch << 32 | (uint64_t)window;
  const int64_t inside = random_permuted(order->seed, RANDOM_WINDOW, index, size, position - begin);
  return order_chunk(order, epoch, window * WINDOW_CHUNKS + inside / CHUNK) + inside % CHUNK;
}

PetscErrorCode ViewRead(const View *view, int64_t count, const int64_t *row, float *X)
{
  PetscFunctionBeginUser;
  const Normaliser *normaliser = view->normaliser;
  PetscCall(TokensRead(view->tokens, count, row, X));
  view->kernels->normalise(count, normaliser->d, X, normaliser->d, normaliser->mu, normaliser->inv);
  PetscFunctionReturn(PETSC_SUCCESS);
}
