/* The spec with every default, as YAML that reads back as the same plan. */
#include "plan/reader.h"
#include <string.h>

static void scalar_yaml(const char *value, Text *text)
{
  const char *const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-%";
  const bool plain = *value && !value[strspn(value, safe)] && *value != '%' && *value != '.' &&
                     strcmp(value, "null") && strcmp(value, "-") && strncmp(value, "---", 3);
  if (plain) {
    text_add(text, "%s", value);
    return;
  }
  bool odd = false;
  for (const char *s = value; *s; s++) odd |= (unsigned char)*s < 32;
  if (odd) { /* a double-quoted YAML text knows JSON's escapes */
    text_json(text, value);
    return;
  }
  text_add(text, "'");
  for (const char *s = value; *s; s++) text_append(text, *s == '\'' ? "''" : s, *s == '\'' ? 2 : 1);
  text_add(text, "'");
}

/* Is the component of item i below prefix the first of its name? */
static bool first_of(const Settings *settings, int64_t i, size_t prefix)
{
  const char *path = settings->items[i].path;
  const size_t length = prefix + strcspn(path + prefix, ".");
  for (int64_t j = 0; j < i; j++) {
    const char *other = settings->items[j].path;
    if (!strncmp(other, path, length) && (!other[length] || other[length] == '.')) return false;
  }
  return true;
}

/* Has a setting at the first length bytes of path, or below, a value? */
static bool is_given(const Settings *settings, const char *path, size_t length)
{
  for (int64_t i = 0; i < settings->count; i++) {
    const char *other = settings->items[i].path;
    if (!strncmp(other, path, length) && (!other[length] || other[length] == '.') &&
        *settings->items[i].value)
      return true;
  }
  return false;
}

/* "key: value" for all settings below prefix ("" or "code."), with what stands between two. */
static void pairs_yaml(const Settings *settings, const char *prefix, const char *between,
                       Text *text)
{
  const size_t length = strlen(prefix);
  int written = 0;
  for (int64_t i = 0; i < settings->count; i++) {
    const char *path = settings->items[i].path;
    if (strncmp(path, prefix, length) || !first_of(settings, i, length)) continue;
    const size_t key = strcspn(path + length, ".");
    if (!is_given(settings, path, length + key)) continue;
    Text below = {0};
    text_append(&below, path, length + key);
    text_add(text, "%s%.*s: ", written++ ? between : "", (int)key, path + length);
    setting_yaml(settings, below.s, text);
    text_clear(&below);
  }
}

void setting_yaml(const Settings *settings, const char *path, Text *text)
{
  const char *value = settings_get(settings, path);
  if (value) {
    scalar_yaml(value, text);
    return;
  }
  Text prefix = {0};
  text_add(&prefix, "%s.", path);
  text_add(text, "{");
  pairs_yaml(settings, prefix.s, ", ", text);
  text_add(text, "}");
  text_clear(&prefix);
}

/* One purpose of seeds: one value where all are equal, a range where they count up, else a list. */
static void purpose_yaml(const Seeds *seeds, int purpose, Text *text)
{
  bool equal = true, up = true;
  for (int64_t i = 1; i < seeds->count; i++) {
    equal &= seeds->tuple[i][purpose] == seeds->tuple[0][purpose];
    up &= seeds->tuple[i][purpose] == seeds->tuple[i - 1][purpose] + 1;
  }
  const long long first = (long long)seeds->tuple[0][purpose];
  if (equal)
    text_add(text, "%lld", first);
  else if (up)
    text_add(text, "%lld..%lld", first, first + (long long)seeds->count - 1);
  else
    for (int64_t i = 0; i < seeds->count; i++)
      text_add(text, "%s%lld%s", i ? ", " : "[", (long long)seeds->tuple[i][purpose],
               i + 1 < seeds->count ? "" : "]");
}

/* The two seeds of each block, as a list. */
static void block_seeds_yaml(const Seeds *seeds, int purpose, Text *text)
{
  for (int64_t i = 0; i < 2 * seeds->blocks; i++)
    text_add(text, "%s%lld", i ? ", " : "[",
             (long long)seeds->tuple[seeds->block[i / 2 * 5 + (i % 2 ? 4 : 0)]][purpose]);
  text_add(text, "]");
}

static void seeds_yaml(const Seeds *seeds, Text *text)
{
  text_add(text, "seeds: {");
  for (int i = 0; i < SEED_PURPOSES && seeds->count; i++) {
    bool first = true; /* is it 1 throughout? */
    for (int64_t t = 0; t < seeds->count; t++) first &= seeds->tuple[t][i] == 1;
    if (i == 3 && first) continue;
    text_add(text, "%s: ", seed_purposes[i]);
    if (seeds->blocks && i < 3)
      block_seeds_yaml(seeds, i, text);
    else
      purpose_yaml(seeds, i, text);
    text_add(text, ", ");
  }
  text_add(text, "combine: %s}\n", seeds->blocks ? "blocks" : "zip");
}

/* A path as the spec may say it: relative to its folder. */
static void path_yaml(const Experiment *experiment, const char *path, Text *text)
{
  const size_t length = strlen(experiment->folder);
  const bool inside = !strncmp(path, experiment->folder, length) && path[length] == '/';
  scalar_yaml(inside ? path + length + 1 : path, text);
}

static void sets_yaml(const Experiment *experiment, Text *text)
{
  if (experiment->sets) text_add(text, "anchors:\n");
  for (int64_t i = 0; i < experiment->sets; i++) {
    const AnchorSet *set = &experiment->set[i];
    text_add(text, "  %s: {", set->name);
    if (set->file) {
      text_add(text, "file: ");
      path_yaml(experiment, set->file, text);
    } else {
      Settings method = {0};
      for (int64_t j = 0; j < set->settings.count; j++) {
        const char *path = set->settings.items[j].path;
        Text below = {0};
        if (!strcmp(path, "width")) continue;
        text_add(&below, "method.%s", strcmp(path, "method") ? path : "name");
        settings_set(&method, below.s, set->settings.items[j].value);
        text_clear(&below);
      }
      pairs_yaml(&method, "", ", ", text);
      text_add(text, ", count: %lld, sharing: %s", (long long)set->count,
               set->shared ? "shared" : "per_seed");
      settings_clear(&method);
    }
    text_add(text, "}\n");
  }
}

PetscErrorCode ResolvedBegin(Reader *reader, const Seeds *common)
{
  Experiment *experiment = reader->experiment;
  Text *text = &experiment->resolved;

  PetscFunctionBegin;
  text_add(text, "schema: 1\nname: ");
  scalar_yaml(experiment->name ? experiment->name : "", text);
  text_add(text, "\ntokens: [");
  for (int64_t i = 0; i < experiment->token_files; i++) {
    if (i) text_add(text, ", ");
    path_yaml(experiment, experiment->token_paths[i], text);
  }
  text_add(text, "]\n");
  seeds_yaml(common, text);
  sets_yaml(experiment, text);
  text_add(text, "models:\n");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A setting with the keys that were given, as in given, so that its group keeps its name. */
static void given_yaml(const Settings *settings, const char *path, const Node *given, Text *text)
{
  Text below = {0};
  text_add(&below, "%s.name", path);
  const char *word = settings_get(settings, below.s);
  if (!word) setting_yaml(settings, path, text);
  if (word && given->kind == NODE_SCALAR) scalar_yaml(word, text);
  if (word && given->kind == NODE_MAP) text_add(text, "{name: %s", word);
  for (int64_t i = 0; word && given->kind == NODE_MAP && i < given->count; i++) {
    if (!strcmp(given->item[i].key, "name")) continue;
    text_clear(&below);
    text_add(&below, "%s.%s", path, given->item[i].key);
    text_add(text, ", %s: ", given->item[i].key);
    given_yaml(settings, below.s, given->item[i].value, text);
  }
  if (word && given->kind == NODE_MAP) text_add(text, "}");
  text_clear(&below);
}

PetscErrorCode ResolvedModel(Reader *reader, const char *name, const Settings *base, int64_t first,
                             const Grid *points, const Seeds *seeds, bool surrogates)
{
  const Experiment *experiment = reader->experiment;
  Text *text = &reader->experiment->resolved;

  PetscFunctionBegin;
  if (experiment->groups <= first) PetscFunctionReturn(PETSC_SUCCESS);
  text_add(text, "  %s:\n    ", name);
  pairs_yaml(base, "", "\n    ", text);
  text_add(text, "\n    ");
  seeds_yaml(seeds, text);
  if (surrogates) text_add(text, "    null_surrogate: true\n");
  if (points->count && points->point[0].count) text_add(text, "    grid:\n");
  for (int64_t i = 0; i < points->count && points->point[i].count; i++) {
    for (int v = 0; v < points->point[i].count; v++) {
      text_add(text, "%s", v ? ", " : "      - {");
      const GridValue *value = &points->point[i].value[v];
      text_add(text, "%s: ", value->path);
      given_yaml(&experiment->group[first + i].settings, value->path, value->value, text);
    }
    text_add(text, "}\n");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
/* images and texts, where they are given. */
static void looks_yaml(const Experiment *experiment, Text *text)
{
  if (experiment->images) {
    text_add(text, "images: {folder: ");
    path_yaml(experiment, experiment->images, text);
    if (experiment->image_rows)
      text_add(text, ", grid: [%lld, %lld]", (long long)experiment->image_rows,
               (long long)experiment->image_columns);
    text_add(text, "}\n");
  }
  if (experiment->texts) {
    text_add(text, "texts: ");
    path_yaml(experiment, experiment->texts, text);
    text_add(text, "\n");
  }
}

PetscErrorCode ResolvedEnd(Reader *reader)
{
  const Experiment *experiment = reader->experiment;
  Text *text = &reader->experiment->resolved;

  PetscFunctionBegin;
  text_add(text, "checkpoint: {minutes: ");
  text_number(text, experiment->checkpoint_minutes);
  text_add(text, "}\n");
  if (experiment->snapshots) text_add(text, "snapshots: %lld\n", (long long)experiment->snapshots);
  text_add(text, "measure: {metrics: [%s], train_tokens: %lld}\ncompare: {comparisons: [%s]",
           reader->metrics.s ? reader->metrics.s : "", (long long)experiment->train_tokens,
           reader->comparisons.s ? reader->comparisons.s : "");
  text_add(text, ", centrings: [");
  for (int c = 0, told = 0; c < centring_words.count; c++)
    if (experiment->centrings >> c & 1)
      text_add(text, "%s%s", told++ ? ", " : "", centring_words.word[c]);
  text_add(text, "], partners: {t: ");
  text_number(text, experiment->partners_t);
  text_add(text, ", centring: %s}", experiment->partners_centred ? "centred" : "raw");
  across_yaml(experiment, text);
  text_add(text, "}\n");
  looks_yaml(experiment, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}
