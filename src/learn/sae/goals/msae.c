/* Nested TopK: the same scores, kept to several numbers of codes. */
#include "learn/goal.h"
#include <stdlib.h>

typedef struct {
  int loss, weights;
  char *ks;
} MSAE;

enum { UNIFORM, REVERSE };
static const char *const weight_words[] = {"uniform", "reverse", NULL};

static const Param params[] = {
    {"ks", PARAM_TEXT, offsetof(MSAE, ks), "",
     .doc = "codes of each level, ascending, as in \"16 32 64\"; without it code.k, twice as many "
            "again and again, and all atoms. The last one is what evaluation keeps"},
    {"weights", PARAM_WORD, offsetof(MSAE, weights), "uniform",
     .doc = "of the levels' errors: all the same, or h for the first of h levels, down to 1",
     .words = weight_words},
    GOAL_LOSS(MSAE),
    {0},
};

/* Levels of m atoms from the text, at most SAE_LEVELS; what is wrong with it, or NULL. */
static const char *read_levels(const char *text, int64_t m, int64_t k, SAELevels *out)
{
  out->count = 0;
  if (!text) {
    for (int64_t bound = max_i64(k, 1); bound < m && out->count < SAE_LEVELS - 1; bound *= 2)
      out->bound[out->count++] = bound;
    out->bound[out->count++] = m;
    return NULL;
  }
  for (char *end;; text = end) {
    while (*text == ' ' || *text == ',') text++;
    if (!*text) break;
    const int64_t bound = strtoll(text, &end, 10);
    if (end == text || (*end && *end != ' ' && *end != ','))
      return "is not a list of whole numbers";
    if (bound <= (out->count ? out->bound[out->count - 1] : 0)) return "must be above 0 and ascend";
    if (bound > m) return "asks for more codes than there are atoms";
    if (out->count == SAE_LEVELS) return "has more than 24 levels";
    out->bound[out->count++] = bound;
  }
  return out->count ? NULL : "is empty";
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  SAELevels out;
  const char *text = ((const MSAE *)settings)->ks;
  const int64_t width = settings_int(all, "width");
  *path = "ks";
  const char *wrong = text ? read_levels(text, width ? width : INT64_MAX, 0, &out) : NULL;
  if (wrong) text_add(&why, "'%s' %s", text, wrong);
  return wrong ? why.s : nested_check(all);
}

static void levels(const void *settings, int64_t m, int64_t k, SAELevels *out)
{
  const MSAE *msae = settings;
  double sum = 0;
  *out = (SAELevels){.relative = msae->loss};
  read_levels(msae->ks, m, k, out);
  for (int l = 0; l < out->count; l++)
    sum += out->weight[l] = msae->weights == REVERSE ? out->count - l : 1;
  for (int l = 0; l < out->count; l++) out->weight[l] /= sum;
  out->k = out->k_evaluation = out->bound[out->count - 1];
}

const SAEGoal sae_goal_msae = {
    .entry = {"msae",
              "the mean squared error of nested TopK reconstructions, from the largest k_1 < k_2 < "
              "... codes of each token",
              "Zaigrajew et al. 2025, arXiv:2502.20578, Matryoshka SAE, uniform or reverse weights",
              params, sizeof(MSAE), .check = check},
    .levels = levels,
};
