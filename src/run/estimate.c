/* Rough costs: dense products count, everything else is left out. */
#include "run/estimate.h"
#include <math.h>

Estimate estimate_run(const Settings *settings, int64_t n, int64_t d, int64_t p)
{
  const double m = (double)settings_int(settings, "width"),
               batch = settings_real(settings, "train.batch");
  const double dense = 2 * m * (double)d, kept = settings_real(settings, "code.k");
  const double weights = settings_get(settings, "atoms.anchors") ? m * (double)p : 0;
  Estimate estimate = {0};
  if (isnan(batch)) { /* k-means: every token against every centroid in every iteration */
    const int64_t iterations = settings_int(settings, "iterations");
    estimate.flops = (double)n * dense * (double)(iterations > 0 ? iterations : 1);
    estimate.memory = m * (double)d * 16 + (double)n * 16;
    estimate.disk = 2 * m * (double)d * 4 + (double)n * 4 + m * 40;
    return estimate;
  }
  const double epochs = settings_real(settings, "train.epochs");
  const double given = settings_real(settings, "train.steps");
  const double steps = isnan(given) ? epochs * ceil((double)n / batch) : given;
  const double share = isnan(kept) || kept > m / 4 ? 0.25 : kept / m; /* of the atoms are active */
  estimate.flops = steps * (batch * dense * (1 + 3 * share) + 4 * weights * (double)d);
  estimate.memory = 16 * (2 * m * (double)d + weights) + 4 * (double)p * (double)d;
  estimate.disk = 8 * (2 * m * (double)d + weights) + m * 40;
  return estimate;
}
