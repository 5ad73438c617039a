/* compare.across: which models are held against each other. */
#include "plan/reader.h"
#include "base/array.h"
#include <stdlib.h>
#include <string.h>

/* A model's name in fresh memory; NULL with a mistake where there is no such model. */
static char *read_model(Reader *reader, const Node *models, const Node *node)
{
  const char *name = scalar_text(reader, "compare.across", node);
  Words words = {0};
  Text advice = {0};
  bool found = false;
  if (!name) return NULL;
  for (int64_t i = 0; models && models->kind == NODE_MAP && i < models->count; i++) {
    found |= !strcmp(models->item[i].key, name);
    words_add(&words, models->item[i].key);
  }
  if (!found) {
    words_suggest(&words, name, &advice);
    MISTAKE(reader, node, "compare.across: there is no model '%s'; %s", name, advice.s);
    text_clear(&advice);
  }
  return found ? text_copy(name) : NULL;
}

PetscErrorCode AcrossRead(Reader *reader, const Node *root)
{
  Experiment *experiment = reader->experiment;
  const Node *compare = node_get(root, "compare"), *models = node_get(root, "models");
  const Node *across = compare && compare->kind == NODE_MAP ? node_get(compare, "across") : NULL;
  PetscFunctionBegin;
  if (!across) PetscFunctionReturn(PETSC_SUCCESS);
  experiment->across_all = across->kind == NODE_SCALAR && !strcmp(across->text, "all");
  if (experiment->across_all) PetscFunctionReturn(PETSC_SUCCESS);
  if (across->kind != NODE_LIST) {
    MISTAKE(reader, across, "compare.across takes 'all' or a list of couples, as in [[a, b]]");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(ArrayCreate(across->count, &experiment->across));
  for (int64_t i = 0; i < across->count; i++) {
    const Node *one = across->item[i].value;
    if (one->kind != NODE_LIST || one->count != 2) {
      MISTAKE(reader, one, "compare.across: a couple of two models is expected, as in [a, b]");
      continue;
    }
    char **couple = experiment->across[experiment->across_count++];
    for (int side = 0; side < 2; side++)
      couple[side] = read_model(reader, models, one->item[side].value);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void across_yaml(const Experiment *experiment, Text *text)
{
  if (experiment->across_all) text_add(text, ", across: all");
  if (experiment->across_count) text_add(text, ", across: [");
  for (int64_t i = 0; i < experiment->across_count; i++)
    text_add(text, "%s[%s, %s]", i ? ", " : "", experiment->across[i][0], experiment->across[i][1]);
  if (experiment->across_count) text_add(text, "]");
}

PetscErrorCode AcrossForget(Experiment *experiment)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < experiment->across_count; i++)
    for (int side = 0; side < 2; side++) free(experiment->across[i][side]);
  PetscCall(ArrayDestroy(&experiment->across));
  PetscFunctionReturn(PETSC_SUCCESS);
}
