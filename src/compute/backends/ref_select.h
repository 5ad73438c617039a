/* Which scores are kept, by plain loops: ref.c's. */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Keeps index[] and value[] by falling value while it looks, then sorts them by index. */
static int64_t select_top(int64_t m, const float *s, int64_t k, const uint8_t *mask, int32_t *index,
                          float *value)
{
  int64_t kept = 0;
  for (int64_t j = 0; j < m && k > 0; j++) {
    if (!(s[j] > 0.0f) || (mask && !mask[j]) || (kept == k && !(s[j] > value[k - 1]))) continue;
    int64_t at = kept < k ? kept++ : k - 1;
    for (; at > 0 && value[at - 1] < s[j]; at--)
      value[at] = value[at - 1], index[at] = index[at - 1];
    value[at] = s[j];
    index[at] = (int32_t)j;
  }
  for (int64_t q = 1; q < kept; q++) {
    const int32_t j = index[q];
    const float v = value[q];
    int64_t at = q;
    for (; at > 0 && index[at - 1] > j; at--) value[at] = value[at - 1], index[at] = index[at - 1];
    index[at] = j;
    value[at] = v;
  }
  return kept;
}

static int64_t select_positive(int64_t m, const float *s, int32_t *index, float *value)
{
  int64_t kept = 0;
  for (int64_t j = 0; j < m; j++) {
    if (s[j] > 0.0f) index[kept] = (int32_t)j, value[kept++] = s[j];
  }
  return kept;
}

static int64_t select_near(int64_t m, const float *s, const float *threshold, double far,
                           bool from_zero, int32_t *index, float *value, float *near)
{
  int64_t found = 0;
  for (int64_t j = 0; j < m; j++) {
    const bool above = s[j] > threshold[j] || (from_zero && s[j] == threshold[j]);
    const double from = (double)(from_zero && s[j] < 0 ? 0 : s[j]);
    const bool close = fabs(from - (double)threshold[j]) <= far;
    if (!above && !close) continue;
    index[found] = (int32_t)j, value[found] = above ? s[j] : 0;
    if (near) near[found] = close;
    found++;
  }
  return found;
}
