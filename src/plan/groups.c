/* Models at grid points: groups, their names, and their runs. */
#include "plan/model.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 200000 };

bool setting_there(const Settings *settings, const char *path)
{
  if (settings_get(settings, path)) return true;
  Text name = {0};
  text_add(&name, "%s.name", path);
  const bool there = settings_get(settings, name.s) != NULL;
  text_clear(&name);
  return there;
}

/* One value of a grid point put into the map: *settings are those before, and after. */
static PetscErrorCode set_value(const Model *model, const GridValue *value, Node **map,
                                Settings *settings)
{
  Reader *reader = model->reader;

  PetscFunctionBegin;
  if (!setting_there(settings, value->path)) {
    Words words = {0};
    Text text = {0};
    for (int64_t i = 0; i < settings->count; i++)
      if (strcmp(settings->items[i].path, "method")) words_add(&words, settings->items[i].path);
    words_suggest(&words, value->path, &text);
    MISTAKE(reader, value, "grid: model %s has no setting '%s' here (%s)", model->item->key,
            value->path, text.s);
    text_clear(&text);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (const Param *param = model->method->params; param && param->name; param++)
    if (param->instead && !strcmp(param->name, value->path))
      *map = node_unset(reader->tree, *map, param->instead);
  *map = node_set(reader->tree, *map, value->path, value->line, value->column, value->value);
  PetscCall(ModelResolveSilently(model, *map, settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "8", "topk(k=8)", "free(start=anchors(anchors=own))": the value at path with the keys that were
   given, as in given. */
static void name_setting(const Settings *settings, const char *path, const Node *given, Text *name)
{
  const char *scalar = settings_get(settings, path);
  Text below = {0};
  int more = 0;
  text_add(&below, "%s.name", path);
  const char *word = settings_get(settings, below.s);
  text_add(name, "%s", scalar ? scalar : word ? word : "");
  for (int64_t i = 0; !scalar && given->kind == NODE_MAP && i < given->count; i++) {
    const NodeItem *item = &given->item[i];
    if (!strcmp(item->key, "name")) continue;
    text_clear(&below);
    text_add(&below, "%s.%s", path, item->key);
    text_add(name, "%s%s=", more++ ? " " : "(", item->key);
    name_setting(settings, below.s, item->value, name);
  }
  if (more) text_add(name, ")");
  text_clear(&below);
}

static void *grown(void *list, int64_t count, size_t size)
{
  if (count && (count & (count - 1))) return list;
  list = realloc(list, (size_t)(count ? 2 * count : 1) * size);
  if (!list) abort();
  return list;
}

static int share_number(Experiment *experiment, Portion share)
{
  for (int i = 0; i < experiment->shares; i++)
    if (experiment->share[i].held_out == share.held_out &&
        experiment->share[i].subsample == share.subsample)
      return i;
  experiment->share = grown(experiment->share, experiment->shares, sizeof(*experiment->share));
  experiment->share[experiment->shares] = share;
  return (int)experiment->shares++;
}

static bool settings_equal(const Settings *a, const Settings *b)
{
  if (a->count != b->count) return false;
  for (int64_t i = 0; i < a->count; i++) {
    const char *value = settings_get(b, a->items[i].path);
    if (!value || strcmp(value, a->items[i].value)) return false;
  }
  return true;
}

PetscErrorCode AnchorRunFind(Experiment *experiment, const Group *group, int64_t seed, int *number)
{
  const AnchorSet *set = &experiment->set[group->set];
  const char *tokens = settings_get(&group->settings, "tokens");
  AnchorRun run = {.set = group->set, .seed = seed};

  PetscFunctionBegin;
  if (set->file)
    run.seed = run.share = -1;
  else {
    settings_copy(&run.settings, &set->settings);
    for (const Param *param = common_params; param->name; param++)
      if (!param->quiet)
        settings_set(&run.settings, param->name, settings_get(&group->settings, param->name));
    if (tokens) settings_set(&run.settings, "tokens", tokens);
    run.share = share_number(experiment, (Portion){settings_real(&run.settings, "held_out"), 1});
  }
  for (*number = 0; *number < experiment->anchors_count; (*number)++) {
    const AnchorRun *is = &experiment->anchors[*number];
    const char *file = experiment->set[is->set].file;
    if (is->seed != run.seed || is->share != run.share || !file != !set->file) continue;
    if (file ? !strcmp(file, set->file) : settings_equal(&is->settings, &run.settings)) break;
  }
  if (*number < experiment->anchors_count) {
    settings_clear(&run.settings);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  experiment->anchors =
      grown(experiment->anchors, experiment->anchors_count, sizeof(*experiment->anchors));
  experiment->anchors[experiment->anchors_count++] = run;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The runs of a group. */
static PetscErrorCode add_runs(const Model *model, int number, const Seeds *seeds)
{
  Experiment *experiment = model->reader->experiment;
  Group *group = &experiment->group[number];
  Seeds used = {0};

  PetscFunctionBegin;
  PetscCall(SeedsUsed(seeds, group->seeds, &used));
  if (experiment->runs + used.count > MOST_RUNS) {
    MISTAKE(model->reader, model->item, "the spec makes more than %d runs", MOST_RUNS);
    used.count = 0;
  }
  for (int64_t t = 0; t < used.count; t++) {
    Run run = {.model = text_copy(group->model),
               .folder = text_copy(group->folder),
               .anchors = -1,
               .group = number};
    memcpy(run.seed, used.tuple[t], sizeof(run.seed));
    settings_copy(&run.settings, &group->settings);
    if (group->set >= 0) {
      const bool shared = experiment->set[group->set].shared;
      const int64_t seed = shared ? model->reader->first_anchors_seed : run.seed[2];
      PetscCall(AnchorRunFind(experiment, group, seed, &run.anchors));
    }
    experiment->run = grown(experiment->run, experiment->runs, sizeof(*experiment->run));
    experiment->run[experiment->runs++] = run;
    group->runs++;
  }
  group->blocks = used.count ? used.blocks : 0;
  group->block = used.block;
  used.block = NULL;
  seeds_clear(&used);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Checks of combinations; then the group is the experiment's. */
static PetscErrorCode add_group(const Model *model, const GridPoint *point, Resolve *resolve,
                                int64_t first, bool *added)
{
  Reader *reader = model->reader;
  Experiment *experiment = reader->experiment;
  const NodeItem *item = model->item;
  const int before = mistakes_count(reader->mistakes);
  Settings all = {0};
  Text name = {0}, where = {0};
  char number[32];

  PetscFunctionBegin;
  settings_copy(&all, &resolve->settings);
  if (resolve->set >= 0) {
    snprintf(number, sizeof(number), "%lld", (long long)experiment->set[resolve->set].count);
    settings_set(&all, "anchors.count", number);
  }
  text_add(&name, "%s", item->key);
  for (int v = 0; v < point->count; v++) {
    text_add(&name, " %s=", point->value[v].path);
    name_setting(&resolve->settings, point->value[v].path, point->value[v].value, &name);
  }
  if (point->count) text_add(&where, " (at the grid point %s)", name.s);
  PetscCall(ResolveChecks(reader->mistakes, reader->path, model->method, "", &resolve->settings,
                          resolve->origin, &all, where.s ? where.s : "", item->line, item->column));
  settings_clear(&all);
  for (int64_t g = first; g < experiment->groups; g++)
    if (settings_equal(&experiment->group[g].settings, &resolve->settings))
      MISTAKE(reader, point->count ? &point->value[point->count - 1] : &point->value[0],
              "grid: two points of model %s are the same (%s)", item->key,
              experiment->group[g].model);
  *added = mistakes_count(reader->mistakes) == before;
  text_clear(&where);
  if (!*added) {
    text_clear(&name);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  unsigned seeds = 0;
  PetscCall(ResolveSeeds(model->method, "", &resolve->settings, &seeds));
  if (resolve->set >= 0 && !experiment->set[resolve->set].shared) seeds |= SEED_ANCHORS;
  const Portion share = {settings_real(&resolve->settings, "held_out"),
                         settings_real(&resolve->settings, "subsample")};
  if (share.subsample < 1) seeds |= SEED_SUBSAMPLE;
  experiment->group = grown(experiment->group, experiment->groups, sizeof(*experiment->group));
  experiment->group[experiment->groups++] = (Group){.model = text_copy(name.s),
                                                    .folder = text_copy(item->key),
                                                    .settings = resolve->settings,
                                                    .origin = resolve->origin,
                                                    .seeds = seeds,
                                                    .set = resolve->set,
                                                    .share = share_number(experiment, share),
                                                    .surrogate = -1,
                                                    .line = item->line,
                                                    .column = item->column};
  text_clear(&name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModelGroups(const Model *model, const Grid *points, const Seeds *seeds)
{
  Reader *reader = model->reader;
  const int64_t first = reader->experiment->groups;

  PetscFunctionBegin;
  for (int64_t i = 0; i < points->count; i++) {
    const GridPoint *point = &points->point[i];
    const int before = reader->told;
    Node *map = model->map;
    Settings settings = {0};
    Resolve resolve = {.reader = reader};
    bool added = false;
    PetscCall(ModelResolveSilently(model, map, &settings));
    for (int v = 0; v < point->count; v++)
      PetscCall(set_value(model, &point->value[v], &map, &settings));
    settings_clear(&settings);
    PetscCall(ModelResolve(model, map, &resolve));
    if (reader->told == before) PetscCall(add_group(model, point, &resolve, first, &added));
    if (added)
      PetscCall(add_runs(model, (int)reader->experiment->groups - 1, seeds));
    else
      resolve_clear(&resolve);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModelSurrogates(const Model *model, int64_t first, int64_t last, const Node *at,
                               const Seeds *seeds)
{
  Experiment *experiment = model->reader->experiment;

  PetscFunctionBegin;
  for (int64_t g = first; g < last; g++) {
    Group group = experiment->group[g];
    Resolve resolve = {.reader = model->reader};
    Text name = {0};
    settings_copy(&resolve.settings, &group.settings);
    resolve.origin = malloc((size_t)group.settings.count * sizeof(*resolve.origin));
    PetscCheck(resolve.origin, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    memcpy(resolve.origin, group.origin, (size_t)group.settings.count * sizeof(*resolve.origin));
    resolve_set(&resolve, "tokens", "surrogate", "spec", at);
    text_add(&name, "%s surrogate", group.model);
    group.model = name.s;
    group.folder = text_copy(group.folder);
    group.settings = resolve.settings;
    group.origin = resolve.origin;
    group.runs = group.blocks = 0;
    group.block = NULL;
    group.is_surrogate = true;
    experiment->group[g].surrogate = (int)experiment->groups;
    experiment->group = grown(experiment->group, experiment->groups, sizeof(*experiment->group));
    experiment->group[experiment->groups++] = group;
    PetscCall(add_runs(model, (int)experiment->groups - 1, seeds));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
