/* Which anchors an atom starts from. */
#pragma once
#include "base/param.h"

typedef enum { PICK_DEFAULT, PICK_IDENTITY, PICK_PERMUTED, PICK_RANDOM_SUBSET } Pick;
extern const char *const pick_words[]; /* "default", "identity", "permuted", "random_subset" */
#define PICK_DOC                                                                                   \
  "which anchor an atom starts from: its own number, those in permuted order, or a random "        \
  "subset; more atoms than anchors: the rest are "                                                 \
  "seeded mixtures of two; default: random_subset where width <= count, else permuted"

/* Weights w[0], w[1] on anchors q[0], q[1]; w[1] is 0 unless the atom starts as a mixture. */
typedef struct {
  int64_t q[2];
  float w[2];
} AnchorPick;
AnchorPick anchor_pick(Pick pick, uint64_t seed, int64_t m, int64_t p, int64_t atom);

/* For Entry.check: why this pick cannot be for all["width"] atoms and all["anchors.count"] anchors
 * (fresh memory), or NULL. */
char *pick_check(int pick, const Settings *all);
