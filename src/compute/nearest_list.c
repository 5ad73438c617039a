/* Lists of the centroids that may still be a token's nearest, and their distances in float64. */
#include "nearest_parts.h"
#include <math.h>

/* Leaves out what a better lower bound has excluded since; gives how many stay. */
static int32_t prune(Nearest *N, int64_t t)
{
  int32_t *candidate = N->candidate + t * N->list, kept = 0;
  float *upper = N->upper + t * N->list;
  for (int32_t q = 0; q < N->kept[t]; q++) {
    if (upper[q] < N->low[t]) continue;
    candidate[kept] = candidate[q];
    upper[kept++] = upper[q];
  }
  return N->kept[t] = kept;
}

/* t(c) of nearest.c is (|a|^2 - |x - c|^2) / 2, and both are known but for 2 eps of each. */
void nearest_raise(Nearest *N, int64_t t, double distance)
{
  const double a = N->square[t] * (1 - 2 * N->eps), b = distance * (1 + 2 * N->eps),
               low = (a - b) / 2 - 0x1p-22 * (a + b);
  if (isfinite(low) && fabs(low) < 1e37 && (float)low > N->low[t]) N->low[t] = (float)low;
}

void nearest_settle_one(Nearest *N, int64_t t, int32_t centroid)
{
  const int64_t at = N->now.at[t];
  if (centroid == N->index[at] && N->distance[at] < (double)INFINITY) return; /* known */
  const double distance =
      N->kernels->distance64(N->d, N->now.x[t], N->C + (int64_t)centroid * N->d);
  if (distance < N->distance[at] ||
      (distance == N->distance[at] && centroid < N->index[at] && distance < (double)INFINITY)) {
    N->distance[at] = distance;
    N->index[at] = centroid;
    nearest_raise(N, t, distance);
  }
}

void nearest_settle(Nearest *N, int64_t t)
{
  int32_t *candidate = N->candidate + t * N->list;
  float *upper = N->upper + t * N->list;
  while (prune(N, t)) {
    int32_t best = 0;
    for (int32_t q = 1; q < N->kept[t]; q++)
      if (!(upper[q] <= upper[best])) best = q;
    const int32_t centroid = candidate[best], last = --N->kept[t];
    candidate[best] = candidate[last];
    upper[best] = upper[last];
    nearest_settle_one(N, t, centroid);
    N->cost[t]++;
  }
}

void nearest_push(Nearest *N, int64_t t, int32_t place, float upper)
{
  if (N->kept[t] == N->list && prune(N, t) > N->list / 2) {
    nearest_settle(N, t);
    if (N->cost[t] > N->limit) { /* the next level has tighter bounds */
      N->out[t] = true;
      N->low[t] = INFINITY;
      return;
    }
  }
  N->candidate[t * N->list + N->kept[t]] = N->order[place];
  N->upper[t * N->list + N->kept[t]++] = upper;
}

void nearest_take(Nearest *N, int64_t group, int64_t first, const uint64_t *lanes)
{
  const int64_t count = min_i64(PANEL, N->now.count - first);
  const uint64_t there = ((uint64_t)1 << count) - 1;
  for (int q = 0; q < PANEL_ROWS; q++) {
    const int64_t place = group * PANEL_ROWS + q;
    if (N->order[place] < 0) continue;
    for (uint64_t left = lanes[q] & there; left; left &= left - 1) {
      const int l = __builtin_ctzll(left);
      const float upper = N->score[q * PANEL + l] + N->bound[l];
      if (!(upper < N->low[first + l])) nearest_push(N, first + l, (int32_t)place, upper);
    }
  }
}
