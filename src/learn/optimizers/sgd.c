/* Gradient descent with momentum: m = momentum m + g, p = p - lr m. */
#include "learn/train.h"

typedef struct {
  double lr, momentum;
} SGD;

static const Param params[] = {
    {"lr", PARAM_REAL, offsetof(SGD, lr), "0.1", 0, 1e6, "learning rate", .open_min = true},
    {"momentum", PARAM_REAL, offsetof(SGD, momentum), "0", 0, 0.9999999,
     "share of the last update that is kept"},
    {0},
};

static double rate(const void *settings)
{
  return ((const SGD *)settings)->lr;
}

static void update(const void *settings, const Update *now)
{
  const float momentum = (float)((const SGD *)settings)->momentum, lr = (float)now->rate;
  for (int64_t i = 0; i < now->count; i++) {
    const float kept = momentum * now->m[i], m = kept + now->g[i] * now->scale;
    now->m[i] = __builtin_fabsf(m) < 0x1p-100f ? 0.0f : m;
    now->p[i] = now->p[i] - lr * m;
  }
}

const Optimizer optimizer_sgd = {
    .entry = {"sgd", "gradient descent with momentum", NULL, params, sizeof(SGD)},
    .rate = rate,
    .update = update,
};
