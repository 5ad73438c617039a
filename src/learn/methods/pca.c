/* Principal components: orthonormal directions of most variance about the mean. */
#include "../classical/projection.h"

extern const Method method_pca;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(ProjectionParams, width), NULL, 1, 1e9,
     "components, at most the width of a token"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return width_check(((const ProjectionParams *)settings)->width, all, "components");
}

static PetscErrorCode Start(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(ProjectionStart(c, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const ClassicalParts parts = {
    .start = Start,
    .count = projection_count,
    .leaf = ProjectionLeaf,
    .finish = ProjectionFinish,
    .destroy = ProjectionDestroy,
};

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_pca.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_pca = {
    .entry = {"pca", "principal components: a token's code is its projection, of either sign",
              "Pearson 1901, Phil. Mag. 2, 559; Hotelling 1933, J. Educ. Psychol. 24, 417", params,
              sizeof(ProjectionParams), 0, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeScores,
};
