/* Laws of the optimizers: a few steps are those of the papers' formulas in float64, they find the
   minimum of a quadratic, stopped and resumed they go on bit for bit, the scale is a factor on the
   gradient, and moments that fade away become 0. RUN ranks=1 */
#include "../sae_task.h"
#include "../tap.h"

enum { P = 37, STEPS = 3000 };

typedef struct {
  float p[P], m[P], v[P];
} Point;

static float target(int i)
{
  return (float)(i % 7) - 2.5f;
}

/* Steps from .. to - 1 on sum of curvature (p - target)^2 / 2. */
static void descend(const Optimizer *optimizer, const void *params, const Kernels *kernels,
                    int from, int to, Point *x)
{
  for (int s = from; s < to; s++) {
    float g[P];
    for (int i = 0; i < P; i++) g[i] = (0.3f + (float)i / P) * (x->p[i] - target(i));
    const Update now = {.count = P,
                        .step = s + 1,
                        .p = x->p,
                        .m = x->m,
                        .v = x->v,
                        .g = g,
                        .scale = 1,
                        .rate = 0.05 * (1 - (double)s / STEPS),
                        .kernels = kernels};
    optimizer->update(params, &now);
  }
}

/* One number's step by the formulas of the papers, in float64; false: there is none for this one.
 */
static bool formula(const char *name, const Settings *o, int step, double rate, double g,
                    double x[3])
{
  double *p = x, *m = x + 1, *v = x + 2;
  if (!strncmp(name, "adam", 4)) {
    const double b1 = settings_real(o, "o.beta1"), b2 = settings_real(o, "o.beta2");
    if (!strcmp(name, "adamw")) *p -= rate * settings_real(o, "o.decay") * *p;
    *m = b1 * *m + (1 - b1) * g;
    *v = b2 * *v + (1 - b2) * g * g;
    *p -= rate * (*m / (1 - pow(b1, step))) /
          (sqrt(*v / (1 - pow(b2, step))) + settings_real(o, "o.epsilon"));
    return true;
  }
  const double momentum = settings_get(o, "o.momentum") ? settings_real(o, "o.momentum") : 0;
  if (!strcmp(name, "sgd")) {
    *m = momentum * *m + g;
    *p -= rate * *m;
    return true;
  }
  if (strcmp(name, "signum")) return false;
  *m = momentum * *m + (1 - momentum) * g;
  *p -= *m > 0 ? rate : *m < 0 ? -rate : 0;
  return true;
}

/* Ten steps on gradients of any size and sign against the formula. */
static void check_formula(const Optimizer *optimizer, const void *params, const Settings *settings,
                          const char *words, const Kernels *kernels)
{
  Point x = {0};
  double plain[P][3] = {{0}}, worst = 0;
  bool known = true;
  for (int i = 0; i < P; i++) plain[i][0] = (double)(x.p[i] = target(i));
  for (int s = 1; s <= 10; s++) {
    float g[P];
    for (int i = 0; i < P; i++)
      g[i] = (float)random_normal(3, RANDOM_SYNTH, (uint64_t)(s * P + i)) * (i % 5 ? 1.0f : 1e-8f);
    const Update now = {.count = P,
                        .step = s,
                        .p = x.p,
                        .m = x.m,
                        .v = x.v,
                        .g = g,
                        .scale = 0.5f,
                        .rate = 0.01 * s,
                        .kernels = kernels};
    optimizer->update(params, &now);
    for (int i = 0; i < P; i++) {
      known &= formula(optimizer->entry.name, settings, s, now.rate, 0.5 * (double)g[i], plain[i]);
      worst = fmax(worst, fabs((double)x.p[i] - plain[i][0]));
    }
  }
  OK(known, "%s: the test knows its formula", optimizer->entry.name);
  OK(worst < 2e-6, "%s %s: ten steps are those of the formula (within %.2g)", optimizer->entry.name,
     words, worst);
}

static void laws(const Entry *entry, const char *words, const Kernels *kernels)
{
  const Optimizer *optimizer = (const Optimizer *)entry;
  Settings settings = {0};
  Choice choice;
  settings_set(&settings, "o.name", entry->name);
  settings_words(&settings, words);
  settings_defaults(&settings, "o.", entry->params);
  RUN(ChoiceRead(&settings, "o", &optimizers, &choice));
  NEAR(optimizer->rate(choice.params), settings_real(&settings, "o.lr"), 0,
       "%s %s: its rate is the setting lr", entry->name, words);

  check_formula(optimizer, choice.params, &settings, words, kernels);
  Point straight = {0}, halves = {0}, copy;
  descend(optimizer, choice.params, kernels, 0, STEPS, &straight);
  double worst = 0;
  for (int i = 0; i < P; i++) worst = fmax(worst, fabs((double)(straight.p[i] - target(i))));
  const bool decays =
      settings_get(&settings, "o.decay") && settings_real(&settings, "o.decay") > 0.1;
  OK(worst < 1e-3 || decays, "%s %s: finds the minimum of a quadratic (within %.2g)", entry->name,
     words, worst);
  descend(optimizer, choice.params, kernels, 0, STEPS / 3, &halves);
  memcpy(&copy, &halves, sizeof(copy)); /* all that a checkpoint holds */
  memset(&halves, 0xff, sizeof(halves));
  descend(optimizer, choice.params, kernels, STEPS / 3, STEPS, &copy);
  OK(!memcmp(&copy, &straight, sizeof(copy)), "%s: resumed is uninterrupted", entry->name);

  Point scaled = {0}, plain = {0};
  float g[P], half[P];
  for (int i = 0; i < P; i++) g[i] = (float)(i - 9) / 3, half[i] = g[i] / 2;
  Update now = {.count = P,
                .step = 1,
                .p = scaled.p,
                .m = scaled.m,
                .v = scaled.v,
                .g = g,
                .scale = 0.5f,
                .rate = 0.1,
                .kernels = kernels};
  optimizer->update(choice.params, &now);
  now.p = plain.p, now.m = plain.m, now.v = plain.v, now.g = half, now.scale = 1;
  optimizer->update(choice.params, &now);
  OK(!memcmp(&scaled, &plain, sizeof(plain)), "%s: the scale multiplies the gradient", entry->name);
  OK(plain.p[0] > 0 && plain.p[P - 1] < 0 && plain.p[9] == 0,
     "%s: downhill, and nowhere on flat ground", entry->name);

  Point fading = {.m = {0x1p-99f}, .v = {0x1p-99f}};
  memset(half, 0, sizeof(half));
  now.p = fading.p, now.m = fading.m, now.v = fading.v, now.g = half;
  for (now.step = 1; now.step < 4000; now.step++) optimizer->update(choice.params, &now);
  OK(fading.m[0] == 0 && (fading.v[0] == 0 || fading.v[0] == 0x1p-99f),
     "%s: moments that fade away become 0", entry->name);
  RUN(ChoiceRelease(&choice));
  settings_clear(&settings);
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  Mistakes *mistakes;
  const Kernels *kernels;
  RUN(MistakesCreate(&mistakes));
  RUN(KernelsChoose(NULL, mistakes, &kernels));
  for (const Entry *const *entry = optimizers.entries; *entry; entry++) laws(*entry, "", kernels);
  laws(family_find(&optimizers, "sgd"), "o.momentum=0.9 o.lr=0.25", kernels);
  laws(family_find(&optimizers, "adamw"), "o.decay=0.3 o.beta1=0.7 o.epsilon=1e-3", kernels);
  laws(family_find(&optimizers, "adam"), "o.beta1=0 o.beta2=0.9", kernels);
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
