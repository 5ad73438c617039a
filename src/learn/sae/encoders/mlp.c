/* A hidden layer with layer norm and positive parts, then a linear layer. */
#include "learn/hidden.h"
#include <string.h>

typedef struct {
  int bias, start;
} MLP;
enum { START_XAVIER, START_KAIMING };
static const char *const start_words[] = {"xavier", "kaiming", NULL};

static const Param params[] = {
    {"start", PARAM_WORD, offsetof(MLP, start), "xavier",
     .doc = "rows of both layers start uniform within sqrt(6/(inputs + outputs)) (xavier) or "
            "sqrt(6/inputs) (kaiming) of 0, gains at 1, all else at 0",
     .words = start_words},
    ENCODER_BIAS(MLP),
    {0},
};

static void start(const void *settings, SAE *sae, const float *D)
{
  const bool kaiming = ((const MLP *)settings)->start == START_KAIMING;
  const int64_t d = sae->d;
  const double inputs = (double)d;
  Tensor *W = tensor_named(sae, hidden_names[HIDDEN_W]);
  float *gain = tensor_named(sae, hidden_names[HIDDEN_GAIN])->p;
  (void)D;
  encoder_draw(sae, sae->first * d, sae->rows * d,
               __builtin_sqrt(6 / (kaiming ? inputs : inputs + (double)sae->m)),
               encoder_tensor(sae)->p);
  encoder_draw(sae, sae->m * d, d * d, __builtin_sqrt(6 / (kaiming ? inputs : 2 * inputs)), W->p);
  for (int64_t i = 0; i < d; i++) gain[i] = 1;
}

const SAEEncoder sae_encoder_mlp = {
    .entry = {"mlp",
              "a hidden layer as wide as the tokens, layer norm, positive parts, and a linear "
              "layer",
              "KempnerInstitute/overcomplete v0.3, MLPEncoder, without its residual and last norm; "
              "Ba et al. 2016, arXiv:1607.06450, eq. (4)",
              params, sizeof(MLP), SEED_INIT},
    .rows = ROWS_HIDDEN,
    .start = start,
};
