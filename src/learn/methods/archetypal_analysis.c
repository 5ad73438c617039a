/* Archetypal analysis: atoms are convex mixtures of anchors, codes convex mixtures of atoms. */
#include "../classical/mixtures.h"

typedef struct {
  MixtureParams mixture;
} Archetypal;

static const Param params[] = {
    MIXTURE_PARAMS(Archetypal),
    {0},
};

static unsigned draws(const void *settings)
{
  return ((const Archetypal *)settings)->mixture.pick == PICK_IDENTITY ? 0 : SEED_ANCHORS;
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "pick";
  return pick_check(((const Archetypal *)settings)->mixture.pick, all);
}

static PetscErrorCode Start(Classical *c)
{
  const Archetypal *archetypal = c->params;

  PetscFunctionBegin;
  PetscCall(MixtureStart(c, &archetypal->mixture, true, &(CodeRule){.simplex = true}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const ClassicalParts parts = {.start = Start,
                                     .count = factors_count,
                                     .leaf = MixtureLeaf,
                                     .finish = MixtureFinish,
                                     .destroy = MixtureDestroy};

extern const Method method_archetypal_analysis;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_archetypal_analysis.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encode(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  PetscFunctionBegin;
  PetscCall(EncodeSolved(dictionary, n, X, &(CodeRule){.simplex = true}, codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_archetypal_analysis = {
    .entry =
        {"archetypal_analysis",
         "archetypal analysis: atoms in the hull of anchors, codes on the simplex by least squares",
         "Cutler and Breiman 1994, Technometrics 36, 338", params, sizeof(Archetypal), 0,
         .draws = draws, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = Encode,
};
