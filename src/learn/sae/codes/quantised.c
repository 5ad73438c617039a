/* Positive scores rounded to a few levels. */
#include "learn/penalty.h"

typedef struct {
  PenaltyParams penalty;
  int64_t levels;
  double top;
} QuantisedParams;

static const Param params[] = {
    PENALTY_PARAMS(PenaltyParams),
    {"levels", PARAM_INT, offsetof(QuantisedParams, levels), "4", 2, 1e6,
     "values that a code can have, 0 among them, evenly spaced"},
    {"top", PARAM_REAL, offsetof(QuantisedParams, top), "1", 0, 1e6,
     "the largest of them, in units of the scores", .open_min = true},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  (void)all;
  return penalty_check(settings, path);
}

/* To the nearest level, halves up; gradients pass as if it were not rounded. */
static void forward(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                    const float *S, Codes *codes)
{
  const QuantisedParams *settings = now->params;
  const double most = (double)(settings->levels - 1), step = settings->top / most;
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[codes->rows];
    const int64_t found =
        kernels->select_positive(m, S + t * m, codes->atom + at, codes->value + at);
    int64_t end = at;
    for (int64_t q = at; q < at + found; q++) {
      const double level = __builtin_floor((double)codes->value[q] / step + 0.5);
      if (!(level >= 1)) continue;
      codes->atom[end] = codes->atom[q];
      codes->value[end++] = (float)((level < most ? level : most) * step);
    }
    codes->start[++codes->rows] = end;
  }
}

const SAECode sae_code_quantised = {
    .entry = {"quantised", "positive scores rounded to a few even levels",
              "KempnerInstitute/overcomplete v0.3, QSAE, with hard and fixed levels", params,
              sizeof(QuantisedParams), .check = check},
    .forward = forward,
    .most = every_atom,
    .start = penalty_begin,
    .l1 = penalty_l1,
    .numbers = penalty_numbers,
    .stepped = penalty_stepped,
};
