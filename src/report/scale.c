/* Scales with round ends, their ticks, and numbers in few words. */
#include "base/math.h"
#include "report/svg.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TICKS = 16 };

static double ten_to(int power)
{
  double value = 1;
  for (int i = 0; i < (power < 0 ? -power : power); i++) value *= 10;
  return power < 0 ? 1 / value : value;
}

/* The power of ten that is at most x > 0. */
static int power_of(double x)
{
  int power = 0;
  while (power < 300 && ten_to(power + 1) <= x * (1 + 1e-12)) power++;
  while (power > -300 && ten_to(power) > x * (1 + 1e-12)) power--;
  return power;
}

static const double leads[] = {1, 2, 5, 10};

/* The nearest of 1, 2, 5 times a power of ten at or below x > 0. */
static double round_below(double x)
{
  const double ten = ten_to(power_of(x));
  for (int i = 2; i > 0; i--)
    if (leads[i] * ten <= x * (1 + 1e-12)) return leads[i] * ten;
  return ten;
}

static double round_above(double x)
{
  const double ten = ten_to(power_of(x));
  for (int i = 0; i < 3; i++)
    if (leads[i] * ten >= x * (1 - 1e-12)) return leads[i] * ten;
  return 10 * ten;
}

Scale scale_around(double low, double high, bool log, double from, double to)
{
  if (!(high >= low) || !isfinite(high - low)) low = log ? 1 : 0, high = log ? 10 : 1;
  if (log && low > 0) {
    low = round_below(low), high = round_above(high);
    return (Scale){low, high > low ? high : 2 * low, from, to, true};
  }
  if (!(high > low)) low -= fabs(low) / 10 + 0.05, high += fabs(high) / 10 + 0.05;
  const double step = round_above((high - low) / 6);
  low = step * floor(low / step + 1e-9), high = step * ceil(high / step - 1e-9);
  return (Scale){low, high, from, to, false};
}

double scale_at(const Scale *scale, double value)
{
  const double a = scale->log ? math_log(scale->low) : scale->low,
               b = scale->log ? math_log(scale->high) : scale->high,
               v = scale->log ? math_log(fmax(value, scale->low / 2)) : value;
  const double share = (v - a) / (b - a);
  return scale->from + (scale->to - scale->from) * fmin(fmax(share, -0.02), 1.02);
}

static int log_ticks(const Scale *scale, int leads_used, int every, double *tick)
{
  const int first = power_of(scale->low), last = power_of(scale->high);
  int count = 0;
  for (int power = first; power <= last; power += every)
    for (int i = 0; i < leads_used; i++) {
      const double x = leads[i] * ten_to(power);
      if (x < scale->low * (1 - 1e-9) || x > scale->high * (1 + 1e-9)) continue;
      if (count < MOST_TICKS) tick[count] = x;
      count++;
    }
  return count;
}

int scale_ticks(const Scale *scale, int most, double *tick)
{
  most = most < 2 ? 2 : most > MOST_TICKS ? MOST_TICKS : most;
  if (scale->log) {
    int every = 1, count = log_ticks(scale, 3, 1, tick);
    if (count > most) count = log_ticks(scale, 1, 1, tick);
    while (count > most) count = log_ticks(scale, 1, ++every, tick);
    return count;
  }
  const double step = round_above((scale->high - scale->low) / most);
  int count = 0;
  for (double i = ceil(scale->low / step - 1e-9);
       count < MOST_TICKS && i * step <= scale->high + step * 1e-9; i++)
    tick[count++] = i * step;
  return count;
}

static void with_commas(Text *to, double whole)
{
  char digits[40];
  const int length = snprintf(digits, sizeof(digits), "%.0f", whole);
  for (int i = 0; i < length; i++) {
    text_append(to, digits + i, 1);
    if (i + 1 < length && (length - i - 1) % 3 == 0) text_add(to, ",");
  }
}

void text_short(Text *to, double value)
{
  const double size = fabs(value);
  if (isnan(value)) {
    text_add(to, "\xe2\x80\x93");
    return;
  }
  if (value < 0) text_add(to, "\xe2\x88\x92");
  if (size >= 1e15 || (size < 1e-4 && size > 0))
    text_add(to, "%.4g", size);
  else if (size >= 1e9)
    text_add(to, "%.6gG", size / 1e9);
  else if (size >= 1e6)
    text_add(to, "%.6gM", size / 1e6);
  else if (size >= 1000 && size == floor(size))
    with_commas(to, size);
  else
    text_add(to, "%.6g", size);
}

void text_fixed(Text *to, double value, int decimals)
{
  char digits[400];
  if (isnan(value)) {
    text_add(to, "\xe2\x80\x93");
    return;
  }
  snprintf(digits, sizeof(digits), "%.*f", decimals, fabs(value));
  const bool zero = strspn(digits, "0.") == strlen(digits);
  text_add(to, "%s%s", value < 0 && !zero ? "\xe2\x88\x92" : "", digits);
}
