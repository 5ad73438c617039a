/* Average linkage of runs, against its definition: the mean distance of all members of both.
   RUN ranks=1 */
#include "../tap.h"
#include "base/random.h"
#include "report/cluster.h"
#include <math.h>
#include <string.h>

enum { MOST = 12 };

static int members(const Merge *merge, int n, int node, int *list)
{
  if (node < n) {
    list[0] = node;
    return 1;
  }
  const int count = members(merge, n, merge[node - n].a, list);
  return count + members(merge, n, merge[node - n].b, list + count);
}

static double apart(const Merge *merge, int n, const double *distance, int a, int b)
{
  int x[MOST], y[MOST];
  const int na = members(merge, n, a, x), nb = members(merge, n, b, y);
  double sum = 0;
  for (int i = 0; i < na; i++)
    for (int j = 0; j < nb; j++) sum += distance[x[i] * n + y[j]];
  return sum / (na * nb);
}

/* Each merge joins the two clusters that are nearest of those that are left. */
static void check(int n, uint64_t seed)
{
  double distance[MOST * MOST];
  Merge merge[MOST];
  int order[MOST], list[MOST];
  bool left[2 * MOST] = {false}, nearest = true, heights = true;
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++)
      distance[i * n + j] = distance[j * n + i] =
          i == j ? 0 : random_uniform(seed, RANDOM_SAMPLE, (uint64_t)(i * n + j));
  cluster_average(n, distance, merge, order);
  for (int i = 0; i < n; i++) left[i] = true;
  for (int step = 0; step < n - 1; step++) {
    const double height = apart(merge, n, distance, merge[step].a, merge[step].b);
    heights = heights && fabs(height - merge[step].height) < 1e-12;
    for (int a = 0; a < n + step; a++)
      for (int b = 0; b < a; b++)
        if (left[a] && left[b])
          nearest = nearest && apart(merge, n, distance, a, b) >= height - 1e-12;
    left[merge[step].a] = left[merge[step].b] = false, left[n + step] = true;
  }
  OK(nearest && heights, "%d runs, seed %d: the nearest two are joined, at their mean distance", n,
     (int)seed);
  OK(members(merge, n, n > 1 ? 2 * n - 2 : 0, list) == n &&
         !memcmp(list, order, (size_t)n * sizeof(*list)),
     "%d runs, seed %d: every run once, in the order of the tree", n, (int)seed);
}

int main(int argc, char **argv)
{
  /* scipy.cluster.hierarchy.linkage(squareform(d), "average")[:, 2] of the matrix below */
  static const double d[25] = {0, 2, 6,  10, 9, 2, 0, 5, 9, 8, 6, 5, 0,
                               4, 5, 10, 9,  4, 0, 3, 9, 8, 5, 3, 0};
  static const double heights[4] = {2, 3, 4.5, 47.0 / 6};
  Merge merge[4];
  int order[5];

  TestBegin(&argc, &argv);
  cluster_average(5, d, merge, order);
  for (int i = 0; i < 4; i++)
    OK(fabs(merge[i].height - heights[i]) < 1e-12, "merge %d at %g", i, heights[i]);
  for (int n = 1; n <= MOST; n++)
    for (uint64_t seed = 1; seed <= 3; seed++) check(n, seed);
  return TestEnd();
}
