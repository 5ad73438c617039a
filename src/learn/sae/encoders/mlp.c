/* A hidden layer with layer norm and positive parts, then a linear layer. */
#include "learn/hidden.h"
#include <string.h>

typedef struct {
  int bias, start;
  int64_t hidden; /* 0: as the tokens */
} MLP;
enum { START_XAVIER, START_KAIMING };
static const char *const start_words[] = {"xavier", "kaiming", NULL};

static const Param params[] = {
    {"start", PARAM_WORD, offsetof(MLP, start), "xavier",
     .doc = "rows of both layers start uniform within sqrt(6/(inputs + outputs)) (xavier) or "
            "sqrt(6/inputs) (kaiming) of 0, gains at 1, all else at 0",
     .words = start_words},
    {"hidden", PARAM_INT, offsetof(MLP, hidden), "", 1, 1e6,
     "width of the hidden layer; not given: that of the tokens", .quiet = true},
    ENCODER_BIAS(MLP),
    {0},
};

static int64_t hidden(const void *settings, int64_t d)
{
  const int64_t width = ((const MLP *)settings)->hidden;
  return width ? width : d;
}

static void start(const void *settings, SAE *sae, const float *D)
{
  const bool kaiming = ((const MLP *)settings)->start == START_KAIMING;
  const int64_t d = sae->d, width = sae->inputs;
  const double from = (double)d, to = (double)width;
  Tensor *W = tensor_named(sae, hidden_names[HIDDEN_W]);
  float *gain = tensor_named(sae, hidden_names[HIDDEN_GAIN])->p;
  (void)D;
  encoder_draw(sae, sae->first * width, sae->rows * width,
               __builtin_sqrt(6 / (kaiming ? to : to + (double)sae->m)), encoder_tensor(sae)->p);
  encoder_draw(sae, sae->m * width, width * d, __builtin_sqrt(6 / (kaiming ? from : from + to)),
               W->p);
  for (int64_t i = 0; i < width; i++) gain[i] = 1;
}

const SAEEncoder sae_encoder_mlp = {
    .entry = {"mlp", "a hidden layer, layer norm, positive parts, and a linear layer",
              "KempnerInstitute/overcomplete v0.3, MLPEncoder, without its residual and last norm; "
              "Ba et al. 2016, arXiv:1607.06450, eq. (4)",
              params, sizeof(MLP), SEED_INIT},
    .rows = ROWS_HIDDEN,
    .start = start,
    .hidden = hidden,
};
