/* Laws of the goals: nothing is lost and nothing pulls where the reconstruction is perfect, and the
   residual and the slopes are the gradient of the loss, by differences in float64.
   RUN ranks=1 */
#include "../sae_task.h"
#include "../tap.h"

enum { D = 70, M = 6, K = 3 };
static const int32_t atom[K] = {0, 3, 5};

/* One token's pass with count codes; its loss. */
static double token(const SAEGoal *goal, const Kernels *kernels, int64_t count, const float *z,
                    const float *atoms, const float *xc, float *e, float *g)
{
  static _Alignas(64) float work[M * DOT_BLOCK + 16]; /* residuals_work(1, M) */
  const Codes codes = {
      .rows = 1, .start = (int64_t[]){0, count}, .atom = (int32_t *)atom, .value = (float *)z};
  double square;
  goal->pass(kernels, 1, &codes, M, D, atoms, xc, e, g, &square, work);
  return square;
}

static double loss_of(const SAEGoal *goal, const Kernels *kernels, const float *z,
                      const float *atoms, const float *xc)
{
  float e[D], g[K];
  return token(goal, kernels, K, z, atoms, xc, e, g);
}

static void laws(const SAEGoal *goal, const Kernels *kernels)
{
  const char *name = goal->entry.name;
  float atoms[M * D], z[K] = {0.5f, 1.25f, 2}, xc[D] = {0}, e[D], g[K];
  for (int i = 0; i < M * D; i++)
    atoms[i] = roundf(8 * (float)random_normal(1, RANDOM_SYNTH, (uint64_t)i)) / 8;
  for (int i = 0; i < D; i++)
    for (int q = 0; q < K; q++) xc[i] += z[q] * atoms[atom[q] * D + i];
  double loss = token(goal, kernels, K, z, atoms, xc, e, g);
  bool still = loss == 0;
  for (int i = 0; i < D; i++) still &= e[i] == 0;
  for (int q = 0; q < K; q++) still &= g[q] == 0;
  OK(still, "%s: a perfect reconstruction has no loss and no gradient", name);

  for (int i = 0; i < D; i++) xc[i] += (float)random_normal(2, RANDOM_SYNTH, (uint64_t)i);
  loss = token(goal, kernels, K, z, atoms, xc, e, g);
  OK(loss > 1, "%s: another has one (%g)", name, loss);
  const float step =
      0x1p-6f; /* the loss is a quadratic, so differences are exact but for rounding */
  bool slopes = true, residual = true;
  for (int q = 0; q < K; q++) {
    float up[K], down[K];
    memcpy(up, z, sizeof(z)), memcpy(down, z, sizeof(z));
    up[q] += step, down[q] -= step;
    const double slope =
        (loss_of(goal, kernels, up, atoms, xc) - loss_of(goal, kernels, down, atoms, xc)) /
        (4 * (double)step);
    slopes &= fabs(slope - (double)g[q]) < 1e-4 * loss;
  }
  for (int i = 0; i < D; i++) {
    float up[D], down[D];
    memcpy(up, xc, sizeof(xc)), memcpy(down, xc, sizeof(xc));
    up[i] += step, down[i] -= step;
    const double slope =
        (loss_of(goal, kernels, z, atoms, up) - loss_of(goal, kernels, z, atoms, down)) /
        (4 * (double)step);
    residual &= fabs(slope + (double)e[i]) < 1e-4 * loss;
  }
  OK(slopes, "%s: slopes are half the loss's derivatives by the codes", name);
  OK(residual, "%s: the residual is half its derivative by the reconstruction", name);
  loss = token(goal, kernels, 0, z, atoms, xc, e, g);
  double square = 0;
  for (int i = 0; i < D; i++) square += (double)xc[i] * (double)xc[i];
  NEAR(loss, square, 1e-12 * square, "%s: without codes the loss is the token's square", name);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  const Kernels *kernels;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  for (const Entry *const *entry = sae_goals.entries; *entry; entry++)
    laws((const SAEGoal *)*entry, kernels);
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
