/* Grids: crossed lists of values by path, or a list of points. */
#include "plan/reader.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 100000 }; /* points */

static PetscErrorCode allocate(int64_t points, int values, Grid *grid)
{
  PetscFunctionBegin;
  grid->count = points;
  grid->point = calloc((size_t)points + 1, sizeof(*grid->point));
  PetscCheck(grid->point, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t i = 0; i < points; i++) {
    grid->point[i].count = values;
    grid->point[i].value = calloc((size_t)values + 1, sizeof(*grid->point[i].value));
    PetscCheck(grid->point[i].value, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

void grid_clear(Grid *grid)
{
  for (int64_t i = 0; i < grid->count; i++) free(grid->point[i].value);
  free(grid->point);
  memset(grid, 0, sizeof(*grid));
}

/* The value marked as the grid's, all of it. */
static Node *marked(Tree *tree, const Node *node)
{
  Node *copy = node_copy(tree, node);
  copy->grid = true;
  for (int64_t i = 0; i < copy->count; i++) copy->item[i].value = marked(tree, copy->item[i].value);
  return copy;
}

static GridValue grid_value(Reader *reader, const NodeItem *item, const Node *value)
{
  return (GridValue){item->key, item->line, item->column, marked(reader->tree, value)};
}

/* Settings that a grid cannot range over. */
static bool allowed(Reader *reader, const NodeItem *item)
{
  static const char *const not_here[][2] = {
      {"method", "a grid stays within one method: write another model"},
      {"seeds", "seeds are given under seeds, not in a grid"},
      {"grid", "a grid cannot hold a grid"},
  };
  const size_t length = strcspn(item->key, ".");
  for (size_t i = 0; i < sizeof(not_here) / sizeof(*not_here); i++)
    if (strlen(not_here[i][0]) == length && !memcmp(item->key, not_here[i][0], length)) {
      MISTAKE(reader, item, "%s", not_here[i][1]);
      return false;
    }
  return true;
}

/* The values of one path of a crossed grid, as a list. */
static PetscErrorCode read_values(Reader *reader, const NodeItem *item, Node **values)
{
  const Node *node = item->value;
  bool is;

  PetscFunctionBegin;
  *values = node_new(reader->tree, NODE_LIST, node->line, node->column);
  if (node->kind == NODE_MAP) {
    MISTAKE(reader, node,
            "a grid takes a list of values for each path, as in {%s: [a, b]}; a path "
            "below it is written with dots, as in code.k",
            item->key);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  Node *given = node_new(reader->tree, NODE_LIST, node->line, node->column);
  if (node->kind == NODE_SCALAR) node_put(given, NULL, node->line, node->column, item->value);
  const Node *list = node->kind == NODE_LIST ? node : given;
  for (int64_t i = 0; i < list->count; i++) {
    Node *value = list->item[i].value;
    PetscCall(RangeRead(reader, value, *values, &is));
    if (!is) node_put(*values, NULL, value->line, value->column, value);
  }
  if (!list->count) MISTAKE(reader, node, "the list of values of %s is empty", item->key);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_crossed(Reader *reader, const Node *map, Grid *grid)
{
  PetscFunctionBegin;
  PetscCall(GridRead(reader, NULL, grid));
  for (int64_t i = 0; i < map->count; i++) {
    const NodeItem *item = &map->item[i];
    Node *values;
    Grid axis = {0}, crossed = {0};
    if (!allowed(reader, item)) continue;
    PetscCall(read_values(reader, item, &values));
    PetscCall(allocate(values->count, 1, &axis));
    for (int64_t v = 0; v < values->count; v++)
      axis.point[v].value[0] = grid_value(reader, item, values->item[v].value);
    PetscCall(GridCross(reader, grid, &axis, &crossed));
    grid_clear(grid);
    grid_clear(&axis);
    *grid = crossed;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_points(Reader *reader, const Node *list, Grid *grid)
{
  int64_t points = 0;

  PetscFunctionBegin;
  if (!list->count) MISTAKE(reader, list, "the grid has no points");
  PetscCall(allocate(0, 0, grid));
  free(grid->point);
  grid->point = calloc((size_t)list->count + 1, sizeof(*grid->point));
  PetscCheck(grid->point, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t i = 0; i < list->count; i++) {
    const Node *map = list->item[i].value;
    if (!is_map(reader, "a point of the grid", map)) continue;
    GridPoint *point = &grid->point[points++];
    point->value = calloc((size_t)map->count + 1, sizeof(*point->value));
    PetscCheck(point->value, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    for (int64_t v = 0; v < map->count; v++)
      if (allowed(reader, &map->item[v]))
        point->value[point->count++] = grid_value(reader, &map->item[v], map->item[v].value);
  }
  grid->count = points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GridRead(Reader *reader, const Node *node, Grid *grid)
{
  PetscFunctionBegin;
  memset(grid, 0, sizeof(*grid));
  if (node && node->kind == NODE_MAP)
    PetscCall(read_crossed(reader, node, grid));
  else if (node && node->kind == NODE_LIST)
    PetscCall(read_points(reader, node, grid));
  else {
    if (node)
      MISTAKE(reader, node,
              "a grid is a mapping of lists {path: [a, b]} or a list of points "
              "[{path: a}, {path: b}]");
    PetscCall(allocate(1, 0, grid));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode GridCross(Reader *reader, const Grid *a, const Grid *b, Grid *grid)
{
  PetscFunctionBegin;
  memset(grid, 0, sizeof(*grid));
  if (b->count && a->count > MOST / b->count) {
    const struct {
      int line, column;
    } place = {b->point[0].value[0].line, b->point[0].value[0].column}, *at = &place;
    MISTAKE(reader, at, "the grid has more than %d points", MOST);
    PetscCall(allocate(0, 0, grid));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(allocate(a->count * b->count, 0, grid));
  for (int64_t i = 0; i < a->count * b->count; i++) {
    const GridPoint *slow = &a->point[i / b->count], *fast = &b->point[i % b->count];
    GridPoint *point = &grid->point[i];
    free(point->value);
    point->count = slow->count + fast->count;
    point->value = calloc((size_t)point->count + 1, sizeof(*point->value));
    PetscCheck(point->value, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    for (int v = 0; v < point->count; v++)
      point->value[v] = v < slow->count ? slow->value[v] : fast->value[v - slow->count];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
