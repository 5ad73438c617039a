/* Small families in the shape of the real ones, so that the plan layer is tested alone. */
#pragma once
#include "plan/experiment.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
  int64_t k;
} FakeTopK;
typedef struct {
  double l1;
} FakeRelu;
static char *fake_topk_check(const void *params, const Settings *all, const char **path)
{
  const FakeTopK *p = params;
  if (p->k <= settings_int(all, "width")) return NULL;
  *path = "k";
  return text_copy("more atoms are kept than the model has (width)");
}
static const Param fake_topk_params[] = {
    {"k", PARAM_INT, offsetof(FakeTopK, k), "32", .min = 1, .max = 1e9, .doc = "atoms kept"}, {0}};
static const Param fake_relu_params[] = {
    {"l1", PARAM_REAL, offsetof(FakeRelu, l1), "1e-3", .max = INFINITY, .doc = "penalty"}, {0}};
static const Entry fake_relu = {"relu", "all above 0", NULL, fake_relu_params, sizeof(FakeRelu)};
static const Entry fake_topk = {"topk",           "the k largest",  NULL,
                                fake_topk_params, sizeof(FakeTopK), .check = fake_topk_check};
static const Entry *const fake_codes[] = {&fake_relu, &fake_topk, NULL};
static const Family fake_code = {"code", "codes", fake_codes};

typedef struct {
  char *anchors;
  int pick;
} FakeHull;
static const char *const fake_picks[] = {"identity", "permuted", "random_subset", NULL};
static char *fake_hull_check(const void *params, const Settings *all, const char **path)
{
  const FakeHull *p = params;
  const int64_t count = settings_int(all, "anchors.count");
  if (p->pick != 2 || !count || settings_int(all, "width") <= count) return NULL;
  *path = "pick";
  return text_copy("random_subset needs at least as many anchors as atoms");
}
static unsigned fake_hull_draws(const void *params)
{
  return ((const FakeHull *)params)->pick ? SEED_ANCHORS : 0;
}
static const Param fake_hull_params[] = {
    {"anchors", PARAM_ANCHORS, offsetof(FakeHull, anchors), .doc = "candidate set"},
    {"pick", PARAM_WORD, offsetof(FakeHull, pick), "permuted", .words = fake_picks},
    {0}};
static const Entry fake_random = {"random", "random rows", .seeds = SEED_INIT};
static const Entry fake_start_anchors = {"anchors", "rows of anchors", NULL, fake_hull_params,
                                         sizeof(FakeHull)};
static const Entry *const fake_starts[] = {&fake_start_anchors, &fake_random, NULL};
static const Family fake_start = {"start", "starts", fake_starts};
typedef struct {
  Choice start;
} FakeFree;
static const Param fake_free_params[] = {
    {"start", PARAM_CHOICE, offsetof(FakeFree, start), "random", .family = &fake_start}, {0}};
static const Entry fake_free = {"free", "free rows", NULL, fake_free_params, sizeof(FakeFree)};
static const Entry fake_hull = {"hull",
                                "mixtures",
                                NULL,
                                fake_hull_params,
                                sizeof(FakeHull),
                                .draws = fake_hull_draws,
                                .check = fake_hull_check};
static const Entry *const fake_atoms_all[] = {&fake_free, &fake_hull, NULL};
static const Family fake_atoms = {"atoms", "atoms", fake_atoms_all};

typedef struct {
  double lr;
} FakeAdam;
static const Param fake_adam_params[] = {
    {"lr", PARAM_REAL, offsetof(FakeAdam, lr), "1e-3", .max = 10, .open_min = true}, {0}};
static const Entry fake_adam = {"adam", "Adam", NULL, fake_adam_params, sizeof(FakeAdam)};
static const Entry fake_sgd = {"sgd", "SGD", NULL, fake_adam_params, sizeof(FakeAdam)};
static const Entry *const fake_optimizers[] = {&fake_adam, &fake_sgd, NULL};
static const Family fake_optimizer = {"optimizer", "optimizers", fake_optimizers};

typedef struct {
  int64_t width, epochs, steps, batch;
  Choice code, atoms, optimizer;
  Share warmup;
} FakeSAE;
static const Param fake_sae_params[] = {
    {"width", PARAM_INT, offsetof(FakeSAE, width), .min = 1, .max = 1e7, .doc = "atoms"},
    {"code", PARAM_CHOICE, offsetof(FakeSAE, code), .family = &fake_code, .doc = "the code"},
    {"atoms", PARAM_CHOICE, offsetof(FakeSAE, atoms), "free", .family = &fake_atoms},
    {"train.epochs", PARAM_INT, offsetof(FakeSAE, epochs), "20", .min = 1, .max = 1e6,
     .instead = "train.steps"},
    {"train.steps", PARAM_INT, offsetof(FakeSAE, steps), "", .min = 1, .max = 1e9,
     .instead = "train.epochs"},
    {"train.batch", PARAM_INT, offsetof(FakeSAE, batch), "1024", .min = 1, .max = 1e9},
    {"train.optimizer", PARAM_CHOICE, offsetof(FakeSAE, optimizer), "adam",
     .family = &fake_optimizer},
    {"train.warmup", PARAM_SHARE, offsetof(FakeSAE, warmup), "5%", .max = 1e9},
    {0}};
typedef struct {
  int64_t width, iterations;
} FakeKMeans;
static const Param fake_kmeans_params[] = {
    {"width", PARAM_INT, offsetof(FakeKMeans, width), .min = 1, .max = 1e7, .doc = "centroids"},
    {"iterations", PARAM_INT, offsetof(FakeKMeans, iterations), "50", .min = 1, .max = 1e6},
    {0}};
static const Entry fake_kmeans = {"kmeans",           "k-means",          NULL,
                                  fake_kmeans_params, sizeof(FakeKMeans), SEED_INIT};
static const Entry fake_sae = {"sae", "SAE", NULL, fake_sae_params, sizeof(FakeSAE), SEED_DATA};
static const Entry *const fake_methods_all[] = {&fake_kmeans, &fake_sae, NULL};
static const Family fake_methods = {"method", "methods", fake_methods_all};

typedef struct {
  double at;
} FakeMetric;
static const Param fake_density_params[] = {
    {"at", PARAM_REAL, offsetof(FakeMetric, at), "0.5", .max = 1}, {0}};
static const Entry fake_density = {"density", "rates", NULL, fake_density_params,
                                   sizeof(FakeMetric)};
static const Entry fake_r2 = {"r2", "fidelity"};
static const Entry *const fake_metrics_all[] = {&fake_density, &fake_r2, NULL};
static const Family fake_metrics = {"metric", "metrics", fake_metrics_all};
static const Entry fake_matched = {"matched_cosine", "pairs"};
static const Entry *const fake_comparisons_all[] = {&fake_matched, NULL};
static const Family fake_comparisons = {"comparison", "comparisons", fake_comparisons_all};
static const SpecFamilies fakes = {&fake_methods, &fake_metrics, &fake_comparisons};

static char fake_folder[] = "/tmp/ardis-plan-XXXXXX";

static inline void fake_write(const char *name, const char *text)
{
  char path[200];
  snprintf(path, sizeof(path), "%s/%s", fake_folder, name);
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file)) abort();
}

/* A spec that holds text, and a tokens file beside it, read. NULL: mistakes, in told. */
static inline Experiment *fake_read(const char *text, Text *told)
{
  Mistakes *mistakes;
  Experiment *experiment;
  char path[200], line[4096];
  fake_write("a.h5", "tokens");
  fake_write("b.h5", "tokens");
  fake_write("spec.yaml", text);
  snprintf(path, sizeof(path), "%s/spec.yaml", fake_folder);
  if (MistakesCreate(&mistakes) || ExperimentRead(path, &fakes, mistakes, &experiment)) abort();
  FILE *file = tmpfile();
  mistakes_print(mistakes, file);
  rewind(file);
  text_clear(told);
  while (fgets(line, sizeof(line), file)) {
    const size_t folder = strlen(fake_folder) + 1;
    text_add(told, "%s", strncmp(line, fake_folder, folder - 1) ? line : line + folder);
  }
  text_add(told, "%s", "");
  fclose(file);
  if (MistakesDestroy(&mistakes)) abort();
  return experiment;
}
