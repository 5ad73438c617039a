/* Laws of the codes: what is kept is a score, above 0, in order of the atoms, and no more than
   promised; a token's code depends on that token alone. And what topk and relu say of themselves.
   (That gradients agree with finite differences is tests/unit/learn_gradient.c.)
   RUN ranks=1 */
#include "../sae_task.h"
#include "../tap.h"

enum { N = 40, M = 67 };

/* Scores with equal values, exact zeros and rows that are all negative. */
static float score(int64_t t, int64_t j)
{
  const float x = (float)random_normal(5, RANDOM_SYNTH, (uint64_t)(t * M + j));
  if (t % 8 == 5) return -fabsf(x) - 0.125f;
  if (t % 8 == 6) return j % 3 ? 0.5f : 0.25f;
  return t % 2 ? x : roundf(x * 2) / 2;
}

static bool well_formed(const Codes *codes, const float *S, int64_t most, bool scores)
{
  bool fine = codes->rows == N && codes->start[0] == 0;
  for (int64_t t = 0; t < N; t++) {
    fine &= codes->start[t + 1] - codes->start[t] <= most;
    for (int64_t q = codes->start[t]; q < codes->start[t + 1]; q++) {
      fine &= codes->atom[q] >= 0 && codes->atom[q] < M && codes->value[q] > 0;
      fine &= !scores || codes->value[q] == S[t * M + codes->atom[q]];
      fine &= q == codes->start[t] || codes->atom[q] > codes->atom[q - 1];
    }
  }
  return fine;
}

static void encode(const CodeNow *now, const Kernels *kernels, const float *S, Codes *codes)
{
  memset(codes, 0, sizeof(*codes));
  RUN(CodesReserve(codes, N, N * now->code->most(now, M)));
  now->code->forward(now, kernels, N, M, S, codes);
}

static bool same_row(const Codes *a, int64_t s, const Codes *b, int64_t t)
{
  const int64_t count = a->start[s + 1] - a->start[s];
  return count == b->start[t + 1] - b->start[t] &&
         !memcmp(a->atom + a->start[s], b->atom + b->start[t], sizeof(int32_t) * (size_t)count) &&
         !memcmp(a->value + a->start[s], b->value + b->start[t], sizeof(float) * (size_t)count);
}

/* The k largest above 0, lowest index first, by counting how many scores go before each. */
static bool is_topk(const Codes *codes, const float *S, int64_t k)
{
  bool fine = true;
  for (int64_t t = 0; t < N; t++) {
    int64_t at = codes->start[t];
    for (int64_t j = 0; j < M; j++) {
      int64_t before = 0;
      for (int64_t i = 0; i < M; i++)
        before += S[t * M + i] > S[t * M + j] || (S[t * M + i] == S[t * M + j] && i < j);
      if (S[t * M + j] > 0 && before < k)
        fine &= at < codes->start[t + 1] && codes->atom[at++] == j;
    }
    fine &= at == codes->start[t + 1];
  }
  return fine;
}

static void laws(const SAECode *code, const char *words, const Kernels *kernels)
{
  Settings settings = {0};
  Choice choice;
  Codes codes, turned;
  static float S[N * M], R[N * M];
  const char *name = code->entry.name;
  settings_set(&settings, "code.name", name);
  settings_words(&settings, words);
  settings_defaults(&settings, "code.", code->entry.params);
  RUN(ChoiceRead(&settings, "code", &sae_codes, &choice));
  for (int64_t t = 0; t < N; t++)
    for (int64_t j = 0; j < M; j++) S[t * M + j] = R[(N - 1 - t) * M + j] = score(t, j);
  static float learned[SAE_LEARNED][M], bias[M];
  CodeNow now = code_now(&choice);
  now.bias = bias;
  for (int j = 0; j < M; j++) learned[0][j] = strcmp(name, "gated") ? 0 : 1.5f;
  for (int i = 0; i < SAE_LEARNED; i++) now.learned[i] = learned[i];
  const int64_t most = code->most(&now, M);
  encode(&now, kernels, S, &codes);
  encode(&now, kernels, R, &turned);
  OK(most > 0 && most <= M, "%s %s: at most %d of %d atoms", name, words, (int)most, M);
  OK(well_formed(&codes, S, most, strcmp(name, "quantised") && strcmp(name, "gated")),
     "%s: kept scores, above 0, ascending atoms, no more than said", name);
  OK(codes.start[6] == codes.start[5], "%s: a token without a score above 0 has no code", name);
  bool turns = true;
  for (int64_t t = 0; t < N; t++) turns &= same_row(&codes, t, &turned, N - 1 - t);
  OK(turns, "%s: the order of the tokens does not matter", name);
  if (!strcmp(name, "topk"))
    OK(is_topk(&codes, S, most) && !code->l1,
       "topk: the k largest, lowest atom first among equals");
  if (!strcmp(name, "relu")) {
    OK(is_topk(&codes, S, M), "relu: every score above 0");
    NEAR(code->l1(&now), 0.25, 0, "relu: the weight of its penalty is the setting's");
  }
  if (!strcmp(name, "quantised")) {
    bool levels = true;
    for (int64_t q = 0; q < codes.start[N]; q++) {
      const double level = (double)codes.value[q] * 3;
      levels &= fabs(level - round(level)) < 1e-6 && level > 0.5 && level < 3.5;
    }
    OK(levels && codes.start[N] > 0, "quantised: three levels above 0");
  }
  if (!strcmp(name, "gated")) {
    bool scaled = true;
    for (int64_t t = 0; t < N; t++)
      for (int64_t q = codes.start[t]; q < codes.start[t + 1]; q++)
        scaled &= codes.value[q] == 1.5f * S[t * M + codes.atom[q]];
    OK(scaled && is_topk(&codes, S, M), "gated: what passes the gate, in its own scale");
  }
  codes_clear(&codes);
  codes_clear(&turned);
  RUN(ChoiceRelease(&choice));
  settings_clear(&settings);
}

/* A code with these settings, in training or not. */
static CodeNow code_of(const char *name, const char *words, bool training, Settings *settings,
                       Choice *choice)
{
  *settings = (Settings){0};
  settings_set(settings, "code.name", name);
  settings_words(settings, words);
  settings_defaults(settings, "code.", family_find(&sae_codes, name)->params);
  RUN(ChoiceRead(settings, "code", &sae_codes, choice));
  CodeNow now = code_now(choice);
  now.training = training;
  return now;
}

/* What a score becomes; below 0: nothing. */
static float code_of_score(const char *name, const CodeNow *now, float s)
{
  if (!strcmp(name, "batchtopk")) return (double)s >= now->numbers[0] && s > 0 ? s : -1;
  if (!strcmp(name, "jumprelu")) return s >= 0.5f ? s : -1;
  if (!strcmp(name, "gated")) {
    const float z = __builtin_fmaf(1.5f, s, -0.5f);
    return s > 0 && z > 0 ? z : -1;
  }
  const double level = floor((double)s * 3 + 0.5); /* quantised: 1/3, 2/3 and 1 */
  return level < 1 ? -1 : (float)(fmin(level, 3) * (1.0 / 3));
}

/* In evaluation the codes are, score by score, what the definition says. */
static void check_evaluation(const char *name, const char *words, const Kernels *kernels)
{
  Settings settings;
  Choice choice;
  Codes codes;
  static float S[N * M], scale[M], bias[M], none[M];
  CodeNow now = code_of(name, words, false, &settings, &choice);
  for (int j = 0; j < M; j++) scale[j] = !strcmp(name, "gated") ? 1.5f : 0.5f, bias[j] = -0.5f;
  now.learned[0] = scale, now.learned[1] = bias, now.bias = none;
  now.numbers[0] = !strcmp(name, "batchtopk") ? 0.5 : 0;
  for (int64_t t = 0; t < N; t++)
    for (int64_t j = 0; j < M; j++) S[t * M + j] = score(t, j);
  encode(&now, kernels, S, &codes);
  bool same = codes.rows == N;
  for (int64_t t = 0; t < N; t++) {
    int64_t q = codes.start[t];
    for (int64_t j = 0; j < M; j++) {
      const float z = code_of_score(name, &now, S[t * M + j]);
      if (z < 0) continue;
      same = same && q < codes.start[t + 1] && codes.atom[q] == j &&
             fabsf(codes.value[q] - z) <= 1e-7f;
      q++;
    }
    same &= q == codes.start[t + 1];
  }
  OK(same, "%s %s: in evaluation, codes by their definition", name, words);
  codes_clear(&codes);
  RUN(ChoiceRelease(&choice));
  settings_clear(&settings);
}

/* The kernels' formulas at distance 0 and at a half of the half-width h; the gaussian's standard
   deviation is 2 h. */
static double formula(int kernel, double h, double u)
{
  const double r = sqrt(2), K[] = {0.5,
                                   exp(-u * u / 8) / sqrt(8 * M_PI),
                                   1 - u,
                                   M_PI / 4 * cos(M_PI / 2 * u),
                                   0.75 * (1 - u * u),
                                   0.9375 * (1 - u * u) * (1 - u * u),
                                   exp(-u / r) * sin(u / r + M_PI / 4) / 2,
                                   1 / (M_PI * (1 + u * u))};
  return K[kernel] / h;
}

/* Every kernel of jumprelu has the integral 1, is even and is highest at the threshold. */
static void check_kernels(const Kernels *kernels)
{
  static const char *const words[] = {"rectangle",    "gaussian", "triangular", "cosine",
                                      "epanechnikov", "quartic",  "silverman",  "cauchy"};
  enum { STEPS = 200001 };
  float *S = malloc(STEPS * sizeof(*S)), threshold = 100;
  for (int i = 0; i < STEPS; i++) S[i] = 0.001f * (float)i; /* 0 to 200 */
  for (int k = 0; k < 8; k++) {
    Settings settings = {0};
    Choice choice;
    Codes codes = {.has_more = true};
    double sum = 0, highest = 0, odd = 0;
    settings_set(&settings, "code.name", "jumprelu");
    settings_set(&settings, "code.kernel", words[k]);
    settings_set(&settings, "code.bandwidth", "0.5");
    settings_defaults(&settings, "code.", family_find(&sae_codes, "jumprelu")->params);
    RUN(ChoiceRead(&settings, "code", &sae_codes, &choice));
    CodeNow now = code_now(&choice);
    now.training = true, now.learned[0] = &threshold;
    RUN(CodesReserve(&codes, STEPS, STEPS));
    now.code->forward(&now, kernels, STEPS, 1, S, &codes);
    double *K = calloc(STEPS, sizeof(*K));
    for (int64_t t = 0; t < STEPS; t++)
      for (int64_t q = codes.start[t]; q < codes.start[t + 1]; q++) K[t] = (double)codes.more[q];
    for (int64_t t = 0; t < STEPS; t++) {
      sum += 0.001 * K[t];
      highest = fmax(highest, K[t]);
      odd = fmax(odd, fabs(K[t] - K[STEPS - 1 - t]));
    }
    /* Cauchy's tails beyond 100 hold 2 h / (pi 100) of it, h = 0.25 */
    NEAR(sum, k == 7 ? 1 - 0.5 / (100 * M_PI) : 1, 3e-3, "%s: the integral is 1", words[k]);
    NEAR(K[STEPS / 2], formula(k, 0.25, 0), 1e-4 * K[STEPS / 2], "%s: its height", words[k]);
    NEAR(K[STEPS / 2 + 125], formula(k, 0.25, 0.5), 1e-3 * K[STEPS / 2], "%s: at h / 2", words[k]);
    OK(highest == K[STEPS / 2] && odd < 2e-3 * highest + (k == 0) * 3, "%s: even and highest at 0",
       words[k]);
    free(K);
    codes_clear(&codes);
    RUN(ChoiceRelease(&choice));
    settings_clear(&settings);
  }
  free(S);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  const Kernels *kernels;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  for (const Entry *const *entry = sae_codes.entries; *entry; entry++) {
    const SAECode *code = (const SAECode *)*entry;
    if (code->pursue) continue; /* codes by pursuit do not come from scores */
    if (strcmp((*entry)->name, "topk"))
      laws(code, strcmp((*entry)->name, "relu") ? "" : "code.l1=0.25", kernels);
    else
      for (int i = 0; i < 4; i++)
        laws(code, (const char *[]){"code.k=1", "code.k=5", "code.k=66", "code.k=67"}[i], kernels);
  }
  check_kernels(kernels);
  check_evaluation("batchtopk", "code.k=3", kernels);
  check_evaluation("jumprelu", "code.convention=overcomplete", kernels);
  check_evaluation("gated", "", kernels);
  check_evaluation("quantised", "", kernels);
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
