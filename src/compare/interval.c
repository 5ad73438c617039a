/* The interval over runs: a jackknife by runs, with the pairs' own variance as its floor. */
#include "compare/interval.h"

#include <math.h>

#include "base/exact.h"
#include "base/math.h"

static double pair_value(int64_t S, const double *h, int64_t i, int64_t j)
{
  return i < j ? h[i * S + j] : h[j * S + i];
}

static double mean_of_pairs(int64_t S, const double *h)
{
  Exact sum = {0};
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) exact_add(&sum, h[i * S + j]);
  return exact_value(&sum) / (double)(S * (S - 1) / 2);
}

/* sum_i (hbar_i - U)^2 */
static double spread_of_runs(int64_t S, const double *h, double mean)
{
  Exact squares = {0};
  for (int64_t i = 0; i < S; i++) {
    Exact sum = {0};
    for (int64_t j = 0; j < S; j++)
      if (j != i) exact_add(&sum, pair_value(S, h, i, j));
    const double off = exact_value(&sum) / (double)(S - 1) - mean;
    exact_add(&squares, off * off);
  }
  return exact_value(&squares);
}

/* sum_{i<j} (h_ij - U)^2 */
static double spread_of_pairs(int64_t S, const double *h, double mean)
{
  Exact squares = {0};
  for (int64_t i = 0; i < S; i++)
    for (int64_t j = i + 1; j < S; j++) {
      const double off = h[i * S + j] - mean;
      exact_add(&squares, off * off);
    }
  return exact_value(&squares);
}

/* lambda, of A = runs and B = pairs; what is below rounding is 0 */
static double variance_ratio(double s, double mean, double runs, double pairs)
{
  if (s < 4 || !(pairs > 1e-28 * mean * mean)) return NAN;
  const double rest = pairs - (s - 1) * (s - 1) / (s - 2) * runs;
  if (rest < 1e-12 * pairs) return INFINITY;
  const double pair = rest / (s * (s - 3) / 2);
  const double run = (runs * (s - 1) / (s - 2) - pair) / (s - 2);
  return run > 0 ? run / pair : 0;
}

double interval_variance(const PairInterval *interval)
{
  return interval->by_runs > interval->by_pairs ? interval->by_runs : interval->by_pairs;
}

PairInterval pair_interval(int64_t S, const double *h)
{
  const double none = (double)NAN;
  PairInterval R = {none, none, none, none, none, none};
  if (S < 2) return R;
  R.mean = mean_of_pairs(S, h);
  if (S < 3) return R;
  const double s = (double)S;
  const double pairs = s * (s - 1) / 2;
  const double A = spread_of_runs(S, h, R.mean);
  const double B = spread_of_pairs(S, h, R.mean);
  R.by_runs = 4 * (s - 1) / (s * (s - 2) * (s - 2)) * A;
  R.by_pairs = B / (pairs * (pairs - 1));
  R.lambda = variance_ratio(s, R.mean, A, B);
  const double half = math_student_quantile(0.975, s - 1) * sqrt(interval_variance(&R));
  R.low = R.mean - half;
  R.high = R.mean + half;
  return R;
}
