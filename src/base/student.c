/* Student's t: tails and quantiles, from the incomplete beta function. */
#include "base/math.h"

#include <math.h>

/* Gamma(z + 1/2) / Gamma(z), by the recurrence up to z >= 64 and the asymptotic series there */
static double gamma_half_step(double z)
{
  double factor = 1;
  while (z < 64) {
    factor *= z / (z + 0.5);
    z += 1;
  }
  const double y = 1 / z;
  double s = -399.0 / 262144;
  s = s * y - 21.0 / 32768;
  s = s * y + 5.0 / 1024;
  s = s * y + 1.0 / 128;
  s = s * y - 1.0 / 8;
  s = s * y + 1.0;
  return factor * sqrt(z) * s;
}

/* The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's
 * method */
static double beta_fraction(double a, double b, double x)
{
  const double tiny = 1e-300;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  d = 1 / (d == 0 ? tiny : d);
  double value = d;
  for (int i = 1; i <= 100000; i++) {
    const double even = i * (b - i) * x / ((a + 2 * i - 1) * (a + 2 * i));
    d = 1 + even * d;
    c = 1 + even / c;
    d = 1 / (d == 0 ? tiny : d);
    c = c == 0 ? tiny : c;
    value *= d * c;
    const double odd = -(a + i) * (a + b + i) * x / ((a + 2 * i) * (a + 2 * i + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    d = 1 / (d == 0 ? tiny : d);
    c = c == 0 ? tiny : c;
    value *= d * c;
    if (d * c - 1 < 1e-16 && d * c - 1 > -1e-16) break;
  }
  return value;
}

/* P(T > t) - q for t >= 0, without cancellation in the tail nor in the middle; scale = 1 / B(1/2,
 * nu/2) */
static double tail_error(double t, double nu, double scale, double q)
{
  const double half = 0.5 * nu;
  const double x = t * t / (nu + t * t);
  const double y = nu / (nu + t * t);
  const double front = scale * sqrt(x) * math_pow(y, half);
  if (x < 1.5 / (half + 2.5)) return (0.5 - q) - front * beta_fraction(0.5, half, x);
  return front * beta_fraction(half, 0.5, y) / nu - q;
}

static double beta_scale(double nu)
{
  return gamma_half_step(0.5 * nu) / 1.7724538509055160273; /* sqrt(pi) */
}

double math_student_tail(double t, double nu)
{
  if (isnan(t) || !(nu > 0 && !isinf(nu))) return NAN;
  const double far = t < 0 ? -t : t;
  const double tail = far < 1e150 ? tail_error(far, nu, beta_scale(nu), 0) : 0;
  return t < 0 ? 1 - tail : tail;
}

double math_student_quantile(double p, double nu)
{
  if (!(p > 0 && p < 1) || !(nu > 0 && !isinf(nu))) return NAN;
  if (p == 0.5) return 0;
  const double q = p < 0.5 ? p : 1 - p;
  const double scale = beta_scale(nu);
  double low = 0;
  double high = 1;
  while (high < 1e150 && tail_error(high, nu, scale, q) > 0) {
    low = high;
    high *= 2;
  }
  double t = 0.5 * (low + high);
  for (int i = 0; i < 200; i++) {
    const double error = tail_error(t, nu, scale, q);
    if (error > 0)
      low = t;
    else
      high = t;
    const double density = scale / sqrt(nu) * math_pow(nu / (nu + t * t), 0.5 * (nu + 1));
    const double last = t;
    t += error / density;
    if (!(t > low && t < high)) t = 0.5 * (low + high);
    const double step = t - last;
    if (step <= 1e-15 * t && -step <= 1e-15 * t) break;
  }
  return p < 0.5 ? -t : t;
}
