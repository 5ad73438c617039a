/* A gate decides which atoms are active, and a path of its own how much. */
#include "learn/penalty.h"
#include "base/math.h"
#include <string.h>

static const Param params[] = {
    PENALTY_PARAMS(PenaltyParams),
    {0},
};

enum { SCALE, BIAS }; /* e^r and the magnitudes' bias */
static const char *const learned[] = {"code/log_scale", "code/bias", NULL};

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const char *goal = settings_get(all, "goal.name"), *encoder = settings_get(all, "encoder.name"),
             *loss = settings_get(all, "goal.loss");
  *path = "name";
  if (goal && (strcmp(goal, "plain") || (loss && strcmp(loss, "mse"))))
    text_add(&why,
             "gated has a second reconstruction of its own, which is defined for the plain "
             "squared error only, not for goal %s%s",
             goal, strcmp(goal, "plain") ? "" : " with nmse");
  else if (encoder && strcmp(encoder, "linear"))
    text_add(&why,
             "the gate and the magnitudes share learned rows, so gated needs the encoder "
             "linear, not %s",
             encoder);
  return why.s ? why.s : penalty_check(settings, path);
}

/* Scores are the gate's; entries are all above 0, with the score as the further number. */
static void forward(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                    const float *S, Codes *codes)
{
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[codes->rows];
    const int64_t found =
        kernels->select_positive(m, S + t * m, codes->atom + at, codes->value + at);
    int64_t end = at;
    for (int64_t q = at; q < at + found; q++) {
      const int32_t j = codes->atom[q];
      const float score = codes->value[q],
                  z = __builtin_fmaf(now->learned[SCALE][j], score - now->bias[j],
                                     now->learned[BIAS][j]);
      if (!now->training && !(z > 0)) continue;
      codes->atom[end] = j, codes->value[end] = z > 0 ? z : 0;
      if (now->training) codes->more[end] = score;
      end++;
    }
    codes->start[++codes->rows] = end;
  }
}

static float shown(int which, float x)
{
  return which == SCALE ? (float)math_exp((double)x) : x;
}

static void slopes(const CodeNow *now, const Codes *codes, float *g, float *own)
{
  for (int64_t q = codes->start[0]; q < codes->start[codes->rows]; q++) {
    const int32_t j = codes->atom[q];
    const bool on = codes->value[q] > 0;
    own[q] = on ? g[q] * (codes->value[q] - now->learned[BIAS][j]) : 0;
    g[q] = on ? g[q] * now->learned[SCALE][j] : 0;
  }
}

static void finish(SAE *sae, const float *own, const float *sums, float factor)
{
  float *scale = sae->tensor[sae->learned_tensor[SCALE]].g,
        *bias = sae->tensor[sae->learned_tensor[BIAS]].g;
  for (int64_t j = 0; j < sae->rows; j++) {
    scale[j] = factor * own[j];
    bias[j] = factor * (sums[j] / sae->now.learned[SCALE][sae->first + j]);
  }
}

const SAECode sae_code_gated = {
    .entry = {"gated",
              "a gate says which atoms are active, a scale and a bias of their own how much",
              "Rajamanoharan et al. 2024, arXiv:2404.16014, eqs. (5) to (8)", params,
              sizeof(PenaltyParams), .check = check},
    .forward = forward,
    .most = every_atom,
    .start = penalty_begin,
    .l1 = penalty_l1,
    .numbers = penalty_numbers,
    .stepped = penalty_stepped,
    .learned = learned,
    .shown = shown,
    .more = true,
    .slopes = slopes,
    .finish = finish,
    .gate = true,
};
