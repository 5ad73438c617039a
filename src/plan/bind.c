/* With the tokens known: the checks that need them, and the ids of runs and candidate sets. */
#include "plan/reader.h"
#include "base/digest.h"
#include <stdlib.h>
#include <string.h>

static void number_setting(Settings *settings, const char *path, int64_t x)
{
  char text[32];
  snprintf(text, sizeof(text), "%lld", (long long)x);
  settings_set(settings, path, text);
}

/* Checks of one group, or of the run that makes a candidate set. */
static PetscErrorCode check_settings(const Experiment *experiment, const SpecFamilies *families,
                                     const Settings *settings, const Origin *origin,
                                     int64_t anchors, int64_t n_train, int64_t d, int line,
                                     int column, Mistakes *mistakes)
{
  const Entry *method = family_find(families->methods, settings_get(settings, "method"));
  Settings all = {0};
  Text least = {0};

  PetscFunctionBegin;
  settings_copy(&all, settings);
  if (anchors) number_setting(&all, "anchors.count", anchors);
  number_setting(&all, "tokens.train", n_train);
  number_setting(&all, "tokens.width", d);
  text_number(&least, experiment->least);
  settings_set(&all, "tokens.minimum", least.s);
  text_clear(&least);
  const int64_t batch = settings_int(settings, "train.batch");
  if (batch > n_train) {
    if (origin) origin_of(settings, origin, "train.batch", &line, &column);
    mistake(mistakes, experiment->path, line, column,
            "train.batch: %lld is more than the %lld training tokens", (long long)batch,
            (long long)n_train);
  }
  Origin *nowhere = origin ? NULL : calloc((size_t)settings->count + 1, sizeof(*nowhere));
  PetscCall(ResolveChecks(mistakes, experiment->path, method, "", settings,
                          origin ? origin : nowhere, &all, "", line, column));
  free(nowhere);
  settings_clear(&all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode check_all(const Experiment *experiment, const SpecFamilies *families,
                                const int64_t *n_train, int64_t d, Mistakes *mistakes)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < experiment->anchors_count; i++) {
    const AnchorRun *run = &experiment->anchors[i];
    const AnchorSet *set = &experiment->set[run->set];
    if (set->file && set->width != d)
      mistake(mistakes, experiment->path, set->line, set->column,
              "anchors: the points of %s have %lld numbers each, the tokens %lld", set->file,
              (long long)set->width, (long long)d);
    if (set->file) continue;
    if (set->count > n_train[run->share])
      mistake(mistakes, experiment->path, set->line, set->column,
              "anchors: %s has a count of %lld, more than the %lld training tokens", set->name,
              (long long)set->count, (long long)n_train[run->share]);
    else
      PetscCall(check_settings(experiment, families, &run->settings, NULL, 0, n_train[run->share],
                               d, set->line, set->column, mistakes));
  }
  for (int64_t i = 0; i < experiment->groups; i++) {
    const Group *group = &experiment->group[i];
    const int64_t anchors = group->set >= 0 ? experiment->set[group->set].count : 0;
    PetscCall(check_settings(experiment, families, &group->settings, group->origin, anchors,
                             n_train[group->share], d, group->line, group->column, mistakes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int by_path(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds settings to a digest, in the order of their paths. */
static PetscErrorCode digest_settings(Digest *digest, const Settings *settings)
{
  PetscFunctionBegin;
  const char **paths = calloc((size_t)settings->count + 1, sizeof(*paths));
  PetscCheck(paths, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  int64_t count = 0;
  for (int64_t i = 0; i < settings->count; i++)
    if (!settings->items[i].quiet) paths[count++] = settings->items[i].path;
  qsort(paths, (size_t)count, sizeof(*paths), by_path);
  for (int64_t i = 0; i < count; i++) {
    digest_text(digest, paths[i]);
    digest_text(digest, settings_get(settings, paths[i]));
  }
  digest_text(digest, ""); /* no path is empty: the list ends here */
  free(paths);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void digest_number(Digest *digest, int64_t x)
{
  char text[32];
  snprintf(text, sizeof(text), "%lld", (long long)x);
  digest_text(digest, text);
}

static char *digest_id(Digest *digest)
{
  char hex[DIGEST_LENGTH];
  digest_end(digest, hex);
  hex[16] = 0;
  return text_copy(hex);
}

static PetscErrorCode name_anchors(Experiment *experiment, const char *tokens, AnchorRun *run,
                                   Mistakes *mistakes)
{
  const AnchorSet *set = &experiment->set[run->set];
  Digest digest;
  char hex[DIGEST_LENGTH] = "";
  bool found = true;

  PetscFunctionBegin;
  if (set->file) PetscCall(DigestFile(set->file, hex, &found));
  if (!found)
    mistake(mistakes, experiment->path, set->line, set->column, "anchors: %s cannot be read",
            set->file);
  digest_begin(&digest);
  digest_text(&digest, set->file ? "ardis anchors file 1" : "ardis anchors 1");
  digest_text(&digest, hex);
  if (!set->file) {
    PetscCall(digest_settings(&digest, &run->settings));
    digest_number(&digest, run->seed);
    digest_text(&digest, tokens);
  }
  run->id = digest_id(&digest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The settings that name a candidate set hold its id from now on. */
static void put_anchors(const Entry *entry, const char *prefix, const char *id, Settings *settings)
{
  for (const Param *param = entry->params; param && param->name; param++) {
    Text path = {0};
    text_add(&path, "%s%s", prefix, param->name);
    const char *value = settings_get(settings, path.s);
    if (param->type == PARAM_ANCHORS && value && *value) settings_set(settings, path.s, id);
    if (param->type == PARAM_CHOICE) {
      text_add(&path, ".name");
      const Entry *chosen = family_find(param->family, settings_get(settings, path.s));
      path.length -= strlen("name");
      path.s[path.length] = 0;
      put_anchors(chosen, path.s, id, settings);
    }
    text_clear(&path);
  }
}

static PetscErrorCode name_run(const Experiment *experiment, const SpecFamilies *families,
                               const char *tokens, Run *run)
{
  const Entry *method = family_find(families->methods, settings_get(&run->settings, "method"));
  const char *anchors = run->anchors >= 0 ? experiment->anchors[run->anchors].id : "";
  Digest digest;

  PetscFunctionBegin;
  if (run->anchors >= 0) put_anchors(method, "", anchors, &run->settings);
  digest_begin(&digest);
  digest_text(&digest, "ardis run 1");
  PetscCall(digest_settings(&digest, &run->settings));
  for (int i = 0; i < SEED_PURPOSES; i++) /* subsample came later: runs without it keep their ids */
    if ((SEED_INIT | SEED_DATA | SEED_ANCHORS) >> i & 1 || run->seed[i] >= 0)
      digest_number(&digest, run->seed[i]);
  digest_text(&digest, tokens);
  digest_text(&digest, anchors);
  run->id = digest_id(&digest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int by_place(const void *a, const void *b)
{
  const Run *x = *(Run *const *)a, *y = *(Run *const *)b;
  const int id = strcmp(x->id, y->id), folder = id ? id : strcmp(x->folder, y->folder);
  return folder ? folder : (x > y) - (x < y);
}

/* Run.first of all. */
static PetscErrorCode find_equal(Experiment *experiment)
{
  PetscFunctionBegin;
  Run **order = calloc((size_t)experiment->runs + 1, sizeof(Run *)), *first = NULL;
  PetscCheck(order, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t i = 0; i < experiment->runs; i++) order[i] = &experiment->run[i];
  qsort(order, (size_t)experiment->runs, sizeof(Run *), by_place);
  for (int64_t i = 0; i < experiment->runs; i++) {
    if (!first || strcmp(first->id, order[i]->id) || strcmp(first->folder, order[i]->folder))
      first = order[i];
    order[i]->first = first - experiment->run;
  }
  free(order);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ExperimentBind(Experiment *experiment, const SpecFamilies *families,
                              const char *tokens_digest, const int64_t *n_train, int64_t d,
                              Mistakes *mistakes)
{
  const int before = mistakes_count(mistakes);

  PetscFunctionBegin;
  PetscCall(check_all(experiment, families, n_train, d, mistakes));
  if (mistakes_count(mistakes) > before) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < experiment->anchors_count; i++)
    PetscCall(name_anchors(experiment, tokens_digest, &experiment->anchors[i], mistakes));
  for (int64_t i = 0; i < experiment->runs; i++)
    PetscCall(name_run(experiment, families, tokens_digest, &experiment->run[i]));
  PetscCall(find_equal(experiment));
  PetscFunctionReturn(PETSC_SUCCESS);
}
