/* Average linkage of a few runs. */
#include "report/cluster.h"
#include <math.h>
#include <stdlib.h>

/* Clusters that are left: node is -1 where one was merged away. */
typedef struct {
  int n;
  int *node, *size;
  double *apart; /* [n x n] mean distances of clusters */
} Clusters;

/* The two nearest clusters, a < b. */
static void nearest_two(const Clusters *left, int *a, int *b)
{
  double least = INFINITY;
  *a = *b = -1;
  for (int i = 0; i < left->n; i++)
    for (int j = i + 1; j < left->n; j++)
      if (left->node[i] >= 0 && left->node[j] >= 0 &&
          (*a < 0 || left->apart[i * left->n + j] < least))
        least = left->apart[i * left->n + j], *a = i, *b = j;
}

/* Cluster b goes into a. */
static void join(Clusters *left, int a, int b, int node)
{
  const double na = left->size[a], nb = left->size[b];
  for (int k = 0; k < left->n; k++) {
    const double d =
        (na * left->apart[a * left->n + k] + nb * left->apart[b * left->n + k]) / (na + nb);
    left->apart[a * left->n + k] = left->apart[k * left->n + a] = d;
  }
  left->size[a] += left->size[b];
  left->node[a] = node, left->node[b] = -1;
}

static void put_leaves(int n, const Merge *merge, int node, int *order, int *at)
{
  if (node < n) {
    order[(*at)++] = node;
    return;
  }
  put_leaves(n, merge, merge[node - n].a, order, at);
  put_leaves(n, merge, merge[node - n].b, order, at);
}

void cluster_average(int n, const double *distance, Merge *merge, int *order)
{
  const size_t count = (size_t)(n > 0 ? n : 1);
  Clusters left = {n, calloc(count, sizeof(int)), calloc(count, sizeof(int)),
                   calloc(count * count, sizeof(double))};
  int at = 0;
  if (!left.node || !left.size || !left.apart) abort();
  for (int i = 0; i < n; i++) left.node[i] = i, left.size[i] = 1;
  for (int i = 0; i < n * n; i++) left.apart[i] = distance[i];
  for (int step = 0; step + 1 < n; step++) {
    int a, b;
    nearest_two(&left, &a, &b);
    merge[step] = (Merge){left.node[a], left.node[b], left.apart[a * n + b]};
    join(&left, a, b, n + step);
  }
  if (n) put_leaves(n, merge, n > 1 ? 2 * n - 2 : 0, order, &at);
  free(left.node), free(left.size), free(left.apart);
}
