/* tokens: a path, a list of paths with globs, or {train: ...}. */
#include "plan/reader.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add_path(Reader *reader, const Node *node, const char *path)
{
  Experiment *experiment = reader->experiment;
  struct stat status;
  for (int64_t i = 0; i < experiment->token_files; i++)
    if (!strcmp(experiment->token_paths[i], path)) {
      MISTAKE(reader, node, "tokens: %s is named twice", path);
      return;
    }
  if (reader->families->tokens_later)
    ; /* only their names are wanted */
  else if (stat(path, &status))
    MISTAKE(reader, node, "tokens: there is no file %s", path);
  else if (!S_ISREG(status.st_mode))
    MISTAKE(reader, node, "tokens: %s is not a file", path);
  char **grown =
      realloc(experiment->token_paths, (size_t)(experiment->token_files + 1) * sizeof(*grown));
  if (!grown) abort();
  experiment->token_paths = grown;
  grown[experiment->token_files++] = text_copy(path);
}

/* One path or glob, relative to the spec. */
static void read_path(Reader *reader, const Node *node)
{
  const char *text = scalar_text(reader, "tokens", node);
  if (!text) return;
  char *path = spec_path(reader->experiment, text);
  glob_t found;
  if (!strpbrk(text, "*?[") || reader->families->tokens_later) {
    add_path(reader, node, path);
  } else if (glob(path, 0, NULL, &found)) {
    MISTAKE(reader, node, "tokens: no file matches %s", path);
  } else {
    for (size_t i = 0; i < found.gl_pathc; i++) add_path(reader, node, found.gl_pathv[i]);
    globfree(&found);
  }
  free(path);
}

static void read_paths(Reader *reader, const Node *node)
{
  if (node->kind != NODE_LIST) {
    read_path(reader, node);
    return;
  }
  if (!node->count) MISTAKE(reader, node, "tokens: the list of files is empty");
  for (int64_t i = 0; i < node->count; i++) read_path(reader, node->item[i].value);
}

PetscErrorCode TokensPathsRead(Reader *reader, const Node *root)
{
  static const char *const sources[] = {"train", "own", NULL};
  static const Param statistics = {"tokens.statistics", PARAM_WORD, .initial = "train",
                                   .words = sources};
  const Words words = {3, {"train", "evaluate", "statistics"}};
  const Node *node = node_get(root, "tokens");

  PetscFunctionBegin;
  if (!node) {
    MISTAKE(reader, root,
            "tokens is missing: the file of tokens to learn from, as in "
            "'tokens: tokens.h5'");
  } else if (node->kind != NODE_MAP) {
    read_paths(reader, node);
  } else {
    char *word;
    const Node *train = node_get(node, "train"), *evaluate = node_get(node, "evaluate");
    check_keys(reader, node, "tokens", &words);
    PetscCall(ReadScalar(reader, &statistics, node_get(node, "statistics"), &word));
    free(word);
    if (evaluate) MISTAKE(reader, evaluate, "tokens.evaluate is not in this version");
    if (train && train->kind == NODE_MAP)
      MISTAKE(reader, train, "tokens.train takes a path or a list of paths");
    else if (train)
      read_paths(reader, train);
    else
      MISTAKE(reader, node, "tokens.train is missing: the file of tokens to learn from");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
