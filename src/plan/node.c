/* Trees of nodes: building, finding, laying one over another. */
#include "plan/yaml.h"
#include <stdlib.h>
#include <string.h>

struct Tree {
  int64_t count;
  void **memory; /* every node and text */
  int64_t nodes;
  Node **node; /* those whose items are to be freed */
};

PetscErrorCode TreeCreate(Tree **tree)
{
  PetscFunctionBegin;
  *tree = calloc(1, sizeof(**tree));
  PetscCheck(*tree, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TreeDestroy(Tree **tree)
{
  PetscFunctionBegin;
  if (*tree) {
    for (int64_t i = 0; i < (*tree)->nodes; i++) free((*tree)->node[i]->item);
    for (int64_t i = 0; i < (*tree)->count; i++) free((*tree)->memory[i]);
    free((*tree)->node);
    free((*tree)->memory);
    free(*tree);
  }
  *tree = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A list that grows by one, doubling its space. */
static void *grown(void *list, int64_t count, size_t size)
{
  if (count && (count & (count - 1))) return list;
  list = realloc(list, (size_t)(count ? 2 * count : 1) * size);
  if (!list) abort(); /* no memory for a spec */
  return list;
}

static void *keep(Tree *tree, size_t bytes)
{
  void *memory = calloc(1, bytes);
  if (!memory) abort();
  tree->memory = grown(tree->memory, tree->count, sizeof(*tree->memory));
  tree->memory[tree->count++] = memory;
  return memory;
}

Node *node_new(Tree *tree, NodeKind kind, int line, int column)
{
  Node *node = keep(tree, sizeof(*node));
  node->kind = kind, node->line = line, node->column = column;
  tree->node = grown(tree->node, tree->nodes, sizeof(*tree->node));
  tree->node[tree->nodes++] = node;
  return node;
}

char *tree_text(Tree *tree, const char *bytes, size_t count)
{
  char *text = keep(tree, count + 1);
  if (count) memcpy(text, bytes, count);
  return text;
}

Node *node_scalar(Tree *tree, const char *text, int line, int column)
{
  Node *node = node_new(tree, NODE_SCALAR, line, column);
  node->text = tree_text(tree, text, strlen(text));
  return node;
}

static int64_t find(const Node *map, const char *key, size_t length)
{
  if (!map || map->kind != NODE_MAP) return -1;
  for (int64_t i = 0; i < map->count; i++)
    if (strlen(map->item[i].key) == length && !memcmp(map->item[i].key, key, length)) return i;
  return -1;
}

Node *node_get(const Node *map, const char *key)
{
  const int64_t i = find(map, key, strlen(key));
  return i < 0 ? NULL : map->item[i].value;
}

Node *node_at(const Node *map, const char *path)
{
  const size_t length = strcspn(path, ".");
  const int64_t i = find(map, path, length);
  if (i < 0) return NULL;
  return path[length] ? node_at(map->item[i].value, path + length + 1) : map->item[i].value;
}

void node_put(Node *map, const char *key, int line, int column, Node *value)
{
  const int64_t i = key ? find(map, key, strlen(key)) : -1;
  if (i >= 0) {
    map->item[i].value = value, map->item[i].line = line, map->item[i].column = column;
    return;
  }
  map->item = grown(map->item, map->count, sizeof(*map->item));
  map->item[map->count++] = (NodeItem){key, line, column, value};
}

void node_drop(Node *map, const char *key)
{
  const int64_t i = find(map, key, strlen(key));
  if (i < 0) return;
  memmove(map->item + i, map->item + i + 1, (size_t)(map->count - i - 1) * sizeof(*map->item));
  map->count--;
}

Node *node_copy(Tree *tree, const Node *node)
{
  Node *copy = node_new(tree, node->kind, node->line, node->column);
  copy->quoted = node->quoted, copy->grid = node->grid, copy->text = node->text;
  for (int64_t i = 0; i < node->count; i++)
    node_put(copy, node->item[i].key, node->item[i].line, node->item[i].column,
             node->item[i].value);
  return copy;
}

/* A word as the mapping {name: word}. */
static Node *as_map(Tree *tree, Node *node)
{
  if (node->kind != NODE_SCALAR) return node;
  Node *map = node_new(tree, NODE_MAP, node->line, node->column);
  map->grid = node->grid;
  node_put(map, "name", node->line, node->column, node);
  return map;
}

Node *node_merge(Tree *tree, Node *common, Node *own)
{
  if (!common || !own) return own ? own : common;
  if (own->kind == NODE_LIST || common->kind == NODE_LIST) return own;
  if (own->kind == NODE_SCALAR && common->kind == NODE_SCALAR) return own;
  common = as_map(tree, common), own = as_map(tree, own);
  const Node *was = node_get(common, "name"), *is = node_get(own, "name");
  if (is &&
      (!was || is->kind != NODE_SCALAR || was->kind != NODE_SCALAR || strcmp(was->text, is->text)))
    return own;
  Node *merged = node_copy(tree, common);
  merged->line = own->line, merged->column = own->column;
  for (int64_t i = 0; i < own->count; i++) {
    const NodeItem *item = &own->item[i];
    Node *value = node_merge(tree, node_get(common, item->key), item->value);
    node_put(merged, item->key, item->line, item->column, value);
  }
  return merged;
}

Node *node_set(Tree *tree, const Node *map, const char *path, int line, int column, Node *value)
{
  const size_t length = strcspn(path, ".");
  const char *key = tree_text(tree, path, length);
  Node *copy = node_copy(tree, map);
  if (path[length]) {
    Node *below = node_get(copy, key);
    below = below ? as_map(tree, below) : node_new(tree, NODE_MAP, line, column);
    value = node_set(tree, below, path + length + 1, line, column, value);
  }
  node_put(copy, key, line, column, value);
  return copy;
}

Node *node_unset(Tree *tree, const Node *map, const char *path)
{
  const size_t length = strcspn(path, ".");
  const char *key = tree_text(tree, path, length);
  Node *copy = node_copy(tree, map);
  const Node *below = node_get(copy, key);
  if (!path[length])
    node_drop(copy, key);
  else if (below && below->kind == NODE_MAP)
    node_put(copy, key, below->line, below->column, node_unset(tree, below, path + length + 1));
  return copy;
}

bool node_equal(const Node *a, const Node *b)
{
  if (a->kind != b->kind || a->count != b->count) return false;
  if (a->kind == NODE_SCALAR) return !strcmp(a->text, b->text);
  for (int64_t i = 0; i < a->count; i++) {
    const Node *other = a->kind == NODE_MAP ? node_get(b, a->item[i].key) : b->item[i].value;
    if (!other || !node_equal(a->item[i].value, other)) return false;
  }
  return true;
}
