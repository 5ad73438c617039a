/* Keeps the k largest positive scores of each token. */
#include "learn/sae.h"

typedef struct {
  int64_t k;
} TopK;

static const Param params[] = {
    {"k", PARAM_INT, offsetof(TopK, k), "32", 1, 1e9, "atoms kept for each token, at most width"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const int64_t width = settings_int(all, "width"), k = ((const TopK *)settings)->k;
  *path = "k";
  if (width && k > width)
    text_add(&why, "k is %lld, but the dictionary has %lld atoms; k must be at most width",
             (long long)k, (long long)width);
  return why.s;
}

static int64_t largest(const CodeNow *now)
{
  return now->k ? now->k : ((const TopK *)now->params)->k;
}

static void forward(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                    const float *S, Codes *codes)
{
  const int64_t k = largest(now);
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[codes->rows];
    codes->start[codes->rows + 1] =
        at + kernels->select_top(m, S + t * m, k, NULL, codes->atom + at, codes->value + at);
    codes->rows++;
  }
}

static int64_t most(const CodeNow *now, int64_t m)
{
  return min_i64(m, largest(now));
}

const SAECode sae_code_topk = {
    .entry = {"topk", "keep the k largest positive scores of each token",
              "Gao et al. 2024, arXiv:2406.04093, section 2.3", params, sizeof(TopK),
              .check = check},
    .forward = forward,
    .most = most,
    .largest = largest,
};
