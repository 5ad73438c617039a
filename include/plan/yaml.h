/* A YAML file as a tree that remembers line and column of everything. The only door to libyaml. */
#pragma once
#include "base/mistakes.h"
#include "base/text.h"

typedef enum { NODE_SCALAR, NODE_LIST, NODE_MAP } NodeKind;

typedef struct Node Node;
typedef struct {
  const char *key;  /* NULL in a list */
  int line, column; /* of the key */
  Node *value;
} NodeItem;

/* Nodes belong to their tree and may hang in several places of it. */
struct Node {
  NodeKind kind;
  bool quoted;      /* a scalar in quotes */
  bool grid;        /* put here by a grid */
  int line, column; /* from 1 */
  const char *text; /* scalar; never NULL there */
  int64_t count;    /* list, map */
  NodeItem *item;
};

typedef struct Tree Tree;

/* TreeCreate, TreeDestroy - an empty tree. TreeDestroy frees every node and text of it. Not
 * collective. */
PetscErrorCode TreeCreate(Tree **tree);
PetscErrorCode TreeDestroy(Tree **tree);

/* YamlRead - one document into the tree; file is named in mistakes. What is not YAML, keys given
   twice, and what specs do without (tags, anchors and aliases, several documents) are mistakes;
   *root is NULL where nothing could be read. Not collective. */
PetscErrorCode YamlRead(const char *file, const Text *text, Tree *tree, Mistakes *mistakes,
                        Node **root);

Node *node_new(Tree *tree, NodeKind kind, int line, int column);
/* A text that lives as long as the tree. */
char *tree_text(Tree *tree, const char *bytes, size_t count);
Node *node_scalar(Tree *tree, const char *text, int line, int column);
/* The value of a key, or NULL; also for a map that is NULL or no map. */
Node *node_get(const Node *map, const char *key);
/* The value at "a.b.c": through maps of maps, or NULL. */
Node *node_at(const Node *map, const char *path);
/* Sets or appends; key NULL appends to a list. */
void node_put(Node *map, const char *key, int line, int column, Node *value);
void node_drop(Node *map, const char *key);
/* A copy that shares the values below. */
Node *node_copy(Tree *tree, const Node *node);
/* Own laid over common, key by key. A mapping with another `name` replaces the whole mapping; a
   word is a mapping of that name. Either may be NULL. */
Node *node_merge(Tree *tree, Node *common, Node *own);
/* The map with the value put at "a.b.c"; maps on the way are copied, words become mappings of that
   name. */
Node *node_set(Tree *tree, const Node *map, const char *path, int line, int column, Node *value);
/* The map without what is at "a.b.c". */
Node *node_unset(Tree *tree, const Node *map, const char *path);
/* Do they say the same? */
bool node_equal(const Node *a, const Node *b);
