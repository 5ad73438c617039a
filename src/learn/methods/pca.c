/* Principal components: orthonormal directions of most variance about the mean. */
#include "../classical/projection.h"

extern const Method method_pca;

static PetscErrorCode Start(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(ProjectionStart(c, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const ClassicalParts parts = {.start = Start, PROJECTION_PARTS, .finish = ProjectionFinish};

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_pca.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_pca = {
    .entry = {"pca", "principal components: a token's code is its projection, of either sign",
              "Pearson 1901, Phil. Mag. 2, 559; Hotelling 1933, J. Educ. Psychol. 24, 417",
              projection_params, sizeof(ProjectionParams), 0, .check = projection_check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeScores,
    .work = projection_work,
};
