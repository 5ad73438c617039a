/* anchors: the named candidate sets. */
#include "plan/reader.h"
#include "base/file.h"
#include "base/h5.h"
#include <stdlib.h>
#include <string.h>

static const char *const sharings[] = {"per_seed", "shared", NULL};
static const Param count_param = {"count", PARAM_INT, .min = 1, .max = 1e9,
                                  .doc = "candidates in the set"};
static const Param sharing_param = {"sharing", PARAM_WORD, .initial = "per_seed",
                                    .words = sharings};

/* A set that is read from a file. */
static PetscErrorCode read_file(Reader *reader, const Node *map, const Node *file, AnchorSet *set)
{
  const Words words = {1, {"file"}};
  const char *name = scalar_text(reader, "file", file);
  H5Reader *h5;
  H5Info info;
  bool found = false;

  PetscFunctionBegin;
  check_keys(reader, map, "a candidate set that is a file", &words);
  set->shared = true;
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  set->file = spec_path(reader->experiment, name);
  if (!file_exists(set->file)) {
    MISTAKE(reader, file, "anchors: there is no file %s", set->file);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(H5ReaderOpen(set->file, reader->mistakes, &h5));
  if (!h5) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(H5ReaderInfo(h5, "atoms", &info, &found));
  if (found && info.rank == 2)
    set->count = info.dims[0], set->width = info.dims[1];
  else
    MISTAKE(reader, file, "anchors: %s has no array /atoms [p x d]", set->file);
  PetscCall(H5ReaderClose(&h5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its method, whose width is the set's count. */
static PetscErrorCode read_method(Reader *reader, Node *method, const Node *count, AnchorSet *set)
{
  const Family *methods = reader->families->methods;
  const Node *word = method->kind == NODE_MAP ? node_get(method, "name") : method;
  Resolve resolve = {.reader = reader, .set = -1, .no_sets = true};
  Words words = {0}, name = {1, {"name"}};
  Text text = {0};
  const int before = reader->told;

  PetscFunctionBegin;
  if (!word) MISTAKE(reader, method, "method: the mapping has no name");
  const char *written = word ? scalar_text(reader, "method", word) : NULL;
  if (!written) PetscFunctionReturn(PETSC_SUCCESS);
  const Entry *entry = family_find(methods, written);
  if (!entry) {
    words_family(&words, methods);
    words_suggest(&words, written, &text);
    MISTAKE(reader, word, "no method is named '%s' (%s)", written, text.s);
  } else if (entry->seeds & (SEED_DATA | SEED_ANCHORS)) {
    MISTAKE(reader, word, "%s cannot make a candidate set: it draws on more than one seed",
            written);
  } else {
    Node *map = method->kind == NODE_MAP
                    ? node_copy(reader->tree, method)
                    : node_new(reader->tree, NODE_MAP, method->line, method->column);
    Node *width = node_get(map, "width");
    if (width) MISTAKE(reader, width, "the width of a candidate set is its count");
    Node *rows = node_scalar(reader->tree, count ? count->text : "1", method->line, method->column);
    if (count) rows->line = count->line, rows->column = count->column;
    node_put(map, "width", rows->line, rows->column, rows);
    text_add(&text, "method %s", entry->name);
    resolve_set(&resolve, "method", entry->name, "spec", word);
    PetscCall(ResolveParams(&resolve, map, entry->params, "", method, text.s, &name));
    settings_copy(&set->settings, &resolve.settings);
    if (reader->told == before)
      PetscCall(ResolveChecks(reader->mistakes, reader->path, entry, "", &resolve.settings,
                              resolve.origin, &resolve.settings, "", method->line, method->column));
    resolve_clear(&resolve);
  }
  text_clear(&text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_made(Reader *reader, const Node *map, AnchorSet *set)
{
  const Words words = {4, {"method", "count", "sharing", "file"}};
  Node *method = node_get(map, "method");
  const Node *count = node_get(map, "count");
  char *number, *sharing;

  PetscFunctionBegin;
  check_keys(reader, map, "a candidate set", &words);
  if (!method)
    MISTAKE(reader, map, "the candidate set '%s' has neither a method nor a file", set->name);
  if (!count && method)
    MISTAKE(reader, map, "the candidate set '%s' has no count: how many candidates it holds",
            set->name);
  PetscCall(ReadScalar(reader, &count_param, count, &number));
  PetscCall(ReadScalar(reader, &sharing_param, node_get(map, "sharing"), &sharing));
  set->count = strtoll(number, NULL, 10);
  set->shared = !strcmp(sharing, "shared");
  if (method && (!count || *number)) PetscCall(read_method(reader, method, count, set));
  free(number);
  free(sharing);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode AnchorSetsRead(Reader *reader, const Node *node)
{
  Experiment *experiment = reader->experiment;

  PetscFunctionBegin;
  if (!is_map(reader, "anchors", node)) PetscFunctionReturn(PETSC_SUCCESS);
  experiment->set = calloc((size_t)node->count + 1, sizeof(*experiment->set));
  PetscCheck(experiment->set, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t i = 0; i < node->count; i++) {
    const NodeItem *item = &node->item[i];
    AnchorSet set = {.name = text_copy(item->key), .line = item->line, .column = item->column};
    check_name(reader, "a candidate set", item->key, item->line, item->column);
    if (is_map(reader, item->key, item->value)) {
      const Node *file = node_get(item->value, "file");
      if (file)
        PetscCall(read_file(reader, item->value, file, &set));
      else
        PetscCall(read_made(reader, item->value, &set));
    }
    experiment->set[experiment->sets++] = set;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
