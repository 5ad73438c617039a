/* Keeps scores above a threshold that each atom learns, through a kernel in place of the gradient
   that a step does not have. */
#include "learn/batch_codes.h"
#include "learn/penalty.h"
#include "learn/train.h"
#include "base/exact.h"
#include "base/math.h"
#include <math.h>

typedef struct {
  double threshold, bandwidth;
  int kernel, convention;
  Choice sparsity;
} JumpReLU;

enum { RECTANGLE, GAUSSIAN, TRIANGULAR, COSINE, EPANECHNIKOV, QUARTIC, SILVERMAN, CAUCHY };
static const char *const kernel_words[] = {"rectangle", "gaussian",     "triangular",
                                           "cosine",    "epanechnikov", "quartic",
                                           "silverman", "cauchy",       NULL};
enum { ARDIS, OVERCOMPLETE };
static const char *const convention_words[] = {"ardis", "overcomplete", NULL};

static const Param params[] = {
    {"threshold", PARAM_REAL, offsetof(JumpReLU, threshold), "0.1", 0, 1e6,
     "at the start, in units of the tokens' root mean square per dimension", .open_min = true},
    {"bandwidth", PARAM_REAL, offsetof(JumpReLU, bandwidth), "0.1", 0, 1e6,
     "width of the kernel, in the same units", .open_min = true},
    {"kernel", PARAM_WORD, offsetof(JumpReLU, kernel), "rectangle",
     .doc = "how near the threshold scores count for its gradient", .words = kernel_words},
    {"convention", PARAM_WORD, offsetof(JumpReLU, convention), "ardis",
     .doc = "overcomplete: scores equal to the threshold are kept, kernels have that library's "
            "constants, are divided by the bandwidth once more and see scores below 0 as 0",
     .words = convention_words},
    {"sparsity", PARAM_CHOICE, offsetof(JumpReLU, sparsity), "l0", .doc = "the penalty",
     .family = &sparsities},
    {0},
};

enum { THRESHOLD, SLOPE = SAE_NUMBERS - 2, LOSS }; /* learned; numbers of a step */
static const char *const learned[] = {"code/log_threshold", NULL};

/* K(x) of a kernel of integral 1; of bounded ones |x| < width / 2. */
static double kernel_at(int kernel, double width, double x)
{
  const double pi = 3.141592653589793, h = width / 2, u = __builtin_fabs(x) / h,
               r = __builtin_sqrt(2);
  if (kernel == GAUSSIAN)
    return math_exp(-x * x / (2 * width * width)) / (width * __builtin_sqrt(2 * pi));
  if (kernel == SILVERMAN) return math_exp(-u / r) * math_sin(u / r + pi / 4) / (2 * h);
  if (kernel == CAUCHY) return 1 / (pi * h * (1 + u * u));
  if (!(u < 1)) return 0;
  if (kernel == RECTANGLE) return 1 / width;
  if (kernel == TRIANGULAR) return (1 - u) / h;
  if (kernel == COSINE) return pi / 4 * math_cos(pi / 2 * u) / h;
  if (kernel == EPANECHNIKOV) return 0.75 * (1 - u * u) / h;
  return 15.0 / 16 * (1 - u * u) * (1 - u * u) / h;
}

/* Scores farther from the threshold count for nothing that float32 could tell: the kernel is below
   2^-32 of its height there. Cauchy's reaches all scores. */
static double reach(const JumpReLU *settings, double width)
{
  const int kernel = settings->kernel;
  if (kernel == GAUSSIAN) return 7 * width;
  if (kernel == SILVERMAN) return 16 * width;
  if (kernel == COSINE && settings->convention == OVERCOMPLETE) return width;
  return kernel == CAUCHY ? (double)INFINITY : width / 2;
}

/* The library's kernel: of Gauss half as wide and of integral 1/2, the cosine twice as wide and of
   integral `width`, Silverman's of integral 2. */
static double library_kernel(int kernel, double width, double x)
{
  const double pi = 3.141592653589793;
  if (kernel == GAUSSIAN) return kernel_at(kernel, width / 2, x) / 2;
  if (kernel == COSINE) return __builtin_fabs(x) <= width ? (1 + math_cos(pi * x / width)) / 2 : 0;
  return kernel_at(kernel, width, x) * (kernel == SILVERMAN ? 2 : 1);
}

/* The kernel as the convention has it. */
static double weight_at(const JumpReLU *settings, double width, double x)
{
  if (settings->convention == ARDIS) return kernel_at(settings->kernel, width, x);
  return library_kernel(settings->kernel, width, x) / width;
}

static void forward(const CodeNow *now, const Kernels *kernels, int64_t n, int64_t m,
                    const float *S, Codes *codes)
{
  const JumpReLU *settings = now->params;
  const double width = settings->bandwidth * now->unit,
               far = now->training ? reach(settings, width) : -1;
  const bool library = settings->convention == OVERCOMPLETE;
  const float *threshold = now->learned[THRESHOLD];
  for (int64_t t = 0; t < n; t++) { /* there is room for all */
    const int64_t at = codes->start[codes->rows];
    float *near = now->training ? codes->more + at : NULL;
    const int64_t found = kernels->select_near(m, S + t * m, threshold, far, library,
                                               codes->atom + at, codes->value + at, near);
    for (int64_t q = 0; near && q < found; q++) {
      if (near[q] == 0) continue;
      const int32_t j = codes->atom[at + q];
      const float s = S[t * m + j];
      const double x = (double)(library && s < 0 ? 0 : s) - (double)threshold[j];
      near[q] = (float)weight_at(settings, width, x);
    }
    codes->start[++codes->rows] = at + found;
  }
}

/* Its logarithm is what is learned. */
static float shown(int which, float x)
{
  (void)which;
  return (float)math_exp((double)x);
}

static void start(SAE *sae)
{
  const JumpReLU *settings = sae->now.params;
  float *x = sae->tensor[sae->learned_tensor[THRESHOLD]].p;
  for (int64_t j = 0; j < sae->rows; j++)
    x[j] = (float)math_log(settings->threshold * sae->now.unit);
}

static const Sparsity *sparsity_of(const CodeNow *now)
{
  return (const Sparsity *)((const JumpReLU *)now->params)->sparsity.entry;
}

static Penalty penalty_of(const CodeNow *now, double l0)
{
  const void *settings = ((const JumpReLU *)now->params)->sparsity.params;
  const Sparsity *sparsity = sparsity_of(now);
  return sparsity->penalty(settings, true, l0, 0,
                           warmup_factor(sparsity->warmup(settings), now->step, now->steps));
}

static double l1(const CodeNow *now)
{
  return penalty_of(now, 0).l1;
}

/* The number of codes of the batch, and what the penalty makes of it. */
static PetscErrorCode Settle(SAE *sae, Codes *codes)
{
  int64_t active = 0;

  PetscFunctionBegin;
  for (int64_t q = codes->start[0]; q < codes->start[codes->rows]; q++)
    active += codes->value[q] != 0;
  PetscCall(NodesSum(sae->nodes, 1, &active));
  const Penalty penalty = penalty_of(&sae->now, (double)active / (double)sae_batch(sae));
  sae->now.numbers[SLOPE] = penalty.slope, sae->now.numbers[LOSS] = penalty.loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dz/dtheta = -theta K, d[s > theta]/dtheta = -K, with theta = exp of what is learned. Where K is 0
   and nothing else is infinite, that is 0 of either sign, or NaN, which g - g is too. */
static void slopes(const CodeNow *now, const Codes *codes, float *g, float *own)
{
  const bool finite =
      isfinite(now->numbers[SLOPE]) && ((const JumpReLU *)now->params)->kernel != CAUCHY;
  for (int64_t q = codes->start[0]; q < codes->start[codes->rows]; q++) {
    own[q] = g[q] - g[q];
    if (codes->more[q] != 0 || !finite) {
      const double threshold = (double)now->learned[THRESHOLD][codes->atom[q]];
      own[q] = (float)(-threshold * (double)codes->more[q] *
                       (threshold * (double)g[q] + now->numbers[SLOPE]));
    }
    if (codes->value[q] == 0) g[q] = 0;
  }
}

static void finish(SAE *sae, const float *own, const float *sums, float factor)
{
  (void)sums;
  float *g = sae->tensor[sae->learned_tensor[THRESHOLD]].g;
  for (int64_t j = 0; j < sae->rows; j++) g[j] = factor * own[j];
}

static double loss(const CodeNow *now, double l0)
{
  (void)l0;
  return now->numbers[LOSS];
}

const SAECode sae_code_jumprelu = {
    .entry = {"jumprelu",
              "keep scores above a threshold that each atom learns, with a penalty on their number",
              "Rajamanoharan et al. 2024, arXiv:2407.14435, eqs. (4) to (12)", params,
              sizeof(JumpReLU)},
    .forward = forward,
    .most = every_atom,
    .l1 = l1,
    .learned = learned,
    .shown = shown,
    .more = true,
    .start = start,
    .settle = Settle,
    .slopes = slopes,
    .finish = finish,
    .loss = loss,
};
