/* The choice between the routes, and the fixed tree over leaves as ranks and nodes cut it. */
#include "learn/route.h"
#include "base/array.h"
#include "compute/kernels.h"
#include <stdlib.h>

const char *const route_words[] = {"auto", "owner", "allreduce", NULL};

int64_t route_leaves(int64_t b)
{
  return leaf_count(b);
}

/* The most parts that one of so many owners has, with leaves spread evenly. */
static int64_t most_parts(int64_t leaves, int owners)
{
  int64_t most = 0, own = 0;
  int *owner = calloc((size_t)leaves + 1, sizeof(*owner));
  TreePart *part = calloc((size_t)leaves + 1, sizeof(*part));
  if (!owner || !part) abort();
  for (int r = 0; r < owners; r++) {
    int64_t first, count;
    part_of(leaves, 1, r, owners, &first, &count);
    for (int64_t l = first; l < first + count; l++) owner[l] = r;
  }
  const int64_t parts = tree_parts(leaves, owner, part);
  for (int64_t i = 0; i < parts; i++) {
    own = i && part[i].owner == part[i - 1].owner ? own + 1 : 1;
    most = max_i64(most, own);
  }
  free(owner);
  free(part);
  return most;
}

double route_bytes(Route route, const StepShape *shape)
{
  const int sharers = shape->nodes > 1 ? shape->nodes : shape->ranks;
  const double b = (double)shape->b, m = (double)shape->m, d = (double)shape->d,
               others = (double)(sharers - 1) / sharers;
  /* an atom's two gradients, its bias, the sum of its codes, whether it fired */
  const double atom = 8 * d + 12;
  /* where a token's codes start, its atoms, codes and slopes; between nodes its residual and the
     token itself too */
  const double token = 8 + 12 * shape->k + (shape->nodes > 1 ? 8 * d : 0);
  if (route == ROUTE_ALLREDUCE)
    return others * m * atom * (double)most_parts(route_leaves(shape->b), sharers);
  return others * b * token;
}

Route route_choose(const StepShape *shape)
{
  if (shape->ranks == 1 || shape->ranks > route_leaves(shape->b)) return ROUTE_OWNER;
  return 2 * route_bytes(ROUTE_ALLREDUCE, shape) < route_bytes(ROUTE_OWNER, shape) ? ROUTE_ALLREDUCE
                                                                                   : ROUTE_OWNER;
}

int64_t tree_parts(int64_t leaves, const int *owner, TreePart *part)
{
  int64_t parts = 0;
  for (int64_t at = 0; at < leaves;) {
    int64_t size = 1, same = at + 1; /* leaves at .. same - 1 have one owner */
    for (;;) {
      const int64_t twice = min_i64(at + 2 * size, leaves);
      while (same < twice && owner[same] == owner[at]) same++;
      if (at % (2 * size) || same < twice || at + size >= leaves) break;
      size *= 2;
    }
    part[parts++] = (TreePart){at, min_i64(size, leaves - at), owner[at]};
    at += size;
  }
  return parts;
}

typedef struct {
  int64_t leaves, count, joins;
  const TreePart *part;
  int64_t *left, *right;
} Joining;

/* The node of the tree that begins at leaf first and has room for size leaves: the number of the
 * part that holds its sum; count where it holds no part. */
static int64_t join(Joining *j, int64_t first, int64_t size)
{
  const int64_t end = min_i64(first + size, j->leaves);
  int64_t begin = 0;
  while (begin < j->count && j->part[begin].first < first) begin++;
  if (begin == j->count || j->part[begin].first >= end) return j->count;
  if (j->part[begin].first == first && j->part[begin].first + j->part[begin].count == end)
    return begin;
  const int64_t left = join(j, first, size / 2), right = join(j, first + size / 2, size / 2);
  if (left == j->count) return right;
  if (right == j->count) return left;
  j->left[j->joins] = left, j->right[j->joins++] = right;
  return left;
}

int64_t tree_joins(int64_t leaves, int64_t count, const TreePart *part, int64_t *left,
                   int64_t *right)
{
  Joining joining = {.leaves = leaves, .count = count, .part = part, .left = left, .right = right};
  int64_t size = 1;
  while (size < leaves) size *= 2;
  join(&joining, 0, size);
  return joining.joins;
}
