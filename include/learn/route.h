/* Two ways to spread the sums of a training step over the ranks of a model, docs/numerics.md
   section
   3. Both give the same bits; they differ in what is moved. */
#pragma once
#include "base/error.h"

typedef enum {
  ROUTE_AUTO,      /* as route_choose says */
  ROUTE_OWNER,     /* every rank gets all codes and residuals, and sums its own atoms */
  ROUTE_ALLREDUCE, /* every rank sums whole leaves for all atoms; the sums are joined */
  ROUTES
} Route;
extern const char *const route_words[]; /* [ROUTES] and NULL */

/* What the choice depends on. */
typedef struct {
  int64_t b, m, d; /* rows of a batch, atoms, width of a token */
  double k;        /* active atoms of a token */
  int ranks, nodes;
} StepShape;

/* Leaves of 1,024 tokens in b tokens. */
int64_t route_leaves(int64_t b);

/* Bytes of a step that another node made and this node gets (on one node: that another rank made
   and this rank gets), beside the new parameters, which both routes give to all. Ranks lie on nodes
   in equal parts. */
double route_bytes(Route route, const StepShape *shape);

/* allreduce where it moves less than half of what owner moves and no rank is left without a leaf,
   else owner: writing and joining partial sums costs about as much again as moving them. */
Route route_choose(const StepShape *shape);

/* The parts of a tree over leaves 0 .. leaves - 1 (docs/numerics.md section 1) that one owner has
   all leaves of: the largest such, in order. owner [leaves]; part [leaves]. Gives how many. */
typedef struct {
  int64_t first, count; /* leaves */
  int owner;
} TreePart;
int64_t tree_parts(int64_t leaves, const int *owner, TreePart *part);

/* How to join parts that cover a whole tree, or a part of it: part[left[i]] += part[right[i]] for
   each i in order leaves the sum in the first. left, right [count]. Gives how many additions. */
int64_t tree_joins(int64_t leaves, int64_t count, const TreePart *part, int64_t *left,
                   int64_t *right);
