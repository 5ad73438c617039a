/* Keeps the largest scores of the whole batch, so many a token on the average. */
#include "learn/batch_codes.h"
#include "learn/penalty.h"

typedef struct {
  double k, momentum;
} BatchTopK;

static const Param params[] = {
    {"k", PARAM_REAL, offsetof(BatchTopK, k), "32", 0, 1e9,
     "codes kept a token, on the average over the batch; at most width", .open_min = true},
    {"momentum", PARAM_REAL, offsetof(BatchTopK, momentum), "0.99", 0, 1,
     "share of the running threshold that a step keeps; the rest is the least code of its batch"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  Text why = {0};
  const int64_t width = settings_int(all, "width");
  const double k = ((const BatchTopK *)settings)->k;
  *path = "k";
  if (width && k > (double)width)
    text_add(&why, "k is %g, but the dictionary has %lld atoms; k must be at most width", k,
             (long long)width);
  return why.s;
}

enum { THRESHOLD };
static const char *const *numbers(const void *settings)
{
  static const char *const names[] = {"code/threshold", NULL};
  (void)settings;
  return names;
}

/* In training all scores above 0, of which the batch will keep the largest. */
static void forward(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                    const float *S, Codes *codes)
{
  const double least = now->training ? 0 : now->numbers[THRESHOLD];
  for (int64_t t = 0; t < n; t++) {
    const int64_t at = codes->start[codes->rows];
    int64_t end = at + kernels->select_positive(m, S + t * m, codes->atom + at, codes->value + at);
    if (least > 0) {
      int64_t kept = at;
      for (int64_t q = at; q < end; q++)
        if ((double)codes->value[q] >= least)
          codes->atom[kept] = codes->atom[q], codes->value[kept++] = codes->value[q];
      end = kept;
    }
    codes->start[++codes->rows] = end;
  }
}

static PetscErrorCode Settle(SAE *sae, Codes *codes)
{
  const BatchTopK *settings = sae->now.params;
  double *threshold = &sae->now.numbers[THRESHOLD], least;

  PetscFunctionBegin;
  const int64_t total = __builtin_llrint(settings->k * (double)sae_batch(sae));
  PetscCall(KeepLargest(sae, total, codes, &least));
  if (least > 0)
    *threshold =
        *threshold > 0 ? settings->momentum * *threshold + (1 - settings->momentum) * least : least;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const SAECode sae_code_batchtopk = {
    .entry = {"batchtopk",
              "keep the k b largest positive scores of a batch of b tokens; in evaluation, those "
              "that reach the running threshold",
              "Bussmann et al. 2024, arXiv:2412.06410, section 3", params, sizeof(BatchTopK),
              .check = check},
    .forward = forward,
    .most = every_atom,
    .numbers = numbers,
    .settle = Settle,
};
