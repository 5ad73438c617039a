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
  return mixture_draws(&((const Archetypal *)settings)->mixture);
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  return mixture_check(&((const Archetypal *)settings)->mixture, all, path);
}

static PetscErrorCode Start(Classical *c)
{
  const Archetypal *archetypal = c->params;

  PetscFunctionBegin;
  PetscCall(MixtureStart(c, &archetypal->mixture, true, &(CodeRule){.simplex = true}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  (void)n;
  return mixture_work(&((const Archetypal *)settings)->mixture, d, p, 0.25);
}

static const ClassicalParts parts = {.start = Start, MIXTURE_PARTS};

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
    .work = work,
};
