/* Which runs enter: the most that share no varied seed, the first of such sets by their seeds,
   whatever the order of the plan; against all subsets.
   RUN ranks=1 */
#include "compare/entered.h"
#include "../tap.h"
#include "base/random.h"

enum { MOST = 144 };

typedef struct {
  int64_t runs;
  ComparedRun run[MOST];
  bool enters[MOST], sought;
  int64_t entered;
} Trial;

static void add_run(Trial *t, int64_t i, int64_t d, int64_t a)
{
  t->run[t->runs++] = (ComparedRun){.id = "", .seed = {i, d, a, -1}};
}

static void choose(Trial *t)
{
  const ComparedGroup group = {.model = "m", .runs = t->runs, .run = t->run};
  int64_t *run, mixed = 0;
  RUN(RunsThatEnter(&group, &t->entered, &run, &t->sought));
  for (int64_t q = 0; q < t->entered; q++) {
    mixed += q > 0 && run[q] <= run[q - 1];
    t->enters[run[q]] = true;
  }
  if (mixed) OK(false, "runs that enter are in plan order");
  RUN(ArrayDestroy(&run));
}

static bool has(const Trial *t, int64_t i, int64_t d, int64_t a)
{
  for (int64_t r = 0; r < t->runs; r++)
    if (t->run[r].seed[0] == i && t->run[r].seed[1] == d && t->run[r].seed[2] == a)
      return t->enters[r];
  return false;
}

static void test_known(void)
{
  Trial cross = {0}, one = {0}, gap = {0}, three = {0};
  for (int i = 0; i < 9; i++) add_run(&cross, i / 3, i % 3, 5);
  choose(&cross);
  OK(cross.entered == 3 && cross.enters[0] && cross.enters[4] && cross.enters[8] && cross.sought,
     "3 x 3 seeds: the diagonal");
  for (int i = 0; i < 9; i++) add_run(&one, i / 3, 1, 5);
  choose(&one);
  OK(one.entered == 3 && one.enters[0] && one.enters[3] && one.enters[6],
     "a seed that does not vary keeps nothing out");
  add_run(&gap, 1, 1, -1), add_run(&gap, 1, 2, -1), add_run(&gap, 2, 1, -1);
  choose(&gap);
  OK(gap.entered == 2 && !gap.enters[0], "taking the first one would leave it alone: two others");
  /* two blocks without anchors, listed backwards: the same runs */
  for (int b = 1; b >= 0; b--)
    for (int i = 3; i >= 0; i--) add_run(&three, 2 * b + i % 2, 2 * b + i / 2, -1);
  choose(&three);
  OK(three.entered == 4 && has(&three, 0, 0, -1) && has(&three, 1, 1, -1) &&
         has(&three, 2, 2, -1) && has(&three, 3, 3, -1),
     "blocks, in any order: those of the least seeds and their opposites");
}

static bool apart(const Trial *t, int64_t q, int64_t r)
{
  for (int p = 0; p < 3; p++) {
    bool varies = false;
    for (int64_t i = 1; i < t->runs; i++) varies |= t->run[i].seed[p] != t->run[0].seed[p];
    if (varies && t->run[q].seed[p] == t->run[r].seed[p]) return false;
  }
  return true;
}

/* Of all subsets of runs, which stand in the order of their seeds: bit runs - 1 - r is run r, so of
   two sets the greater number is lexicographically first. */
static unsigned best_subset(const Trial *t)
{
  unsigned best = 0;
  int most = 0;
  for (unsigned set = 1; set < 1U << t->runs; set++) {
    int size = 0;
    bool good = true;
    for (int64_t r = 0; r < t->runs && good; r++) {
      if (!(set >> (t->runs - 1 - r) & 1)) continue;
      size++;
      for (int64_t q = 0; q < r && good; q++)
        good = !(set >> (t->runs - 1 - q) & 1) || apart(t, q, r);
    }
    if (good && size >= most) most = size, best = set;
  }
  return best;
}

/* Random sets of runs, in the order of their seeds and shuffled. */
static void test_all_subsets(void)
{
  int wrong = 0, better = 0, moved = 0;
  for (uint64_t trial = 0; trial < 400; trial++) {
    const bool anchors = trial % 2;
    const int64_t n = 3 + (int64_t)trial % 2;
    Trial t = {0}, shuffled = {0};
    for (int64_t s = 0; s < n * n * (anchors ? n : 1) && t.runs < 11; s++)
      if (random_below(9, RANDOM_LAST, trial * 1000 + (uint64_t)s, anchors ? 4 : 2) == 0)
        add_run(&t, s % (n * n) / n, s % n, anchors ? s / n / n : -1);
    if (t.runs < 2) continue;
    for (int64_t r = 0; r < t.runs; r++) /* init slowest */
      for (int64_t q = r; q > 0; q--) {
        const int64_t *x = t.run[q - 1].seed, *y = t.run[q].seed;
        if (x[0] * 100 + x[1] * 10 + x[2] <= y[0] * 100 + y[1] * 10 + y[2]) break;
        const ComparedRun keep = t.run[q];
        t.run[q] = t.run[q - 1];
        t.run[q - 1] = keep;
      }
    for (int64_t r = 0; r < t.runs; r++) {
      const int64_t *from = t.run[random_permuted(trial, RANDOM_LAST, 1, t.runs, r)].seed;
      add_run(&shuffled, from[0], from[1], from[2]);
    }
    const unsigned best = best_subset(&t);
    choose(&t);
    choose(&shuffled);
    bool taken[MOST] = {false};
    int64_t greedy = 0;
    for (int64_t r = 0; r < t.runs; r++) {
      wrong += t.enters[r] != (best >> (t.runs - 1 - r) & 1);
      moved += t.enters[r] != has(&shuffled, t.run[r].seed[0], t.run[r].seed[1], t.run[r].seed[2]);
      taken[r] = true;
      for (int64_t q = 0; q < r; q++) taken[r] &= !taken[q] || apart(&t, q, r);
      greedy += taken[r];
    }
    better += t.entered > greedy;
  }
  OK(wrong == 0, "the best of all subsets");
  OK(moved == 0, "in any order of the plan");
  OK(better > 20, "where %d times the first ones alone would be fewer", better);
}

/* Triples whose sum is 0 modulo n, n even: every two purposes can be matched, all three cannot. */
static void test_bound(void)
{
  Trial four = {0}, twelve = {0};
  for (int i = 0; i < 16; i++) add_run(&four, i / 4, i % 4, (8 - i / 4 - i % 4) % 4);
  choose(&four);
  OK(four.entered == 3 && four.sought, "4 seeds each: 3 runs, sought to the end");
  for (int i = 0; i < 144; i++) add_run(&twelve, i / 12, i % 12, (24 - i / 12 - i % 12) % 12);
  choose(&twelve);
  OK(twelve.entered >= 9 && twelve.entered < 12 && !twelve.sought,
     "12 seeds each: %d runs, and no proof that there are no more", (int)twelve.entered);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  test_known();
  test_all_subsets();
  test_bound();
  return TestEnd();
}
