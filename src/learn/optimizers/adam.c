/* Adam with bias correction, as docs/numerics.md section 3 writes it. */
#include "learn/train.h"

typedef struct {
  double lr, beta1, beta2, epsilon;
} Adam;

static const Param params[] = {
    {"lr", PARAM_REAL, offsetof(Adam, lr), "5e-4", 0, 1e6, "learning rate", .open_min = true},
    {"beta1", PARAM_REAL, offsetof(Adam, beta1), "0.9", 0, 0.9999999, "decay of the first moment"},
    {"beta2", PARAM_REAL, offsetof(Adam, beta2), "0.999", 0, 0.9999999,
     "decay of the second moment"},
    {"epsilon", PARAM_REAL, offsetof(Adam, epsilon), "1e-8", 0, 1,
     "added to the root of the second moment", .open_min = true},
    {0},
};

static double rate(const void *settings)
{
  return ((const Adam *)settings)->lr;
}

/* x^n by repeated squaring, the same products everywhere. */
static double power(double x, int64_t n)
{
  double y = 1;
  for (; n; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

static void update(const void *settings, const Update *now)
{
  const Adam *adam = settings;
  /* corrected for the decays that the moments have: 1 - 0.999f is 1.3e-5 off 0.001 */
  const float b1 = (float)adam->beta1, b2 = (float)adam->beta2;
  const double a = now->rate / (1 - power((double)b1, now->step)),
               s = 1 / __builtin_sqrt(1 - power((double)b2, now->step));
  now->kernels->adam(now->count, now->p, now->m, now->v, now->g, now->scale, (float)a, (float)s, b1,
                     b2, (float)adam->epsilon);
}

const Optimizer optimizer_adam = {
    .entry = {"adam", "Adam with bias correction", "Kingma & Ba 2015, arXiv:1412.6980, algorithm 1",
              params, sizeof(Adam)},
    .rate = rate,
    .update = update,
};
