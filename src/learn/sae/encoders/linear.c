/* A linear layer on the centred tokens. */
#include "learn/hidden.h"

typedef struct {
  int bias, start;
} Linear;
enum { START_ATOMS, START_RANDOM, START_XAVIER, START_KAIMING };
static const char *const start_words[] = {"atoms", "random", "xavier", "kaiming", NULL};

static const Param params[] = {
    {"start", PARAM_WORD, offsetof(Linear, start), "atoms",
     .doc = "rows start as the unit atoms, or uniform within 1/sqrt(d) (random), sqrt(6/(m+d)) "
            "(xavier) or sqrt(6/d) (kaiming) of 0",
     .words = start_words},
    ENCODER_BIAS(Linear),
    {0},
};

static unsigned draws(const void *settings)
{
  return ((const Linear *)settings)->start == START_ATOMS ? 0 : SEED_INIT;
}

static void start(const void *settings, SAE *sae, const float *D)
{
  const int which = ((const Linear *)settings)->start;
  float *E = tensor_named(sae, "encoder/weight")->p;
  const int64_t d = sae->d;
  const double bound = which == START_XAVIER    ? __builtin_sqrt(6 / (double)(sae->m + d))
                       : which == START_KAIMING ? __builtin_sqrt(6 / (double)d)
                                                : 1 / __builtin_sqrt((double)d);
  if (which != START_ATOMS) encoder_draw(sae, sae->first * d, sae->rows * d, bound, E);
  for (int64_t j = 0; j < sae->rows && which == START_ATOMS; j++) {
    const double norm = __builtin_sqrt(sae->kernels->square64(d, D + j * d));
    for (int64_t i = 0; i < d; i++)
      E[j * d + i] = norm > 0 ? (float)((double)D[j * d + i] / norm) : 0.0f;
  }
}

const SAEEncoder sae_encoder_linear = {
    .entry = {"linear", "one linear layer with biases", NULL, params, sizeof(Linear),
              .draws = draws},
    .start = start,
};
