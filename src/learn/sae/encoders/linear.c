/* A linear layer on the centred tokens. */
#include "learn/sae.h"
#include "base/random.h"
#include <string.h>

typedef struct {
  int start;
} Linear;
enum { START_ATOMS, START_RANDOM };
static const char *const start_words[] = {"atoms", "random", NULL};

static const Param params[] = {
    {"start", PARAM_WORD, offsetof(Linear, start), "atoms",
     .doc = "rows start as the unit atoms, or uniform in +-1/sqrt(d)", .words = start_words},
    {0},
};

static unsigned draws(const void *settings)
{
  return ((const Linear *)settings)->start == START_RANDOM ? SEED_INIT : 0;
}

static void start(const void *settings, SAE *sae, const float *D)
{
  float *E = tensor_named(sae, "encoder/weight")->p;
  const int64_t d = sae->d;
  const double bound = 1 / __builtin_sqrt((double)d);
  for (int64_t j = 0; j < sae->rows; j++) {
    const double norm = __builtin_sqrt(sae->kernels->square64(d, D + j * d));
    for (int64_t i = 0; i < d; i++) {
      const uint64_t index = (uint64_t)((sae->first + j) * d + i);
      if (((const Linear *)settings)->start == START_RANDOM)
        E[j * d + i] = (float)(bound * (2 * random_uniform((uint64_t)sae->task->seed_init,
                                                           RANDOM_ENCODER, index) -
                                        1));
      else
        E[j * d + i] = norm > 0 ? (float)((double)D[j * d + i] / norm) : 0.0f;
    }
  }
}

const SAEEncoder sae_encoder_linear = {
    .entry = {"linear", "one linear layer with biases", NULL, params, sizeof(Linear),
              .draws = draws},
    .start = start,
};
