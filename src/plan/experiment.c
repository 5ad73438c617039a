/* A spec file -> a checked experiment. */
#include "plan/reader.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

static const Words root_keys = {12,
                                {"schema", "name", "tokens", "normalise", "held_out", "seeds",
                                 "anchors", "train", "models", "grid", "checkpoint", "measure"}};

/* schema and name. */
static void read_head(Reader *reader, const Node *root)
{
  const Node *schema = node_get(root, "schema"), *name = node_get(root, "name");
  const char *text = schema ? scalar_text(reader, "schema", schema) : NULL;
  if (!schema)
    MISTAKE(reader, root, "schema is missing: a spec begins with 'schema: 1'");
  else if (text && strcmp(text, "1"))
    MISTAKE(reader, schema, "schema '%s' is not known; this version reads schema 1", text);
  text = name ? scalar_text(reader, "name", name) : NULL;
  if (!name)
    MISTAKE(reader, root, "name is missing: the name of the experiment");
  else if (text && check_name(reader, "an experiment", text, name->line, name->column))
    reader->experiment->name = text_copy(text);
}

static PetscErrorCode read_parts(Reader *reader, const Node *root)
{
  Words keys = root_keys;

  PetscFunctionBegin;
  for (const char *const *more = (const char *const[]){"compare", "subsample", "snapshots",
                                                       "null_surrogate", "images", "texts", NULL};
       *more; more++)
    words_add(&keys, *more);
  check_keys(reader, root, "the spec", &keys);
  read_head(reader, root);
  PetscCall(TokensPathsRead(reader, root));
  PetscCall(AnchorSetsRead(reader, node_get(root, "anchors")));
  PetscCall(ChosenRead(reader, root));
  PetscCall(AcrossRead(reader, root));
  PetscCall(ModelsRead(reader, root));
  PetscCall(LooksRead(reader, root));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ExperimentRead(const char *path, const SpecFamilies *families, Mistakes *mistakes,
                              Experiment **experiment)
{
  Reader reader = {.path = path, .mistakes = mistakes, .families = families};
  const int before = mistakes_count(mistakes);
  Text text = {0};
  Node *root;
  bool found;

  PetscFunctionBegin;
  *experiment = NULL;
  PetscCall(FileRead(path, &text, &found));
  if (!found) {
    mistake(mistakes, path, 0, 0, "there is no such file, or it cannot be read");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  reader.experiment = calloc(1, sizeof(*reader.experiment));
  PetscCheck(reader.experiment, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
  reader.experiment->path = text_copy(path);
  const char *slash = strrchr(path, '/');
  reader.experiment->folder = text_copy(slash ? path : ".");
  if (slash) reader.experiment->folder[slash > path ? slash - path : 1] = 0;
  reader.experiment->text = text_copy(text.s);
  PetscCall(TreeCreate(&reader.tree));
  PetscCall(YamlRead(path, &text, reader.tree, mistakes, &root));
  if (root && root->kind == NODE_MAP)
    PetscCall(read_parts(&reader, root));
  else if (mistakes_count(mistakes) == before)
    mistake(mistakes, path, 1, 1, "a spec is a mapping that begins with 'schema: 1'; this is %s",
            root ? "something else" : "empty");
  mistakes_sort(mistakes, before, path);
  PetscCall(TreeDestroy(&reader.tree));
  text_clear(&text);
  text_clear(&reader.metrics);
  text_clear(&reader.comparisons);
  if (mistakes_count(mistakes) > before) PetscCall(ExperimentDestroy(&reader.experiment));
  *experiment = reader.experiment;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode release_choices(int64_t count, Choice *choice)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < count; i++) PetscCall(ChoiceRelease(&choice[i]));
  free(choice);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void release_sets(Experiment *e)
{
  for (int64_t i = 0; i < e->sets; i++) {
    free(e->set[i].name);
    free(e->set[i].file);
    settings_clear(&e->set[i].settings);
  }
  for (int64_t i = 0; i < e->anchors_count; i++) {
    free(e->anchors[i].id);
    settings_clear(&e->anchors[i].settings);
  }
  free(e->set);
  free(e->anchors);
}

static void release_runs(Experiment *e)
{
  for (int64_t i = 0; i < e->groups; i++) {
    free(e->group[i].model);
    free(e->group[i].folder);
    free(e->group[i].origin);
    free(e->group[i].block);
    settings_clear(&e->group[i].settings);
  }
  for (int64_t i = 0; i < e->runs; i++) {
    free(e->run[i].id);
    free(e->run[i].model);
    free(e->run[i].folder);
    settings_clear(&e->run[i].settings);
  }
  free(e->group);
  free(e->run);
}

PetscErrorCode ExperimentDestroy(Experiment **experiment)
{
  Experiment *e = *experiment;

  PetscFunctionBegin;
  if (!e) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(release_choices(e->metrics_count, e->metrics));
  PetscCall(release_choices(e->comparisons_count, e->comparisons));
  PetscCall(AcrossForget(e));
  release_sets(e);
  release_runs(e);
  for (int64_t i = 0; i < e->token_files; i++) free(e->token_paths[i]);
  free(e->token_paths);
  free(e->share);
  free(e->path);
  free(e->folder);
  free(e->text);
  free(e->name);
  free(e->images);
  free(e->texts);
  text_clear(&e->resolved);
  free(e);
  *experiment = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}
