/* A map and a table of Params -> settings by path, with defaults, checked. */
#include "plan/reader.h"
#include <stdlib.h>
#include <string.h>

void resolve_clear(Resolve *resolve)
{
  settings_clear(&resolve->settings);
  free(resolve->origin);
  resolve->origin = NULL;
}

void resolve_set(Resolve *resolve, const char *path, const char *value, const char *from,
                 const Node *node)
{
  settings_set(&resolve->settings, path, value);
  const int64_t count = resolve->settings.count;
  Origin *grown = realloc(resolve->origin, (size_t)count * sizeof(*grown));
  if (!grown) abort();
  resolve->origin = grown;
  for (int64_t i = 0; i < count; i++)
    if (!strcmp(resolve->settings.items[i].path, path))
      grown[i] = (Origin){from, node ? node->line : 0, node ? node->column : 0};
}

static const char *from(const Node *node)
{
  return node->grid ? "grid" : "spec";
}

/* Keys of map that no param of the group has. */
static void check_group(Resolve *resolve, const Node *map, const Param *params, const char *group,
                        const char *what, const Words *beside)
{
  Words words = {0}, groups = {0};
  const size_t length = strlen(group);
  if (!map) return;
  for (const Param *param = params; param && param->name; param++) {
    if (strncmp(param->name, group, length)) continue;
    const char *rest = param->name + length;
    const size_t word = strcspn(rest, ".");
    const char *key = tree_text(resolve->reader->tree, rest, word);
    words_add(&words, key);
    if (rest[word]) words_add(&groups, key);
  }
  for (int i = 0; beside && i < beside->count; i++) words_add(&words, beside->word[i]);
  check_keys(resolve->reader, map, what, &words);
  for (int i = 0; i < groups.count; i++) {
    Text below = {0};
    const Node *node = node_get(map, groups.word[i]);
    text_add(&below, "%s%s.", group, groups.word[i]);
    if (is_map(resolve->reader, groups.word[i], node))
      check_group(resolve, node, params, below.s, groups.word[i], NULL);
    text_clear(&below);
  }
}

static PetscErrorCode resolve_scalar(Resolve *resolve, const Node *node, const Param *param,
                                     const char *path)
{
  char *value, *complaint;

  PetscFunctionBegin;
  const char *text = node ? scalar_text(resolve->reader, path, node) : param->initial;
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ParamScalar(param, text, &value, &complaint));
  PetscCheck(value || node, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "the default of %s does not pass its own check: %s", path, complaint);
  if (complaint) MISTAKE(resolve->reader, node, "%s: %s", path, complaint);
  if (value) resolve_set(resolve, path, value, node ? from(node) : "default", node);
  if (value && param->quiet && !strcmp(value, param->initial))
    settings_quiet(&resolve->settings, path);
  free(value);
  free(complaint);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The name of a candidate set. */
static void resolve_anchors(Resolve *resolve, const Node *node, const char *path)
{
  const Experiment *experiment = resolve->reader->experiment;
  const char *name = node ? scalar_text(resolve->reader, path, node) : "";
  Words words = {0};
  int set = -1;
  if (!name) return;
  if (*name && resolve->no_sets) {
    MISTAKE(resolve->reader, node, "%s: a candidate set cannot be made from another one", path);
    return;
  }
  for (int i = 0; i < experiment->sets; i++) {
    words_add(&words, experiment->set[i].name);
    if (!strcmp(experiment->set[i].name, name)) set = i;
  }
  if (*name && set < 0) {
    Text text = {0};
    words_suggest(&words, name, &text);
    MISTAKE(resolve->reader, node, "%s: no candidate set '%s' under anchors (%s)", path, name,
            text.s);
    text_clear(&text);
    return;
  }
  if (set >= 0 && resolve->set >= 0 && resolve->set != set) {
    MISTAKE(resolve->reader, node, "%s: a model uses one candidate set, and this one uses %s too",
            path, experiment->set[resolve->set].name);
    return;
  }
  if (set >= 0) resolve->set = set;
  resolve_set(resolve, path, name, node ? from(node) : "default", node);
}

static PetscErrorCode resolve_choice(Resolve *resolve, const Node *node, const Param *param,
                                     const char *path, const Node *owner)
{
  const Family *family = param->family;
  const Node *map = node && node->kind == NODE_MAP ? node : NULL;
  const Node *word = map ? node_get(map, "name") : node;
  Words words = {0}, name = {.count = 1, .word = {"name"}};
  Text text = {0};

  PetscFunctionBegin;
  if (map && !word && !param->initial) {
    MISTAKE(resolve->reader, map, "%s: the mapping has no name", path);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const char *written = word ? scalar_text(resolve->reader, path, word) : param->initial;
  if (!written) PetscFunctionReturn(PETSC_SUCCESS);
  const Entry *entry = family_find(family, written);
  if (!entry) {
    words_family(&words, family);
    words_suggest(&words, written, &text);
    PetscCheck(word, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "the default of %s is unknown", path);
    MISTAKE(resolve->reader, word, "%s: no %s is named '%s' (%s)", path, family->kind, written,
            text.s);
    text_clear(&text);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  text_add(&text, "%s.name", path);
  resolve_set(resolve, text.s, entry->name, word ? from(word) : "default", word);
  if (param->quiet && !strcmp(entry->name, param->initial))
    settings_quiet(&resolve->settings, text.s);
  text_clear(&text);
  Text prefix = {0};
  text_add(&prefix, "%s.", path);
  text_add(&text, "%s %s", family->kind, entry->name);
  PetscCall(
      ResolveParams(resolve, map, entry->params, prefix.s, node ? node : owner, text.s, &name));
  text_clear(&prefix);
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ResolveParam(Resolve *resolve, const Node *node, const Param *param,
                            const char *path, const Node *owner)
{
  PetscFunctionBegin;
  if (!node && !param->initial) {
    Text bounds = {0};
    param_bounds(param, &bounds);
    MISTAKE(resolve->reader, owner, "%s is missing%s%s%s%s", path, param->doc ? ": " : "",
            param->doc ? param->doc : "", bounds.s ? "; " : "", bounds.s ? bounds.s : "");
    text_clear(&bounds);
    if (param->type == PARAM_CHOICE) {
      text_add(&bounds, "%s.name", path);
      resolve_set(resolve, bounds.s, "", "default", NULL);
      text_clear(&bounds);
    } else
      resolve_set(resolve, path, "", "default", NULL);
  } else if (param->type == PARAM_CHOICE)
    PetscCall(resolve_choice(resolve, node, param, path, owner));
  else if (param->type == PARAM_ANCHORS)
    resolve_anchors(resolve, node, path);
  else
    PetscCall(resolve_scalar(resolve, node, param, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void both_given(Reader *reader, const char *a, const Node *at_a, const char *b, const Node *at_b)
{
  const bool second =
      at_b->line > at_a->line || (at_b->line == at_a->line && at_b->column > at_a->column);
  const bool order = strcmp(a, b) < 0;
  MISTAKE(reader, second ? at_b : at_a,
          "%s and %s cannot both be given: one takes the place of the other", order ? a : b,
          order ? b : a);
}

PetscErrorCode ResolveParams(Resolve *resolve, const Node *map, const Param *params,
                             const char *prefix, const Node *owner, const char *owner_name,
                             const Words *beside)
{
  PetscFunctionBegin;
  check_group(resolve, map, params, "", owner_name, beside);
  for (const Param *param = params; param && param->name; param++) {
    Text path = {0};
    const Node *node = node_at(map, param->name);
    const Node *other = param->instead ? node_at(map, param->instead) : NULL;
    text_add(&path, "%s%s", prefix, param->name);
    if (node && other) both_given(resolve->reader, param->name, node, param->instead, other);
    if (!node && other && param->type != PARAM_CHOICE)
      resolve_set(resolve, path.s, "", "default", NULL);
    else
      PetscCall(ResolveParam(resolve, node, param, path.s, owner));
    text_clear(&path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
