/* measure, compare and checkpoint. */
#include "plan/reader.h"
#include <stdlib.h>
#include <string.h>

/* One metric or comparison: a word, or a mapping with name and settings. */
static PetscErrorCode read_one(Reader *reader, Node *node, const Param *param, int64_t *count,
                               Choice *chosen, Text *yaml)
{
  Resolve resolve = {.reader = reader, .set = -1, .no_sets = true};
  const int before = reader->told;

  PetscFunctionBegin;
  PetscCall(ResolveParam(&resolve, node, param, param->name, node));
  if (reader->told == before) {
    const Entry *entry = NULL;
    Text name = {0}, prefix = {0};
    text_add(&name, "%s.name", param->name);
    text_add(&prefix, "%s.", param->name);
    entry = family_find(param->family, settings_get(&resolve.settings, name.s));
    PetscCall(ResolveChecks(reader->mistakes, reader->path, entry, prefix.s, &resolve.settings,
                            resolve.origin, &resolve.settings, "", node->line, node->column));
    PetscCall(ChoiceRead(&resolve.settings, param->name, param->family, &chosen[*count]));
    if ((*count)++) text_add(yaml, ", ");
    setting_yaml(&resolve.settings, param->name, yaml);
    text_clear(&name);
    text_clear(&prefix);
  }
  resolve_clear(&resolve);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all, or a list; NULL is all. */
static PetscErrorCode read_list(Reader *reader, const char *key, const Family *family,
                                const Node *node, int64_t *count, Choice **chosen, Text *yaml)
{
  const Param param = {key, PARAM_CHOICE, .family = family};
  Node *list = node_new(reader->tree, NODE_LIST, node ? node->line : 0, node ? node->column : 0);

  PetscFunctionBegin;
  if (!node || (node->kind == NODE_SCALAR && !strcmp(node->text, "all"))) {
    for (const Entry *const *entry = family->entries; *entry; entry++)
      node_put(list, NULL, list->line, list->column,
               node_scalar(reader->tree, (*entry)->name, list->line, list->column));
  } else if (node->kind == NODE_LIST) {
    for (int64_t i = 0; i < node->count; i++) node_put(list, NULL, 0, 0, node->item[i].value);
  } else
    MISTAKE(reader, node, "%s takes 'all' or a list, as in [%s]; an empty list is none", key,
            family->entries[0]->name);
  *chosen = calloc((size_t)list->count + 1, sizeof(**chosen));
  PetscCheck(*chosen, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t i = 0; i < list->count; i++) {
    Node *one = list->item[i].value;
    for (int64_t j = 0; j < i; j++)
      if (one->kind == NODE_SCALAR && list->item[j].value->kind == NODE_SCALAR &&
          !strcmp(one->text, list->item[j].value->text))
        MISTAKE(reader, one, "%s: %s is named twice", key, one->text);
    PetscCall(read_one(reader, one, &param, count, *chosen, yaml));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* compare.partners: which atoms of two runs count as one; NULL: the defaults. */
static PetscErrorCode read_partners(Reader *reader, const Node *partners)
{
  static const char *const centrings[] = {"raw", "centred", NULL};
  static const Param t = {"compare.partners.t", PARAM_REAL, .initial = "0.7", .min = 0, .max = 1};
  static const Param centring = {"compare.partners.centring", PARAM_WORD, .initial = "raw",
                                 .words = centrings};
  const Words in_partners = {2, {"t", "centring"}};
  char *value;

  PetscFunctionBegin;
  if (is_map(reader, "compare.partners", partners))
    check_keys(reader, partners, "compare.partners", &in_partners);
  else
    partners = NULL;
  PetscCall(ReadScalar(reader, &t, node_get(partners, "t"), &value));
  reader->experiment->partners_t = strtod(value, NULL);
  free(value);
  PetscCall(ReadScalar(reader, &centring, node_get(partners, "centring"), &value));
  reader->experiment->partners_centred = !strcmp(value, "centred");
  free(value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Words centring_words = {3, {"raw", "centred", "projected"}};

static void read_centrings(Reader *reader, const Node *node)
{
  unsigned *asked = &reader->experiment->centrings;
  *asked = 3;
  if (!node) return;
  if (node->kind == NODE_SCALAR && !strcmp(node->text, "all")) {
    *asked = 7;
    return;
  }
  if (node->kind != NODE_LIST || node->count == 0) {
    MISTAKE(reader, node, "centrings takes 'all' or a list, as in [raw, centred]");
    return;
  }
  *asked = 0;
  for (int64_t i = 0; i < node->count; i++) {
    const Node *one = node->item[i].value;
    const char *word = one->kind == NODE_SCALAR ? one->text : "";
    int at = 0;
    while (at < centring_words.count && strcmp(word, centring_words.word[at])) at++;
    if (at == centring_words.count) {
      Text advice = {0};
      words_suggest(&centring_words, word, &advice);
      MISTAKE(reader, one, "no centring '%s'; %s", word, advice.s);
      text_clear(&advice);
    } else if (*asked >> at & 1)
      MISTAKE(reader, one, "centrings: %s is named twice", word);
    else
      *asked |= 1U << at;
  }
}

PetscErrorCode ChosenRead(Reader *reader, const Node *root)
{
  static const Param train_tokens = {"measure.train_tokens", PARAM_INT, .initial = "1000000",
                                     .min = 1, .max = 1e15};
  static const Param snapshots = {"snapshots", PARAM_INT, .initial = "0", .max = 1000};
  static const Param minutes = {"checkpoint.minutes", PARAM_REAL, .initial = "10", .max = 1e6,
                                .open_min = true};
  const Words in_measure = {2, {"metrics", "train_tokens"}},
              in_compare = {4, {"comparisons", "centrings", "partners", "across"}},
              in_checkpoint = {1, {"minutes"}};
  Experiment *experiment = reader->experiment;
  const SpecFamilies *families = reader->families;
  const Node *measure = node_get(root, "measure"), *compare = node_get(root, "compare"),
             *checkpoint = node_get(root, "checkpoint"), *sample = NULL, *how = NULL,
             *partners = NULL;
  char *value;

  PetscFunctionBegin;
  if (measure && measure->kind == NODE_MAP) {
    check_keys(reader, measure, "measure", &in_measure);
    sample = node_get(measure, "train_tokens");
    measure = node_get(measure, "metrics");
  }
  if (compare && compare->kind == NODE_MAP) {
    check_keys(reader, compare, "compare", &in_compare);
    partners = node_get(compare, "partners");
    how = node_get(compare, "centrings");
    compare = node_get(compare, "comparisons");
  }
  PetscCall(read_list(reader, "measure", families->metrics, measure, &experiment->metrics_count,
                      &experiment->metrics, &reader->metrics));
  PetscCall(read_list(reader, "compare", families->comparisons, compare,
                      &experiment->comparisons_count, &experiment->comparisons,
                      &reader->comparisons));
  PetscCall(read_partners(reader, partners));
  read_centrings(reader, how);
  PetscCall(ReadScalar(reader, &train_tokens, sample, &value));
  experiment->train_tokens = strtoll(value, NULL, 10);
  free(value);
  if (is_map(reader, "checkpoint", checkpoint))
    check_keys(reader, checkpoint, "checkpoint", &in_checkpoint);
  PetscCall(ReadScalar(reader, &minutes, node_get(checkpoint, "minutes"), &value));
  experiment->checkpoint_minutes = strtod(value, NULL);
  free(value);
  PetscCall(ReadScalar(reader, &snapshots, node_get(root, "snapshots"), &value));
  experiment->snapshots = strtoll(value, NULL, 10);
  free(value);
  PetscFunctionReturn(PETSC_SUCCESS);
}
