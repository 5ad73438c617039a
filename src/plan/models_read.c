/* All models of a spec: the common grid, each model's own, and their seeds. */
#include "plan/model.h"
#include <stdlib.h>
#include <string.h>

static bool same_point(const GridPoint *a, const GridPoint *b)
{
  if (a->count != b->count) return false;
  for (int v = 0; v < a->count; v++)
    if (strcmp(a->value[v].path, b->value[v].path) ||
        !node_equal(a->value[v].value, b->value[v].value))
      return false;
  return true;
}

/* The points of a grid with only the paths that a model has; equal ones once. */
static PetscErrorCode project(const Grid *grid, const Settings *base, Grid *out)
{
  PetscFunctionBegin;
  out->count = 0;
  out->point = calloc((size_t)grid->count + 1, sizeof(*out->point));
  PetscCheck(out->point, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  for (int64_t i = 0; i < grid->count; i++) {
    const GridPoint *from = &grid->point[i];
    GridPoint *to = &out->point[out->count];
    bool new = true;
    to->count = 0;
    to->value = calloc((size_t)from->count + 1, sizeof(*to->value));
    PetscCheck(to->value, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    for (int v = 0; v < from->count; v++)
      if (setting_there(base, from->value[v].path)) to->value[to->count++] = from->value[v];
    for (int64_t j = 0; j < out->count && new; j++) new = !same_point(to, &out->point[j]);
    if (new)
      out->count++;
    else
      free(to->value);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A path in both grids of a model. */
static bool in_both(Reader *reader, const Grid *common, const Grid *own)
{
  bool both = false;
  for (int v = 0; common->count && own->count && v < own->point[0].count; v++)
    for (int w = 0; w < common->point[0].count; w++)
      if (!strcmp(own->point[0].value[v].path, common->point[0].value[w].path))
        MISTAKE(reader, &own->point[0].value[v], "grid: the common grid ranges over %s too",
                own->point[0].value[v].path),
            both = true;
  return both;
}

/* null_surrogate: true or false. */
static PetscErrorCode read_null(Reader *reader, const Node *node, bool *on)
{
  static const Param param = {"null_surrogate", PARAM_BOOL, .initial = "false"};
  char *value;

  PetscFunctionBegin;
  PetscCall(ReadScalar(reader, &param, node, &value));
  *on = !strcmp(value, "true");
  free(value);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode read_model(Reader *reader, const NodeItem *item, const Common *common,
                                 Words *paths)
{
  Model model;
  Settings base = {0};
  Grid own = {0}, projected = {0}, points = {0};
  Seeds seeds = {0};
  bool surrogates = false;
  const int64_t first = reader->experiment->groups;

  PetscFunctionBegin;
  PetscCall(ModelMerge(reader, item, common, &model));
  if (!model.method) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ModelResolveSilently(&model, model.map, &base));
  for (int64_t i = 0; i < base.count; i++)
    words_add(paths, tree_text(reader->tree, base.items[i].path, strlen(base.items[i].path)));
  PetscCall(project(&common->grid, &base, &projected));
  PetscCall(GridRead(reader, node_get(model.own, "grid"), &own));
  if (!in_both(reader, &projected, &own)) PetscCall(GridCross(reader, &projected, &own, &points));
  Node *own_seeds = node_get(model.own, "seeds");
  if (own_seeds && is_map(reader, "seeds", own_seeds))
    PetscCall(SeedsRead(reader, node_merge(reader->tree, common->seeds, own_seeds), &seeds));
  else
    PetscCall(SeedsRead(reader, common->seeds, &seeds));
  PetscCall(ModelGroups(&model, &points, &seeds));
  const int64_t last = reader->experiment->groups;
  const Node *own_null = node_get(model.own, "null_surrogate");
  const Node *null = own_null ? own_null : common->null_surrogate;
  PetscCall(read_null(reader, null, &surrogates));
  if (last - first == points.count)
    PetscCall(ResolvedModel(reader, item->key, &base, first, &points, &seeds, surrogates));
  if (surrogates) PetscCall(ModelSurrogates(&model, first, last, null, &seeds));
  settings_clear(&base);
  grid_clear(&own);
  grid_clear(&projected);
  grid_clear(&points);
  seeds_clear(&seeds);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Paths of the common grid that no model has. */
static void check_paths(Reader *reader, const Grid *grid, const Words *paths)
{
  for (int64_t i = 0; i < grid->count; i++)
    for (int v = 0; v < grid->point[i].count; v++) {
      const GridValue *value = &grid->point[i].value[v];
      const size_t length = strlen(value->path);
      bool known = false;
      for (int w = 0; w < paths->count && !known; w++)
        known = !strcmp(paths->word[w], value->path) ||
                (!strncmp(paths->word[w], value->path, length) &&
                 !strcmp(paths->word[w] + length, ".name"));
      if (known) continue;
      Text text = {0};
      words_suggest(paths, value->path, &text);
      MISTAKE(reader, value, "grid: no model has a setting '%s' (%s)", value->path, text.s);
      text_clear(&text);
    }
}

PetscErrorCode ModelsRead(Reader *reader, const Node *root)
{
  Common common = {.normalise = node_get(root, "normalise"),
                   .train = node_get(root, "train"),
                   .held_out = node_get(root, "held_out"),
                   .subsample = node_get(root, "subsample"),
                   .null_surrogate = node_get(root, "null_surrogate"),
                   .seeds = node_get(root, "seeds")};
  const Node *models = node_get(root, "models");
  Seeds seeds = {0};
  Words paths = {0};

  PetscFunctionBegin;
  PetscCall(SeedsRead(reader, common.seeds, &seeds));
  reader->first_anchors_seed = seeds.count ? seeds.tuple[0][2] : 1;
  PetscCall(GridRead(reader, node_get(root, "grid"), &common.grid));
  PetscCall(CommonCheck(reader, &common));
  PetscCall(ResolvedBegin(reader, &seeds));
  if (common.normalise && common.normalise->kind != NODE_MAP) common.normalise = NULL;
  if (common.seeds && common.seeds->kind != NODE_MAP) common.seeds = NULL;
  if (!models)
    MISTAKE(reader, root, "models is missing: the models to train, each with a name");
  else if (is_map(reader, "models", models)) {
    if (!models->count) MISTAKE(reader, models, "models is empty");
    for (int64_t i = 0; i < models->count; i++)
      PetscCall(read_model(reader, &models->item[i], &common, &paths));
    if (models->count) check_paths(reader, &common.grid, &paths);
  }
  PetscCall(ResolvedEnd(reader));
  grid_clear(&common.grid);
  seeds_clear(&seeds);
  PetscFunctionReturn(PETSC_SUCCESS);
}
