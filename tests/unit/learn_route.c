/* Which route a step takes, and the tree over leaves cut among owners: whoever has which leaves,
   the parts joined are the tree joined as a whole, number for number. RUN ranks=1 */
#include "../tap.h"
#include "base/array.h"
#include "base/random.h"
#include "learn/route.h"

enum { MOST = 40 };

/* The tree of docs/numerics.md section 1, as it stands there. */
static float whole_tree(int64_t count, const float *leaf)
{
  float s[MOST];
  memcpy(s, leaf, (size_t)count * sizeof(*s));
  for (; count > 1; count = (count + 1) / 2)
    for (int64_t i = 0; i < (count + 1) / 2; i++)
      s[i] = 2 * i + 1 < count ? s[2 * i] + s[2 * i + 1] : s[2 * i];
  return s[0];
}

/* The sums of parts, then those joined. */
static float cut_tree(int64_t leaves, const float *leaf, const int *owner, int64_t *parts)
{
  TreePart part[MOST];
  float sum[MOST];
  int64_t left[MOST], right[MOST];
  *parts = tree_parts(leaves, owner, part);
  for (int64_t i = 0; i < *parts; i++) sum[i] = whole_tree(part[i].count, leaf + part[i].first);
  const int64_t joins = tree_joins(leaves, *parts, part, left, right);
  for (int64_t j = 0; j < joins; j++) sum[left[j]] += sum[right[j]];
  return joins == *parts - 1 ? sum[0] : NAN;
}

/* Owners one after another, each with some leaves, or scattered. */
static void spread(uint64_t trial, int64_t leaves, int *owner)
{
  int who = 0;
  for (int64_t l = 0; l < leaves; l++) {
    const int64_t draw = random_below(5, RANDOM_SYNTH, trial * MOST + (uint64_t)l, 4);
    owner[l] = trial % 3 ? (who += draw == 0) : (int)draw;
  }
}

static void check_trees(void)
{
  int64_t wrong = 0, covered = 0, most = 0, whole = 0;
  for (uint64_t trial = 0; trial < 4000; trial++) {
    const int64_t leaves = 1 + (int64_t)(trial % (MOST - 1));
    float leaf[MOST];
    int owner[MOST];
    int64_t parts;
    for (int64_t l = 0; l < leaves; l++)
      leaf[l] = (float)random_normal(6, RANDOM_SYNTH, trial * MOST + (uint64_t)l);
    spread(trial, leaves, owner);
    wrong += cut_tree(leaves, leaf, owner, &parts) != whole_tree(leaves, leaf);
    most = max_i64(most, parts);
    memset(owner, 0, sizeof(owner));
    wrong += cut_tree(leaves, leaf, owner, &parts) != whole_tree(leaves, leaf);
    whole += parts == 1;
    covered++;
  }
  OK(!wrong, "the tree cut among owners gives the same number, %lld times", (long long)covered);
  OK(whole == covered, "who has all leaves has one part");
  OK(most > 8, "up to %lld parts", (long long)most);
}

static StepShape shape(int64_t b, double k, int ranks, int nodes)
{
  return (StepShape){.b = b, .m = 3840, .d = 768, .k = k, .ranks = ranks, .nodes = nodes};
}

static bool chosen(Route route, StepShape s)
{
  return route_choose(&s) == route;
}

static void check_choice(void)
{
  OK(chosen(ROUTE_OWNER, shape(4096, 32, 1, 1)), "one rank owns all");
  OK(chosen(ROUTE_OWNER, shape(4096, 32, 2, 1)), "sparse codes: owner");
  OK(chosen(ROUTE_OWNER, shape(4096, 32, 2, 2)), "on two nodes too");
  OK(chosen(ROUTE_ALLREDUCE, shape(4096, 1900, 2, 1)), "dense codes: allreduce");
  OK(chosen(ROUTE_OWNER, shape(1024, 1900, 2, 1)), "not with one leaf for two ranks");
  OK(chosen(ROUTE_ALLREDUCE, shape(65536, 32, 8, 4)), "large batches on several nodes: allreduce");
  const StepShape two = shape(4096, 32, 2, 2), one = shape(4096, 32, 2, 1);
  NEAR(route_bytes(ROUTE_OWNER, &two), 2048.0 * (8 + 12 * 32 + 8 * 768), 0, "bytes of owner");
  NEAR(route_bytes(ROUTE_OWNER, &one), 2048.0 * (8 + 12 * 32), 0, "on one node codes alone");
  NEAR(route_bytes(ROUTE_ALLREDUCE, &two), 1920.0 * (8 * 768 + 12), 0, "bytes of allreduce");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  check_trees();
  check_choice();
  return TestEnd();
}
