/* The step that Adam and AdamW share, as docs/numerics.md section 3 writes it. */
#include "learn/adam.h"

double adam_rate(const void *params)
{
  return ((const AdamParams *)params)->lr;
}

double whole_power(double x, int64_t n)
{
  double y = 1;
  for (; n; n >>= 1, x *= x)
    if (n & 1) y *= x;
  return y;
}

void adam_update(const void *params, const Update *now)
{
  const AdamParams *adam = params;
  /* corrected for the decays that the moments have: 1 - 0.999f is 1.3e-5 off 0.001 */
  const float b1 = (float)adam->beta1, b2 = (float)adam->beta2;
  const double a = now->rate / (1 - whole_power((double)b1, now->step)),
               s = 1 / __builtin_sqrt(1 - whole_power((double)b2, now->step));
  now->kernels->adam(now->count, now->p, now->m, now->v, now->g, now->scale, (float)a, (float)s, b1,
                     b2, (float)adam->epsilon);
}
