/* Distinct training tokens drawn at random. */
#include "../classical/factors.h"

typedef struct {
  int64_t width;
} RandomSubset;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(RandomSubset, width), NULL, 1, 1e9, "tokens drawn"},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return tokens_check(((const RandomSubset *)settings)->width, all);
}

static PetscErrorCode Start(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(StartFromTokens(c));
  c->number[CLASSICAL_ENDED] = CLASSICAL_SOLVED;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t count(const Classical *c)
{
  (void)c;
  return 1;
}

/* Tokens are read, and no pass is made. */
static MethodWork work(const void *settings, double n, double d, double p)
{
  (void)n, (void)p;
  return (MethodWork){.gathered = (double)((const RandomSubset *)settings)->width * d};
}

static const ClassicalParts parts = {.start = Start, .count = count};

extern const Method method_random_subset;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_random_subset.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_random_subset = {
    .entry = {"random_subset", "training tokens drawn at random; codes are 1 at the nearest",
              "Fel et al. 2025, arXiv:2502.12892", params, sizeof(RandomSubset), SEED_INIT,
              .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeNearest,
    .work = work,
};
