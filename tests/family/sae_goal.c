/* Laws of the goals: nothing is lost and nothing pulls where the reconstruction is perfect, and the
   residual and the slopes are the gradient of the loss, by differences in float64.
   RUN ranks=1 */
#include "../sae_task.h"
#include "../tap.h"

enum { D = 70, M = 6, K = 3 };
static const int32_t atom[K] = {0, 3, 5};

/* One token's pass with count codes; its loss. e [LEVELS x D], g [K] by level and then in order of
   the codes; level [K] of each code. */
static double token(const SAELevels *levels, const Kernels *kernels, int64_t count, const float *z,
                    const float *atoms, const float *xc, float *e, float *g)
{
  static _Alignas(64) float work[(M + MANY_TOKENS) * 2 * DOT_BLOCK + 16]; /* residuals_work(1, M) */
  float rest[D], leaf[D], slope[SAE_LEVELS][K];
  Codes whole = {0}, *split[SAE_LEVELS], each[SAE_LEVELS] = {{0}};
  const Codes *codes[SAE_LEVELS];
  float *slopes[SAE_LEVELS], *errors[SAE_LEVELS];
  double square;
  RUN(CodesReserve(&whole, 1, K));
  whole.rows = 1, whole.start[1] = count;
  for (int q = 0; q < count; q++) whole.atom[q] = atom[q], whole.value[q] = z[q];
  for (int l = 0; l < levels->count; l++)
    codes[l] = split[l] = &each[l], slopes[l] = slope[l], errors[l] = e + l * D;
  RUN(SplitLevels(kernels, levels, &whole, split));
  for (int i = 0; i < D; i++) leaf[i] = NAN;
  goal_pass(kernels, levels, 1, M, D, atoms, xc, codes, slopes, errors, rest, &square, leaf, work);
  for (int i = 0; i < D; i++)
    if (leaf[i] != e[i]) square = NAN; /* of one token: itself */
  for (int l = 0; l < levels->count; l++) {
    for (int64_t q = 0; q < each[l].start[1]; q++)
      for (int i = 0; i < K; i++)
        if (atom[i] == each[l].atom[q]) g[i] = slope[l][q];
    codes_clear(&each[l]);
  }
  codes_clear(&whole);
  return square;
}

/* The loss of one token written a second time, in float64, from the definition: the weighted
   squared errors of the reconstructions by the codes of levels 0 .. l, over the token's square if
   relative. */
static double loss_of(const SAELevels *levels, const float *z, const float *atoms, const float *xc,
                      const float *denominator)
{
  double sum = 0, whole = 0;
  for (int i = 0; i < D; i++) whole += (double)denominator[i] * (double)denominator[i];
  for (int l = 0; l < levels->count; l++) {
    double square = 0;
    for (int i = 0; i < D; i++) {
      double error = -(double)xc[i];
      for (int q = 0; q < K; q++) {
        int before = 0; /* codes that are larger */
        for (int p = 0; p < K; p++) before += z[p] > z[q] || (z[p] == z[q] && p < q);
        if (l + 1 == levels->count || (levels->by_atom ? atom[q] : before) < levels->bound[l])
          error += (double)z[q] * (double)atoms[atom[q] * D + i];
      }
      square += error * error;
    }
    sum += levels->weight[l] * square;
  }
  return levels->relative ? sum * D / whole : sum;
}

static void laws(const char *name, const char *words, const Kernels *kernels)
{
  Settings settings = {0};
  Choice choice;
  SAELevels levels;
  float atoms[M * D], z[K] = {0.5f, 2, 1.25f}, xc[D] = {0}, e[SAE_LEVELS * D], g[K];
  settings_set(&settings, "goal.name", name);
  settings_words(&settings, words);
  settings_defaults(&settings, "goal.", family_find(&sae_goals, name)->params);
  RUN(ChoiceRead(&settings, "goal", &sae_goals, &choice));
  ((const SAEGoal *)choice.entry)->levels(choice.params, M, 1, &levels);
  double weights = 0;
  for (int l = 0; l < levels.count; l++) {
    weights += levels.weight[l];
    OK(!l || levels.bound[l] > levels.bound[l - 1], "%s %s: level %d is larger", name, words, l);
  }
  NEAR(weights, 1, 1e-15, "%s %s: the weights of its %d levels have the sum 1", name, words,
       levels.count);
  for (int i = 0; i < M * D; i++)
    atoms[i] = roundf(8 * (float)random_normal(1, RANDOM_SYNTH, (uint64_t)i)) / 8;
  for (int i = 0; i < D; i++)
    for (int q = 0; q < K; q++) xc[i] += z[q] * atoms[atom[q] * D + i];
  double loss = token(&levels, kernels, K, z, atoms, xc, e, g);
  bool still = loss == 0;
  for (int i = 0; i < D; i++) still &= e[i] == 0;
  for (int q = 0; q < K; q++) still &= g[q] == 0;
  OK(still == (levels.count == 1),
     "%s %s: a perfect reconstruction has no loss, but that of fewer "
     "codes has one",
     name, words);

  for (int i = 0; i < D; i++) xc[i] += (float)random_normal(2, RANDOM_SYNTH, (uint64_t)i);
  loss = token(&levels, kernels, K, z, atoms, xc, e, g);
  const double expected = loss_of(&levels, z, atoms, xc, xc);
  NEAR(loss, expected, 1e-5 * expected, "%s %s: the loss is the definition's", name, words);
  const float step =
      0x1p-6f; /* the loss is a quadratic, so differences are exact but for rounding */
  bool slopes = true, residual = true;
  for (int q = 0; q < K; q++) {
    float up[K], down[K];
    memcpy(up, z, sizeof(z)), memcpy(down, z, sizeof(z));
    up[q] += step, down[q] -= step;
    const double slope =
        (loss_of(&levels, up, atoms, xc, xc) - loss_of(&levels, down, atoms, xc, xc)) /
        (4 * (double)step);
    slopes &= fabs(slope - (double)g[q]) < 1e-4 * loss;
  }
  for (int i = 0; i < D; i++) {
    float up[D], down[D];
    memcpy(up, xc, sizeof(xc)), memcpy(down, xc, sizeof(xc));
    up[i] += step, down[i] -= step;
    const double slope =
        (loss_of(&levels, z, atoms, up, xc) - loss_of(&levels, z, atoms, down, xc)) /
        (4 * (double)step);
    residual &= fabs(slope + (double)e[i]) < 1e-4 * loss;
  }
  OK(slopes, "%s %s: slopes are half the loss's derivatives by the codes", name, words);
  OK(residual, "%s %s: the first level's residual is half its derivative by the reconstruction",
     name, words);
  loss = token(&levels, kernels, 0, z, atoms, xc, e, g);
  double square = 0;
  for (int i = 0; i < D; i++) square += (double)xc[i] * (double)xc[i];
  if (levels.relative) square = D;
  NEAR(loss, square, 1e-12 * square, "%s %s: without codes the loss is the token's square", name,
       words);
  memset(xc, 0, sizeof(xc));
  loss = token(&levels, kernels, 0, z, atoms, xc, e, g);
  OK(loss == 0, "%s %s: a token of zeros without codes has no loss", name, words);
  RUN(ChoiceRelease(&choice));
  settings_clear(&settings);
}

/* The levels that a goal makes of k codes of m atoms. */
static void check_levels(const char *name, const char *words, int64_t m, int64_t k, SAELevels is)
{
  Settings settings = {0};
  Choice choice;
  SAELevels out;
  settings_set(&settings, "goal.name", name);
  settings_words(&settings, words);
  settings_defaults(&settings, "goal.", family_find(&sae_goals, name)->params);
  RUN(ChoiceRead(&settings, "goal", &sae_goals, &choice));
  memset(&out, 0x55, sizeof(out)); /* all of it is set */
  ((const SAEGoal *)choice.entry)->levels(choice.params, m, k, &out);
  bool same = out.count == is.count && out.by_atom == is.by_atom && out.relative == is.relative;
  for (int l = 0; l < is.count; l++)
    same &= out.bound[l] == is.bound[l] && fabs(out.weight[l] - is.weight[l]) < 1e-15;
  OK(same && out.k == is.k && out.k_evaluation == is.k_evaluation,
     "%s %s: levels of %d codes of %d atoms", name, words, (int)k, (int)m);
  RUN(ChoiceRelease(&choice));
  settings_clear(&settings);
}

static void check_all_levels(void)
{
  check_levels("plain", "", 9, 2, (SAELevels){.count = 1, .bound = {9}, .weight = {1}});
  check_levels("multi_topk", "goal.factor=3 goal.weight=0.25", 20, 2,
               (SAELevels){.count = 2, .bound = {2, 6}, .weight = {0.8, 0.2}, .k = 6});
  check_levels(
      "multi_topk", "goal.factor=3 goal.weight=0.25 goal.loss=nmse", 5, 2,
      (SAELevels){.count = 2, .bound = {2, 5}, .weight = {0.8, 0.2}, .k = 5, .relative = true});
  check_levels("multi_topk", "goal.factor=3", 5, 5,
               (SAELevels){.count = 1, .bound = {5}, .weight = {1}, .k = 5});
  check_levels("msae", "goal.weights=reverse", 13, 3,
               (SAELevels){.count = 4,
                           .bound = {3, 6, 12, 13},
                           .weight = {0.4, 0.3, 0.2, 0.1},
                           .k = 13,
                           .k_evaluation = 13});
  check_levels(
      "matryoshka", "goal.levels=3", 13, 3,
      (SAELevels){
          .count = 3, .bound = {3, 6, 13}, .weight = {1.0 / 3, 1.0 / 3, 1.0 / 3}, .by_atom = true});
}

/* Every code of four tokens, the last of which has very many, is in one level, with its further
   number. */
static void check_split(const Kernels *kernels, bool by_atom)
{
  enum { T = 4, L = 3, MANY = 1500, PRIME = 1511 };
  static const int64_t count[T] = {3, 1, 5, MANY};
  const SAELevels levels = {.count = L, .bound = {1, 3, MANY}, .by_atom = by_atom};
  Codes whole = {.has_more = true}, each[L] = {{0}}, *split[L];
  bool same = true;
  RUN(CodesReserve(&whole, T, T * MANY));
  for (int64_t t = 0; t < T; t++) {
    for (int64_t q = 0; q < count[t]; q++) {
      const int64_t at = whole.start[t] + q;
      whole.atom[at] = (int32_t)q, whole.value[at] = (float)(1 + (q * 5 + t) % PRIME);
      whole.more[at] = (float)(100 * t + q);
    }
    whole.start[++whole.rows] = whole.start[t] + count[t];
  }
  for (int l = 0; l < L; l++) split[l] = &each[l];
  RUN(SplitLevels(kernels, &levels, &whole, split));
  for (int64_t t = 0; t < T; t++)
    for (int64_t q = whole.start[t]; q < whole.start[t + 1]; q++) {
      int64_t rank = by_atom ? whole.atom[q] : 0, found = 0;
      for (int64_t p = whole.start[t]; p < whole.start[t + 1] && !by_atom; p++)
        rank += whole.value[p] > whole.value[q];
      const Codes *level = &each[rank < 1 ? 0 : rank < 3 ? 1 : 2];
      for (int64_t p = level->start[t]; p < level->start[t + 1]; p++)
        found += level->atom[p] == whole.atom[q] && level->value[p] == whole.value[q] &&
                 level->more[p] == whole.more[q];
      same &= found == 1;
    }
  int64_t all = 0;
  for (int l = 0; l < L; l++) {
    all += each[l].start[T], same &= each[l].rows == T && each[l].has_more;
    codes_clear(&each[l]);
  }
  OK(same && all == whole.start[T], "codes go to levels by %s, each once",
     by_atom ? "atom" : "size");
  codes_clear(&whole);
}

/* The first level's residuals of two leaves of tokens without codes are summed leaf by leaf. */
static void check_leaves(const Kernels *kernels, const SAELevels *levels)
{
  enum { N = LEAF_TOKENS + 7, W = 5 };
  static _Alignas(64) float work[(1 + MANY_TOKENS) * 2 * DOT_BLOCK + N * 16];
  static float xc[N * W], e[SAE_LEVELS][N * W], rest[N * W];
  static double square[N];
  static int64_t start[N + 1];
  float leaf[2 * W], sum[2 * W] = {0}, atoms[W] = {1}, slope = 0, *slopes[SAE_LEVELS],
                             *errors[SAE_LEVELS];
  const Codes none = {.rows = N, .start = start};
  const Codes *codes[SAE_LEVELS];
  for (int l = 0; l < levels->count; l++) codes[l] = &none, slopes[l] = &slope, errors[l] = e[l];
  for (int i = 0; i < N * W; i++) xc[i] = (float)random_normal(3, RANDOM_SYNTH, (uint64_t)i);
  for (int i = 0; i < 2 * W; i++) leaf[i] = NAN;
  goal_pass(kernels, levels, N, 1, W, atoms, xc, codes, slopes, errors, rest, square, leaf, work);
  for (int i = 0; i < N * W; i++) sum[i / W / LEAF_TOKENS * W + i % W] += e[0][i];
  OK(!memcmp(leaf, sum, sizeof(sum)) && sum[0] != 0 && sum[W] != 0,
     "%d levels%s: sums of residuals over leaves", levels->count,
     levels->relative ? ", relative" : "");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  const Kernels *kernels;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  for (const Entry *const *entry = sae_goals.entries; *entry; entry++)
    for (int relative = 0; relative < 2; relative++)
      laws((*entry)->name, relative ? "goal.loss=nmse" : "", kernels);
  check_all_levels();
  check_leaves(kernels, &(SAELevels){.count = 1, .bound = {1}, .weight = {1}});
  check_leaves(kernels, &(SAELevels){.count = 1, .bound = {1}, .weight = {1}, .relative = true});
  check_leaves(kernels, &(SAELevels){.count = 2, .bound = {1, 1}, .weight = {0.5, 0.5}});
  check_split(kernels, false);
  check_split(kernels, true);
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
