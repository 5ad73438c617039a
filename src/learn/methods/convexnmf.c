/* Convex factorisation: atoms are nonnegative mixtures of anchors. */
#include "../classical/mixtures.h"

typedef struct {
  MixtureParams mixture;
  bool strict;
  Choice sparsity;
} ConvexNMF;

static const Param params[] = {
    MIXTURE_PARAMS(ConvexNMF),
    {"strict", PARAM_BOOL, offsetof(ConvexNMF, strict), "true",
     .doc = "whether the weights of an atom sum to 1, so that it lies in the anchors' hull"},
    SPARSITY_PARAM(ConvexNMF),
    {0},
};

static unsigned draws(const void *settings)
{
  return mixture_draws(&((const ConvexNMF *)settings)->mixture);
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  const ConvexNMF *convex = settings;
  char *why = mixture_check(&convex->mixture, all, path);
  if (!why) why = sparsity_check(&convex->sparsity, path);
  if (why || convex->strict || !(sparsity_weight(&convex->sparsity, 2) > 0)) return why;
  Text loose = {0};
  text_add(&loose, "weights without a sum could grow until no penalty is felt; take strict: true");
  return loose.s;
}

/* The plain sum of the codes: atoms in the hull cannot grow. */
static CodeRule rule_of(const ConvexNMF *convex, int64_t d)
{
  return (CodeRule){.l1 = sparsity_weight(&convex->sparsity, d)};
}

static PetscErrorCode Start(Classical *c)
{
  const ConvexNMF *convex = c->params;

  PetscFunctionBegin;
  const CodeRule rule = rule_of(convex, c->d);
  PetscCall(MixtureStart(c, &convex->mixture, convex->strict, &rule));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  (void)n;
  return mixture_work(&((const ConvexNMF *)settings)->mixture, d, p, 0.5);
}

static const ClassicalParts parts = {.start = Start, MIXTURE_PARTS};

extern const Method method_convexnmf;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_convexnmf.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encode(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  ConvexNMF convex;

  PetscFunctionBegin;
  PetscCall(ParamsRead(&dictionary->settings, "", params, &convex));
  const CodeRule rule = rule_of(&convex, dictionary->d);
  PetscCall(EncodeSolved(dictionary, n, X, &rule, codes));
  PetscCall(ParamsRelease(params, &convex));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_convexnmf = {
    .entry =
        {"convexnmf",
         "convex factorisation: atoms are mixtures of anchors, codes nonnegative least squares",
         "Ding, Li and Jordan 2010, IEEE Trans. PAMI 32, 45, section 3.2", params,
         sizeof(ConvexNMF), 0, .draws = draws, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = Encode,
    .work = work,
};
