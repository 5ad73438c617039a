/* A model laid over the common settings, and resolved. */
#include "plan/model.h"
#include <stdlib.h>
#include <string.h>

static const char *const centers[] = {"none", "mean", "min", NULL};
static const char *const scales[] = {"none", "rms", "unit", "std", NULL};
const Param common_params[] = {
    {"normalise.center", PARAM_WORD, .initial = "mean", .doc = "what is subtracted from each token",
     .words = centers},
    {"normalise.scale", PARAM_WORD, .initial = "rms",
     .doc = "what divides: rms (mean |x|^2 = d), unit (mean |x|^2 = 1), std (each dimension)",
     .words = scales},
    {"held_out", PARAM_REAL, .initial = "0.1", .max = 0.99,
     .doc = "share of the groups (images) that is not trained on"},
    {"subsample", PARAM_REAL, .initial = "1", .max = 1, .open_min = true,
     .doc = "share of the training groups that each run trains on, chosen by seeds.subsample",
     .quiet = true},
    {0},
};

PetscErrorCode ModelResolve(const Model *model, Node *map, Resolve *resolve)
{
  const Words keys = {3, {"normalise", "held_out", "subsample"}};
  Node *common = node_new(resolve->reader->tree, NODE_MAP, model->item->line, model->item->column);
  Text what = {0};

  PetscFunctionBegin;
  for (int i = 0; i < keys.count; i++) {
    Node *node = node_get(map, keys.word[i]);
    if (node) node_put(common, keys.word[i], node->line, node->column, node);
  }
  resolve->set = -1;
  resolve_set(resolve, "method", model->method->name, "spec", model->word);
  text_add(&what, "model %s of method %s", model->item->key, model->method->name);
  PetscCall(ResolveParams(resolve, map, model->method->params, "", common, what.s, &keys));
  PetscCall(ResolveParams(resolve, common, common_params, "", common, what.s, NULL));
  text_clear(&what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ModelResolveSilently(const Model *model, Node *map, Settings *settings)
{
  Reader reader = *model->reader;
  Resolve resolve = {.reader = &reader};

  PetscFunctionBegin;
  PetscCall(MistakesCreate(&reader.mistakes));
  PetscCall(ModelResolve(model, map, &resolve));
  settings_copy(settings, &resolve.settings);
  resolve_clear(&resolve);
  PetscCall(MistakesDestroy(&reader.mistakes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the method have settings train.<key>? */
static bool has_train(const Entry *method, const char *key)
{
  const size_t length = strlen(key);
  for (const Param *param = method->params; param && param->name; param++)
    if (!strncmp(param->name, "train.", 6) && !strncmp(param->name + 6, key, length) &&
        (!param->name[6 + length] || param->name[6 + length] == '.' || !length))
      return true;
  return false;
}

/* The common train as far as the method has it, without what the model's own settings take the
   place of. */
static Node *common_train(const Model *model, const Node *train)
{
  const Node *own = node_get(model->own, "train");
  if (!train || train->kind != NODE_MAP || !has_train(model->method, "")) return NULL;
  Node *copy = node_copy(model->reader->tree, train);
  for (int64_t i = 0; i < train->count; i++)
    if (!has_train(model->method, train->item[i].key)) node_drop(copy, train->item[i].key);
  for (const Param *param = model->method->params; param->name; param++)
    if (param->instead && !strncmp(param->name, "train.", 6) &&
        !strncmp(param->instead, "train.", 6) && node_at(own, param->instead + 6))
      node_drop(copy, param->name + 6);
  return copy;
}

/* model->map: the model's own keys over the common ones. */
static void merge_common(Model *model, const Common *common)
{
  Reader *reader = model->reader;
  const struct {
    const char *key;
    Node *common;
  } both[] = {{"normalise", common->normalise},
              {"train", common_train(model, common->train)},
              {"held_out", common->held_out},
              {"subsample", common->subsample}};
  model->map = node_copy(reader->tree, model->own);
  model->map->line = model->item->line, model->map->column = model->item->column;
  node_drop(model->map, "method");
  node_drop(model->map, "seeds");
  node_drop(model->map, "grid");
  node_drop(model->map, "null_surrogate");
  for (size_t i = 0; i < sizeof(both) / sizeof(*both); i++) {
    Node *own = node_get(model->own, both[i].key);
    const bool map = i < 2;
    if (own && map && own->kind != NODE_MAP) continue; /* told when it is resolved */
    Node *merged = map ? node_merge(reader->tree, both[i].common, own) : own ? own : both[i].common;
    if (merged) node_put(model->map, both[i].key, merged->line, merged->column, merged);
  }
}

/* The method's entry, or NULL with a mistake. */
static const Entry *find_method(Reader *reader, const NodeItem *item, const Node *word)
{
  Words words = {0};
  Text text = {0};
  if (!word) {
    MISTAKE(reader, item, "model %s has no method, as in {method: sae, ...}", item->key);
    return NULL;
  }
  if (word->kind == NODE_MAP) {
    MISTAKE(reader, word, "a model's method is a word; its settings are keys of the model");
    return NULL;
  }
  const char *name = scalar_text(reader, "method", word);
  const Entry *entry = name ? family_find(reader->families->methods, name) : NULL;
  if (name && !entry) {
    words_family(&words, reader->families->methods);
    words_suggest(&words, name, &text);
    MISTAKE(reader, word, "no method is named '%s' (%s)", name, text.s);
    text_clear(&text);
  }
  return entry;
}

PetscErrorCode ModelMerge(Reader *reader, const NodeItem *item, const Common *common, Model *model)
{
  PetscFunctionBegin;
  memset(model, 0, sizeof(*model));
  model->reader = reader, model->item = item, model->own = item->value;
  check_name(reader, "a model", item->key, item->line, item->column);
  if (!strcmp(item->key, "anchors") || !strcmp(item->key, "report"))
    MISTAKE(reader, item,
            "'%s' cannot be a name of a model: the results have a folder of that name", item->key);
  if (is_map(reader, item->key, item->value)) {
    model->word = node_get(item->value, "method");
    model->method = find_method(reader, item, model->word);
  }
  if (model->method) merge_common(model, common);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One key of the common train: some method must have it. */
static PetscErrorCode check_train(Reader *reader, const NodeItem *item)
{
  Words words = {0};
  Text text = {0};

  PetscFunctionBegin;
  for (const Entry *const *method = reader->families->methods->entries; *method; method++)
    for (const Param *param = (*method)->params; param && param->name; param++) {
      if (strncmp(param->name, "train.", 6)) continue;
      words_add(&words, param->name + 6);
      if (strcmp(param->name + 6, item->key)) continue;
      Resolve resolve = {.reader = reader, .set = -1};
      PetscCall(ResolveParam(&resolve, item->value, param, param->name, item->value));
      resolve_clear(&resolve);
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  words_suggest(&words, item->key, &text);
  MISTAKE(reader, item, "unknown key '%s' in train (%s)", item->key, text.s);
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode CommonCheck(Reader *reader, const Common *common)
{
  Resolve resolve = {.reader = reader, .set = -1};
  Node *map = node_new(reader->tree, NODE_MAP, 1, 1);
  const Node *train = common->train;

  PetscFunctionBegin;
  if (common->normalise) node_put(map, "normalise", 1, 1, common->normalise);
  if (common->held_out) node_put(map, "held_out", 1, 1, common->held_out);
  if (common->subsample) node_put(map, "subsample", 1, 1, common->subsample);
  PetscCall(ResolveParams(&resolve, map, common_params, "", map, "the spec", NULL));
  resolve_clear(&resolve);
  if (!is_map(reader, "train", train)) PetscFunctionReturn(PETSC_SUCCESS);
  for (int64_t i = 0; i < train->count; i++) PetscCall(check_train(reader, &train->item[i]));
  const Node *epochs = node_get(train, "epochs"), *steps = node_get(train, "steps");
  if (epochs && steps) both_given(reader, "train.epochs", epochs, "train.steps", steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}
