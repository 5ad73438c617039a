/* One reconstruction from all active atoms. */
#include "learn/sae.h"

static void pass(const Kernels *kernels, int64_t n, const Codes *codes, int64_t m, int64_t d,
                 const float *D, const float *xc, float *e, float *g, double *square, float *work)
{
  kernels->residuals(n, codes->start, codes->atom, codes->value, m, d, D, -1, xc, e, g, square,
                     work);
}

const SAEGoal sae_goal_plain = {
    .entry = {"plain", "the squared error of one reconstruction from all active atoms", NULL, NULL,
              0},
    .pass = pass,
};
