/* One reconstruction from all active atoms. */
#include "learn/sae.h"

static double token(const Kernels *kernels, int64_t nonzeros, const int32_t *atom,
                    const float *value, int64_t d, const float *D, const float *xc, float *e,
                    float *g)
{
  kernels->decode(nonzeros, atom, value, d, D, d, e);
  for (int64_t i = 0; i < d; i++) e[i] -= xc[i];
  kernels->blockdots(nonzeros, atom, d, D, d, e, g);
  return kernels->square64(d, e);
}

const SAEGoal sae_goal_plain = {
    .entry = {"plain", "the squared error of one reconstruction from all active atoms", NULL, NULL,
              0},
    .token = token,
};
