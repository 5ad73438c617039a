/* Checks of keys, words and names, with suggestions. */
#include "plan/reader.h"
#include "base/file.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

char *spec_path(const Experiment *experiment, const char *path)
{
  return path_join(strcmp(experiment->folder, ".") ? experiment->folder : NULL, path);
}

void words_add(Words *words, const char *word)
{
  const int most = (int)(sizeof(words->word) / sizeof(*words->word)) - 1;
  for (int i = 0; i < words->count; i++)
    if (!strcmp(words->word[i], word)) return;
  if (words->count < most) words->word[words->count++] = word;
}

void words_family(Words *words, const Family *family)
{
  for (const Entry *const *entry = family->entries; *entry; entry++)
    words_add(words, (*entry)->name);
}

void words_suggest(const Words *words, const char *written, Text *text)
{
  const char *near = nearest_word(written, words->word);
  if (near) {
    text_add(text, "did you mean %s?", near);
    return;
  }
  if (!words->count) text_add(text, "there are none");
  for (int i = 0; i < words->count; i++)
    text_add(text, "%s%s",
             !i                     ? (words->count > 1 ? "there are " : "there is ")
             : i + 1 < words->count ? ", "
                                    : " and ",
             words->word[i]);
}

void check_keys(Reader *reader, const Node *map, const char *what, const Words *words)
{
  for (int64_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++) {
    const NodeItem *item = &map->item[i];
    bool known = false;
    for (int w = 0; w < words->count; w++) known |= !strcmp(words->word[w], item->key);
    if (known) continue;
    Text text = {0};
    words_suggest(words, item->key, &text);
    MISTAKE(reader, item, "unknown key '%s' in %s (%s)", item->key, what, text.s);
    text_clear(&text);
  }
}

bool is_map(Reader *reader, const char *what, const Node *node)
{
  if (!node) return false;
  if (node->kind == NODE_MAP) return true;
  if (node->kind == NODE_SCALAR && !*node->text)
    MISTAKE(reader, node, "nothing is given for %s; it takes a mapping {key: value, ...}", what);
  else
    MISTAKE(reader, node, "%s takes a mapping {key: value, ...}, not a %s", what,
            node->kind == NODE_LIST ? "list" : "single value");
  return false;
}

const char *scalar_text(Reader *reader, const char *what, const Node *node)
{
  if (node->kind != NODE_SCALAR)
    MISTAKE(reader, node, "%s takes one value, not a %s", what,
            node->kind == NODE_LIST ? "list" : "mapping");
  else if (!*node->text)
    MISTAKE(reader, node, "nothing is given for %s", what);
  else
    return node->text;
  return NULL;
}

bool check_name(Reader *reader, const char *what, const char *name, int line, int column)
{
  const struct {
    int line, column;
  } place = {line, column}, *at = &place;
  const char *s = name;
  while (isalnum((unsigned char)*s) || (*s && strchr("._+-", *s))) s++;
  if (!*s && *name && *name != '.' && *name != '-' && strlen(name) <= 100) return true;
  MISTAKE(reader, at,
          "'%s' cannot be a name of %s: it names a folder, so it is made of letters, digits, "
          "'.', '_', '+' and '-', at most 100, and begins with neither '.' nor '-'",
          name, what);
  return false;
}

PetscErrorCode ReadScalar(Reader *reader, const Param *param, const Node *node, char **value)
{
  char *complaint = NULL;

  PetscFunctionBegin;
  *value = NULL;
  const char *text = node ? scalar_text(reader, param->name, node) : param->initial;
  if (text) PetscCall(ParamScalar(param, text, value, &complaint));
  if (complaint && node) MISTAKE(reader, node, "%s: %s", param->name, complaint);
  free(complaint);
  if (!*value) *value = text_copy("");
  PetscFunctionReturn(PETSC_SUCCESS);
}
