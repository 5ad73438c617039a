/* Points of the convex hull of a few archetypes: what archetypal methods should find. */
#include "base/math.h"
#include "base/random.h"
#include "data/generator.h"

typedef struct {
  int64_t archetypes;
  double sharpness, noise;
} Params;

typedef struct {
  Params p;
  float *archetypes; /* [archetypes x d] unit rows */
} State;

static const Param params[] = {
    {"archetypes", PARAM_INT, offsetof(Params, archetypes), "16", 1, 4096, "corners of the hull"},
    {"sharpness", PARAM_REAL, offsetof(Params, sharpness), "3", 0, 100,
     "weights are this power of exponential numbers, made to sum to 1: 1 fills the hull evenly, "
     "more "
     "keeps to its corners"},
    {"noise", PARAM_REAL, offsetof(Params, noise), "0", 0, 1e3,
     "deviation of the noise in each dimension"},
    {0},
};

static PetscErrorCode Prepare(Synth *synth, const void *given)
{
  PetscFunctionBeginUser;
  State *s;
  PetscCall(PetscNew(&s));
  s->p = *(const Params *)given;
  PetscCall(PetscMalloc1(s->p.archetypes * synth->d, &s->archetypes));
  random_directions(synth->seed, RANDOM_SYNTH, s->p.archetypes, synth->d, s->archetypes);
  synth->state = s;
  synth->truth[synth->truths++] =
      (Truth){"atoms", H5_F32, 2, {s->p.archetypes, synth->d}, s->archetypes};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights of a row: not below 0, summing to 1. */
static void row_weights(const Synth *synth, int64_t row, double *weight)
{
  const State *s = synth->state;
  double sum = 0;
  for (int64_t j = 0; j < s->p.archetypes; j++) {
    const double u =
        random_uniform(synth->seed, RANDOM_SYNTH + 1, (uint64_t)(row * s->p.archetypes + j));
    weight[j] = math_pow(-math_log(1 - u), s->p.sharpness);
    sum += weight[j];
  }
  for (int64_t j = 0; j < s->p.archetypes; j++)
    weight[j] = sum > 0 ? weight[j] / sum : 1.0 / (double)s->p.archetypes;
}

static void fill(const Synth *synth, int64_t first, int64_t rows, float *X, int64_t *label,
                 int64_t *group)
{
  const State *s = synth->state;
  const int64_t d = synth->d;
  double weight[4096];
  (void)label;
  (void)group;
  for (int64_t r = 0; r < rows; r++) {
    float *x = X + r * d;
    row_weights(synth, first + r, weight);
    noise_fill(synth, RANDOM_SYNTH + 2, first + r, x);
    for (int64_t i = 0; i < d; i++) x[i] *= (float)s->p.noise;
    for (int64_t j = 0; j < s->p.archetypes; j++)
      for (int64_t i = 0; i < d; i++) x[i] += (float)weight[j] * s->archetypes[j * d + i];
  }
}

static PetscErrorCode Destroy(Synth *synth)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(((State *)synth->state)->archetypes));
  PetscCall(PetscFree(synth->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Generator generator_hull = {
    .entry = {.name = "hull",
              .summary = "points of the convex hull of known archetypes",
              .params = params,
              .params_size = sizeof(Params)},
    .prepare = Prepare,
    .fill = fill,
    .destroy = Destroy,
};
