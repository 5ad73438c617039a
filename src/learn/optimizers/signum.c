/* Steps of the same length for every parameter, in the direction of the sign of its momentum. */
#include "learn/train.h"

typedef struct {
  double lr, momentum;
} Signum;

static const Param params[] = {
    {"lr", PARAM_REAL, offsetof(Signum, lr), "1e-3", 0, 1e6, "length of a step", .open_min = true},
    {"momentum", PARAM_REAL, offsetof(Signum, momentum), "0.9", 0, 0.9999999,
     "share of the mean gradient that is kept"},
    {0},
};

static double rate(const void *settings)
{
  return ((const Signum *)settings)->lr;
}

static void update(const void *settings, const Update *now)
{
  const float keep = (float)((const Signum *)settings)->momentum, lr = (float)now->rate;
  for (int64_t i = 0; i < now->count; i++) {
    const float kept = keep * now->m[i], m = kept + (1 - keep) * (now->g[i] * now->scale);
    now->m[i] = __builtin_fabsf(m) < 0x1p-100f ? 0.0f : m;
    /* a gradient that is not finite must not pass for a direction; whether there is one is foreseen
       by the CPU, which one is not */
    now->p[i] = now->p[i] - (m > 0 || m < 0 ? __builtin_copysignf(lr, m) : 0 * m);
  }
}

const Optimizer optimizer_signum = {
    .entry = {"signum", "steps of one length by the sign of the momentum",
              "Bernstein et al. 2018, arXiv:1802.04434, algorithm 2", params, sizeof(Signum)},
    .rate = rate,
    .update = update,
};
