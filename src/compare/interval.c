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

PairInterval pair_interval(int64_t S, const double *h)
{
  const double none = (double)NAN;
  PairInterval R = {none, none, none, none, none};
  if (S < 2) return R;
  R.mean = mean_of_pairs(S, h);
  if (S < 3) return R;
  const double s = (double)S;
  const double pairs = s * (s - 1) / 2;
  R.by_runs = 4 * (s - 1) / (s * (s - 2) * (s - 2)) * spread_of_runs(S, h, R.mean);
  R.by_pairs = spread_of_pairs(S, h, R.mean) / (pairs * (pairs - 1));
  const double variance = R.by_runs > R.by_pairs ? R.by_runs : R.by_pairs;
  const double half = math_student_quantile(0.975, s - 1) * sqrt(variance);
  R.low = R.mean - half;
  R.high = R.mean + half;
  return R;
}
