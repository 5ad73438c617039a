/* Truncated singular value decomposition: orthonormal directions of the largest mean square. */
#include "../classical/projection.h"

extern const Method method_svd;

static PetscErrorCode Start(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(ProjectionStart(c, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const ClassicalParts parts = {.start = Start, PROJECTION_PARTS, .finish = ProjectionFinish};

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_svd.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_svd = {
    .entry = {"svd", "truncated singular value decomposition: as pca, about the origin",
              "Eckart and Young 1936, Psychometrika 1, 211", projection_params,
              sizeof(ProjectionParams), 0, .check = projection_check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeScores,
    .work = projection_work,
};
