/* Which anchors an atom starts from. */
#include "learn/pick.h"
#include "base/array.h"
#include "base/random.h"

const char *const pick_words[] = {"default", "identity", "permuted", "random_subset", NULL};

AnchorPick anchor_pick(Pick pick, uint64_t seed, int64_t m, int64_t p, int64_t atom)
{
  AnchorPick result = {{0, 0}, {1, 0}};
  if (pick == PICK_DEFAULT) pick = m <= p ? PICK_RANDOM_SUBSET : PICK_PERMUTED;
  if (atom >= p) {
    const uint64_t at = (uint64_t)(atom - p);
    result.q[0] = random_below(seed, RANDOM_PICK, 3 * at, p);
    if (p == 1) return result;
    result.q[1] = (result.q[0] + 1 + random_below(seed, RANDOM_PICK, 3 * at + 1, p - 1)) % p;
    result.w[0] = (float)random_uniform(seed, RANDOM_PICK, 3 * at + 2);
    result.w[1] = 1 - result.w[0];
  } else if (pick == PICK_IDENTITY) {
    result.q[0] = atom;
  } else {
    result.q[0] = random_permuted(seed, RANDOM_PICK, UINT64_MAX,
                                  pick == PICK_RANDOM_SUBSET ? p : min_i64(m, p), atom);
  }
  return result;
}

char *pick_check(int pick, const Settings *all)
{
  Text why = {0};
  const int64_t m = settings_int(all, "width"), p = settings_int(all, "anchors.count");
  if (pick == PICK_RANDOM_SUBSET && m && p && m > p)
    text_add(&why,
             "random_subset needs at least as many anchors as atoms, but there are %lld anchors "
             "for %lld atoms; take permuted",
             (long long)p, (long long)m);
  return why.s;
}
