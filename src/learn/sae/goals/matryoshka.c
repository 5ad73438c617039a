/* Prefixes of the atoms reconstruct on their own. */
#include "learn/sae.h"

typedef struct {
  int loss;
  int64_t levels;
} Matryoshka;

static const Param params[] = {
    {"levels", PARAM_INT, offsetof(Matryoshka, levels), "5", 1, SAE_LEVELS,
     "prefixes of the atoms, each twice as long as the one before; the last is all of them"},
    GOAL_LOSS(Matryoshka),
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const int64_t width = settings_int(all, "width"), levels = ((const Matryoshka *)settings)->levels;
  *path = "levels";
  if (width && width >> (levels - 1) < 1)
    text_add(&why, "the shortest of %lld prefixes of %lld atoms would have none; take fewer levels",
             (long long)levels, (long long)width);
  return why.s;
}

/* Prefixes of m/2^(h-1), ..., m/4, m/2, m atoms, rounded down. */
static void levels(const void *settings, int64_t m, int64_t k, SAELevels *out)
{
  const Matryoshka *matryoshka = settings;
  (void)k;
  *out = (SAELevels){.by_atom = true, .relative = matryoshka->loss};
  for (int64_t l = matryoshka->levels - 1; l >= 0; l--)
    if (m >> l > 0) out->bound[out->count++] = m >> l;
  for (int l = 0; l < out->count; l++) out->weight[l] = 1.0 / out->count;
}

const SAEGoal sae_goal_matryoshka = {
    .entry = {"matryoshka",
              "the mean squared error of reconstructions from prefixes of the atoms, halved in "
              "length again and again",
              "Bussmann et al. 2025, arXiv:2503.17547, eq. (3), with a mean over prefixes", params,
              sizeof(Matryoshka), .check = check},
    .levels = levels,
};
