/* A small training task for tests of the learning layer: tokens that are sparse mixtures of a few
   directions, in a file of their own, and settings with every default filled in. */
#pragma once
#include "base/random.h"
#include "data/token_writer.h"
#include "learn/sae.h"
#include <stdlib.h>
#include <unistd.h>

typedef struct {
  Task task;
  Mistakes *mistakes;
  const Kernels *kernels;
  Tokens *tokens;
  Split *split;
  Normaliser *normaliser;
  Settings settings;
  Anchors anchors;
} SAETask;

static inline float sae_task_value(int64_t row, int64_t i)
{
  double x = 0.3 + 0.1 * random_normal(99, RANDOM_SYNTH + 1, (uint64_t)(row * 64 + i));
  for (uint64_t k = 0; k < 3; k++) {
    const uint64_t at = (uint64_t)row * 3 + k;
    const int64_t direction = random_below(99, RANDOM_SYNTH + 2, at, 16);
    x += (0.5 + random_uniform(99, RANDOM_SYNTH + 3, at)) *
         random_normal(99, RANDOM_SYNTH + 4, (uint64_t)(direction * 64 + i));
  }
  return (float)x;
}

/* Writes n tokens of width d. Collective on the world. */
static inline PetscErrorCode SAETaskTokens(const char *path, int64_t n, int64_t d)
{
  PetscFunctionBeginUser;
  const TokenLayout layout = {.n = n, .d = d, .kind = H5_F32, .source = "a test"};
  Mistakes *mistakes;
  const Kernels *kernels;
  TokenWriter *writer;
  int64_t first, count, bad;
  float *X;
  PetscCall(MistakesCreate(&mistakes));
  PetscCall(KernelsChoose(NULL, mistakes, &kernels));
  PetscCall(TokenWriterCreate(PETSC_COMM_WORLD, kernels, path, &layout, &writer));
  PetscCall(TokenWriterLayout(writer, mistakes));
  token_writer_part(writer, &first, &count);
  PetscCall(ArrayCreate(count * d, &X));
  for (int64_t t = 0; t < count; t++)
    for (int64_t i = 0; i < d; i++) X[t * d + i] = sae_task_value(first + t, i);
  if (count) PetscCall(TokenWriterRows(writer, count, &(TokenRows){.X = X}, &bad));
  PetscCall(TokenWriterCommit(&writer, mistakes, NULL));
  PetscCheck(!mistakes_count(mistakes), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", path);
  PetscCall(ArrayDestroy(&X));
  PetscCall(MistakesDestroy(&mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fills in what is not set yet: the default of every setting, and of every choice's settings. */
static inline void settings_defaults(Settings *settings, const char *prefix, const Param *params)
{
  for (const Param *param = params; param && param->name; param++) {
    Text path = {0}, inner = {0};
    text_add(&path, "%s%s%s", prefix, param->name, param->type == PARAM_CHOICE ? ".name" : "");
    text_add(&inner, "%s%s.", prefix, param->name);
    const bool instead = param->instead && settings_get(settings, param->instead);
    if (!settings_get(settings, path.s)) {
      settings_set(settings, path.s,
                   param->type == PARAM_ANCHORS ? "own"
                   : instead || !param->initial ? ""
                                                : param->initial);
      if (param->quiet) settings_quiet(settings, path.s);
    }
    if (param->type == PARAM_CHOICE) {
      const Entry *entry = family_find(param->family, settings_get(settings, path.s));
      if (entry) settings_defaults(settings, inner.s, entry->params);
    }
    text_clear(&path);
    text_clear(&inner);
  }
}

/* "width=12 code.name=topk code.k=3": settings, separated by blanks. */
static inline void settings_words(Settings *settings, const char *words)
{
  char *copy = text_copy(words), *rest = copy;
  for (char *word; (word = strtok_r(rest, " ", &rest));) {
    char *value = strchr(word, '=');
    *value = 0;
    settings_set(settings, word, value + 1);
  }
  free(copy);
}

/* SAETaskOpen - the tokens of path, all of them for training, with these settings, init seed 1,
   data seed 2, anchors seed 3, and p of the tokens' own directions as anchors. Collective on comm.
 */
static inline PetscErrorCode SAETaskOpen(MPI_Comm comm, const char *path, const char *words,
                                         int64_t p, SAETask *t)
{
  PetscFunctionBeginUser;
  memset(t, 0, sizeof(*t));
  PetscCall(MistakesCreate(&t->mistakes));
  PetscCall(KernelsChoose(NULL, t->mistakes, &t->kernels));
  PetscCall(TokensOpen(comm, t->kernels, 1, &path, t->mistakes, &t->tokens));
  PetscCall(SplitCreate(comm, t->tokens, 0, t->mistakes, &t->split));
  settings_words(&t->settings, words);
  settings_defaults(&t->settings, "", sae_params);
  settings_defaults(&t->settings, "normalise.", normalise_params);
  PetscCall(NormaliserCreate(t->tokens, &t->settings, &t->normaliser));
  t->task = (Task){.comm = comm,
                   .view = {t->tokens, t->split, t->normaliser, t->kernels},
                   .settings = &t->settings,
                   .seed_init = 1,
                   .seed_data = 2,
                   .seed_anchors = 3};
  PetscCall(ReaderCreate(&t->task.view, &t->task.reader));
  if (p) {
    int64_t *row;
    t->anchors.p = p, t->anchors.d = tokens_width(t->tokens);
    PetscCall(ArrayCreate(p * t->anchors.d, &t->anchors.points));
    PetscCall(ArrayCreate(p, &row));
    for (int64_t q = 0; q < p; q++) row[q] = 7 * q;
    PetscCall(ViewRead(&t->task.view, p, row, t->anchors.points));
    PetscCall(ArrayDestroy(&row));
    t->task.anchors = &t->anchors;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode SAETaskClose(SAETask *t)
{
  PetscFunctionBeginUser;
  PetscCall(ArrayDestroy(&t->anchors.points));
  PetscCall(ReaderDestroy(&t->task.reader));
  PetscCall(NormaliserDestroy(&t->normaliser));
  PetscCall(SplitDestroy(&t->split));
  PetscCall(TokensClose(&t->tokens));
  PetscCall(MistakesDestroy(&t->mistakes));
  settings_clear(&t->settings);
  PetscFunctionReturn(PETSC_SUCCESS);
}
