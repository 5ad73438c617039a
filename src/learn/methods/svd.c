/* Truncated singular value decomposition: orthonormal directions of the largest mean square. */
#include "../classical/projection.h"

extern const Method method_svd;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(ProjectionParams, width), NULL, 1, 1e9,
     "directions, at most the width of a token"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return width_check(((const ProjectionParams *)settings)->width, all, "directions");
}

static PetscErrorCode Start(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(ProjectionStart(c, false));
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
  PetscCall(ClassicalCreate(task, &parts, &method_svd.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_svd = {
    .entry = {"svd", "truncated singular value decomposition: as pca, about the origin",
              "Eckart and Young 1936, Psychometrika 1, 211", params, sizeof(ProjectionParams), 0,
              .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeScores,
};
