/* A mixture of round clouds: each token is a centre and noise; the label says which centre. */
#include "base/random.h"
#include "data/generator.h"

typedef struct {
  int64_t components;
  double spread;
} Params;

typedef struct {
  int64_t components;
  float spread, *centers; /* [components x d] */
} State;

static const Param params[] = {
    {"components", PARAM_INT, offsetof(Params, components), "64", 1, 1e6, "clouds"},
    {"spread", PARAM_REAL, offsetof(Params, spread), "0.1", 0, 1e6,
     "deviation of each dimension inside a cloud; centres have length 1"},
    {0},
};

static PetscErrorCode Prepare(Synth *synth, const void *given)
{
  PetscFunctionBeginUser;
  const Params *p = given;
  State *s;
  PetscCall(PetscNew(&s));
  s->components = p->components;
  s->spread = (float)p->spread;
  PetscCall(PetscMalloc1(p->components * synth->d, &s->centers));
  random_directions(synth->seed, RANDOM_SYNTH, p->components, synth->d, s->centers);
  synth->state = s;
  synth->labels = true;
  synth->truth[synth->truths++] =
      (Truth){"atoms", H5_F32, 2, {p->components, synth->d}, s->centers};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void fill(const Synth *synth, int64_t first, int64_t rows, float *X, int64_t *label,
                 int64_t *group)
{
  const State *s = synth->state;
  const int64_t d = synth->d;
  (void)group;
  for (int64_t r = 0; r < rows; r++) {
    label[r] = random_below(synth->seed, RANDOM_SYNTH + 1, (uint64_t)(first + r), s->components);
    noise_fill(synth, RANDOM_SYNTH + 2, first + r, X + r * d);
    for (int64_t i = 0; i < d; i++)
      X[r * d + i] = s->centers[label[r] * d + i] + s->spread * X[r * d + i];
  }
}

static PetscErrorCode Destroy(Synth *synth)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(((State *)synth->state)->centers));
  PetscCall(PetscFree(synth->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Generator generator_mixture = {
    .entry = {.name = "mixture",
              .summary = "round clouds of tokens; labels and centres are known",
              .params = params,
              .params_size = sizeof(Params)},
    .prepare = Prepare,
    .fill = fill,
    .destroy = Destroy,
};
