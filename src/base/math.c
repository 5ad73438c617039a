/* Elementary functions in double precision, from additions, multiplications and divisions alone. */
#include "base/math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const double LN2_HIGH =
    0x1.62e42fee00000p-1; /* 32 bits: a product with an exponent is exact */
static const double LN2_LOW = 0x1.a39ef35793c76p-33;

/* A value as the unevaluated sum of two doubles, about 106 bits. */
typedef struct {
  double high, low;
} Pair;

static Pair pair_sum(double a, double b)
{
  const double s = a + b;
  const double t = s - a;
  return (Pair){s, (a - (s - t)) + (b - t)};
}

static Pair pair_split(double a)
{
  const double t = 134217729.0 * a; /* 2^27 + 1 (Dekker) */
  const double high = t - (t - a);
  return (Pair){high, a - high};
}

static Pair pair_product(double a, double b)
{
  const double p = a * b;
  const Pair x = pair_split(a);
  const Pair y = pair_split(b);
  return (Pair){p, ((x.high * y.high - p) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

static Pair pair_add(Pair a, Pair b)
{
  const Pair s = pair_sum(a.high, b.high);
  return pair_sum(s.high, s.low + (a.low + b.low));
}

static Pair pair_multiply(Pair a, Pair b)
{
  const Pair p = pair_product(a.high, b.high);
  return pair_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/* 2^k, -1022 <= k <= 1023 */
static double power_of_two(int64_t k)
{
  const uint64_t bits = (uint64_t)(k + 1023) << 52;
  double x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

/* The whole number nearest to x, |x| < 2^62. */
static int64_t nearest(double x)
{
  return (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

double math_exp(double x)
{
  if (isnan(x)) return x;
  if (x > 709.782712893384) return INFINITY;
  if (x < -745.14) return 0;
  const int64_t k = nearest(x * 0x1.71547652b82fep+0);
  const double r = (x - (double)k * LN2_HIGH) - (double)k * LN2_LOW;
  double s = 1.0 / 6227020800.0; /* Taylor: 1/13! ... 1/2! */
  s = s * r + 1.0 / 479001600.0;
  s = s * r + 1.0 / 39916800.0;
  s = s * r + 1.0 / 3628800.0;
  s = s * r + 1.0 / 362880.0;
  s = s * r + 1.0 / 40320.0;
  s = s * r + 1.0 / 5040.0;
  s = s * r + 1.0 / 720.0;
  s = s * r + 1.0 / 120.0;
  s = s * r + 1.0 / 24.0;
  s = s * r + 1.0 / 6.0;
  s = s * r + 0.5;
  const double e = 1.0 + (r + r * r * s);
  return e * power_of_two(k / 2) * power_of_two(k - k / 2);
}

/* x = 2^exponent m with sqrt(1/2) <= m < sqrt(2), for positive finite x */
static double split_exponent(double x, int64_t *exponent)
{
  int64_t extra = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    extra = -54;
  }
  uint64_t bits;
  memcpy(&bits, &x, sizeof(bits));
  int64_t k = (int64_t)(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
  double m;
  memcpy(&m, &bits, sizeof(m));
  if (m >= 1.4142135623730951) {
    m *= 0.5;
    k += 1;
  }
  *exponent = k + extra;
  return m;
}

/* With s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - (h - s (h + R)), h = f^2 / 2, R = 2 s^2/3 + 2
 * s^4/5 + ... */
double math_log(double x)
{
  if (isnan(x) || (isinf(x) && x > 0)) return x;
  if (x < 0) return NAN;
  if (x == 0) return -INFINITY;
  int64_t k;
  const double f = split_exponent(x, &k) - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double t = 2.0 / 25.0;
  for (int i = 23; i >= 3; i -= 2) t = t * z + 2.0 / i;
  const double h = 0.5 * f * f;
  const double n = (double)k;
  return n * LN2_HIGH - ((h - (s * (h + z * t) + n * LN2_LOW)) - f);
}

/* log(x) to about 85 bits, for positive finite x */
static Pair log_pair(double x)
{
  static const Pair third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
  static const Pair fifth = {0x1.999999999999ap-3, -0x1.999999999999ap-57};
  static const Pair seventh = {0x1.2492492492492p-3, 0x1.2492492492492p-57};
  int64_t k;
  const double m = split_exponent(x, &k);
  const double f = m - 1.0;
  const Pair below = pair_sum(m, 1.0);
  const double q = f / below.high;
  const Pair back = pair_product(q, below.high);
  const Pair s = pair_sum(q, (((f - back.high) - back.low) - q * below.low) / below.high);
  const Pair z = pair_multiply(s, s);
  double t = 1.0 / 31.0;
  for (int i = 29; i >= 9; i -= 2) t = t * z.high + 1.0 / i;
  Pair sum = pair_add(seventh, pair_product(t, z.high));
  sum = pair_add(fifth, pair_multiply(sum, z));
  sum = pair_add(third, pair_multiply(sum, z));
  sum = pair_add((Pair){1.0, 0.0}, pair_multiply(sum, z));
  sum = pair_multiply(sum, s);
  const double n = (double)k;
  const Pair whole = pair_sum(n * LN2_HIGH, n * LN2_LOW);
  return pair_add(whole, (Pair){2.0 * sum.high, 2.0 * sum.low});
}

static double pow_positive(double x, double y)
{
  const Pair l = log_pair(x);
  const double rough = y * l.high;
  if (rough > 800) return INFINITY;
  if (rough < -800) return 0;
  const Pair p = pair_product(y, l.high);
  const double e = math_exp(p.high);
  return isinf(e) ? e : e + e * (p.low + y * l.low);
}

/* pow() where an argument is 0, infinite, or x = 1; whole and odd speak of y */
static double pow_special(double x, double y, int odd)
{
  const double size = x < 0 ? -x : x;
  if (isinf(y)) {
    if (size == 1) return 1;
    return (size > 1) == (y > 0) ? INFINITY : 0;
  }
  const double result = (size == 0) == (y > 0) ? 0 : INFINITY;
  return odd && signbit(x) ? -result : result;
}

double math_pow(double x, double y)
{
  if (y == 0 || x == 1) return 1;
  if (isnan(x) || isnan(y)) return NAN;
  const double bound = y < 0 ? -y : y;
  const int big = bound >= 0x1p53;
  const int whole = big || (double)(int64_t)y == y;
  const int odd = whole && !big && ((int64_t)y & 1);
  if (x == 0 || isinf(x) || isinf(y)) return pow_special(x, y, odd);
  if (x > 0) return pow_positive(x, y);
  if (!whole) return NAN;
  const double result = pow_positive(-x, y);
  return odd ? -result : result;
}

/* x - k pi/2 as a pair of size at most about pi/4; k modulo 4 is returned */
static int reduce_angle(double x, Pair *rest)
{
  const int64_t k = nearest(x * 0x1.45f306dc9c883p-1);
  const double n = (double)k; /* at most 23 bits: products with the 30-bit parts are exact */
  const double a = x - n * 0x1.921fb54000000p+0;
  const Pair b = pair_sum(a, -(n * 0x1.10b4611800000p-30));
  const Pair c = pair_sum(b.high, -(n * 0x1.313198a000000p-61));
  *rest = pair_sum(c.high, b.low + c.low - n * 0x1.701b839a25205p-92);
  return (int)(k & 3);
}

static double sin_near_zero(Pair r)
{
  const double x = r.high;
  const double z = x * x;
  double s = 1.0 / 355687428096000.0; /* 1/17! ... 1/3!, signs alternate */
  s = s * z - 1.0 / 1307674368000.0;
  s = s * z + 1.0 / 6227020800.0;
  s = s * z - 1.0 / 39916800.0;
  s = s * z + 1.0 / 362880.0;
  s = s * z - 1.0 / 5040.0;
  s = s * z + 1.0 / 120.0;
  s = s * z - 1.0 / 6.0;
  return x + (x * z * s + r.low * (1.0 - 0.5 * z));
}

static double cos_near_zero(Pair r)
{
  const double x = r.high;
  const double z = x * x;
  double s = 1.0 / 20922789888000.0; /* 1/16! ... 1/4!, signs alternate */
  s = s * z - 1.0 / 87178291200.0;
  s = s * z + 1.0 / 479001600.0;
  s = s * z - 1.0 / 3628800.0;
  s = s * z + 1.0 / 40320.0;
  s = s * z - 1.0 / 720.0;
  s = s * z + 1.0 / 24.0;
  const double h = 0.5 * z;
  const double w = 1.0 - h;
  return w + (((1.0 - w) - h) + (z * z * s - x * r.low));
}

/* sin(x + quarter pi/2) */
static double shifted_sin(double x, int quarter)
{
  if (!(x >= -0x1p22 && x <= 0x1p22)) return NAN;
  Pair r;
  const int k = (reduce_angle(x, &r) + quarter) & 3;
  const double value = k & 1 ? cos_near_zero(r) : sin_near_zero(r);
  return k & 2 ? -value : value;
}

double math_sin(double x)
{
  return shifted_sin(x, 0);
}

double math_cos(double x)
{
  return shifted_sin(x, 1);
}
