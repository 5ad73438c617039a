/* YAML as a tree: positions, keys given twice, what is refused, laying one map over another.
   RUN ranks=1 */
#include "../tap.h"
#include "plan/yaml.h"

static Tree *tree;
static Mistakes *mistakes;

static Node *parse(const char *s)
{
  Text text = {0};
  Node *root;
  if (tree) RUN(TreeDestroy(&tree));
  if (mistakes) RUN(MistakesDestroy(&mistakes));
  RUN(TreeCreate(&tree));
  RUN(MistakesCreate(&mistakes));
  text_add(&text, "%s", s);
  RUN(YamlRead("f", &text, tree, mistakes, &root));
  text_clear(&text);
  return root;
}

/* The text is refused with these words, at this place. */
static void refused(const char *s, const char *place, const char *words)
{
  char line[1024] = "";
  parse(s);
  FILE *file = tmpfile();
  mistakes_print(mistakes, file);
  rewind(file);
  if (!fgets(line, sizeof(line), file)) line[0] = 0;
  fclose(file);
  OK(!strncmp(line, place, strlen(place)) && strstr(line, words), "refused at %s: %s", place,
     strtok(line, "\n"));
}

static void reading(void)
{
  Node *root = parse("a: 1\nb:\n  - x\n  - {c: '2', d: [1, 2]}\ne:\n");
  OK(root && root->kind == NODE_MAP && root->count == 3 && !mistakes_count(mistakes), "a map");
  const Node *b = node_get(root, "b"), *map = b->item[1].value;
  OK(b->kind == NODE_LIST && b->count == 2 && map->line == 4 && map->column == 5,
     "a list, and where its second item stands");
  OK(map->item[1].line == 4 && map->item[1].column == 14 && !strcmp(map->item[1].key, "d"),
     "where a key stands");
  OK(node_get(map, "c")->quoted && !node_get(root, "a")->quoted, "quotes are remembered");
  OK(!*node_get(root, "e")->text && !node_get(root, "f"), "nothing given, and not there");
  OK(node_at(root, "b") && !node_at(root, "a.c") && !node_at(NULL, "a"), "by path");
}

static void refusing(void)
{
  refused("a: 1\na: 2\n", "f:2:1", "given twice; it was given on line 1");
  refused("a: {b: 1, b: 2}\n", "f:1:11", "'b' is given twice");
  refused("a: [1, 2\n", "f:2:1", "not YAML");
  refused("a:\n\tb: 1\n", "f:2:1", "a tab is not allowed");
  refused("a: &x 1\n", "f:1:4", "anchors (&name)");
  refused("a: *x\n", "f:1:4", "aliases (*name)");
  refused("a: !x 1\n", "f:1:4", "tags (!name)");
  refused("a: 1\n---\nb: 1\n", "f:2:1", "second one begins");
  refused("? [a]\n: 1\n", "f:1:3", "a key must be one word");
  char deep[400] = "a: ";
  for (int i = 0; i < 120; i++) strcat(deep, "[");
  refused(deep, "f:1:", "nested too deeply");
  OK(!parse("") && !mistakes_count(mistakes), "an empty text has no root");
}

static void merging(void)
{
  Node *root = parse("a: {name: adam, lr: 1, sub: {x: 1, y: 2}}\nb: {lr: 2, sub: {y: 3}}\n"
                     "c: {name: sgd}\nd: adam\ne: sgd\n");
  const Node *m = node_merge(tree, node_get(root, "a"), node_get(root, "b"));
  OK(!strcmp(node_get(m, "lr")->text, "2") && !strcmp(node_get(m, "name")->text, "adam") &&
         !strcmp(node_at(m, "sub.x")->text, "1") && !strcmp(node_at(m, "sub.y")->text, "3"),
     "key by key");
  m = node_merge(tree, node_get(root, "a"), node_get(root, "c"));
  OK(!node_get(m, "lr"), "another name replaces the whole mapping");
  m = node_merge(tree, node_get(root, "a"), node_get(root, "e"));
  OK(!node_get(m, "lr"), "another word too");
  m = node_merge(tree, node_get(root, "a"), node_get(root, "d"));
  OK(node_get(m, "lr") && !strcmp(node_get(m, "lr")->text, "1"), "the same word keeps the rest");
  m = node_merge(tree, node_get(root, "d"), node_get(root, "b"));
  OK(!strcmp(node_get(m, "name")->text, "adam"), "settings over a word keep the word");
  Node *set = node_set(tree, root, "d.lr", 1, 1, node_scalar(tree, "7", 1, 1));
  OK(!strcmp(node_at(set, "d.lr")->text, "7") && !strcmp(node_at(set, "d.name")->text, "adam"),
     "set below a word");
  OK(node_get(root, "d")->kind == NODE_SCALAR, "the tree that was is unchanged");
  set = node_unset(tree, root, "a.sub.x");
  OK(!node_at(set, "a.sub.x") && node_at(set, "a.sub.y") && node_at(root, "a.sub.x"), "unset");
}

int main(int argc, char **argv)
{
  TestBegin(&argc, &argv);
  reading();
  refusing();
  merging();
  RUN(TreeDestroy(&tree));
  RUN(MistakesDestroy(&mistakes));
  return TestEnd();
}
