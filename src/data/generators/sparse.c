/* Sparse sums of atoms of a known dictionary: what a sparse autoencoder should find. */
#include "base/random.h"
#include "data/generator.h"
#include <math.h>

typedef struct {
  int64_t atoms, active;
  double noise;
  int coefficients;
} Params;

typedef enum { COEFFICIENTS_EVEN, COEFFICIENTS_NORMAL } Coefficients;
static const char *const coefficients[] = {"even", "normal", NULL};

typedef struct {
  Params p;
  float *atoms; /* [atoms x d] unit rows */
} State;

static const Param params[] = {
    {"atoms", PARAM_INT, offsetof(Params, atoms), "256", 1, 1e6, "atoms of the dictionary"},
    {"active", PARAM_INT, offsetof(Params, active), "4", 1, 1e4, "atoms in each token"},
    {"noise", PARAM_REAL, offsetof(Params, noise), "0.01", 0, 1e3,
     "deviation of the noise in each dimension"},
    {"coefficients", PARAM_WORD, offsetof(Params, coefficients), "even",
     .doc = "of the atoms in a token: evenly 0.5 to 1.5, or |N(0, 1)|", .words = coefficients},
    {0},
};

static char *check(const void *given, const Settings *all, const char **path)
{
  const Params *p = given;
  (void)all;
  if (p->active <= p->atoms) return NULL;
  *path = "active";
  return text_copy("more atoms are active than there are");
}

static PetscErrorCode Prepare(Synth *synth, const void *given)
{
  PetscFunctionBeginUser;
  State *s;
  PetscCall(PetscNew(&s));
  s->p = *(const Params *)given;
  PetscCall(PetscMalloc1(s->p.atoms * synth->d, &s->atoms));
  random_directions(synth->seed, RANDOM_SYNTH, s->p.atoms, synth->d, s->atoms);
  synth->state = s;
  synth->truth[synth->truths++] = (Truth){"atoms", H5_F32, 2, {s->p.atoms, synth->d}, s->atoms};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void fill(const Synth *synth, int64_t first, int64_t rows, float *X, int64_t *label,
                 int64_t *group)
{
  const State *s = synth->state;
  const int64_t d = synth->d;
  (void)label;
  (void)group;
  for (int64_t r = 0; r < rows; r++) {
    float *x = X + r * d;
    const uint64_t row = (uint64_t)(first + r);
    noise_fill(synth, RANDOM_SYNTH + 2, first + r, x);
    for (int64_t i = 0; i < d; i++) x[i] *= (float)s->p.noise;
    for (int64_t k = 0; k < s->p.active; k++) {
      const int64_t atom = random_permuted(synth->seed, RANDOM_SYNTH + 1, row, s->p.atoms, k);
      const uint64_t at = row * (uint64_t)s->p.active + (uint64_t)k;
      const float value = s->p.coefficients == COEFFICIENTS_NORMAL
                              ? fabsf((float)random_normal(synth->seed, RANDOM_SYNTH + 3, at))
                              : (float)(0.5 + random_uniform(synth->seed, RANDOM_SYNTH + 3, at));
      for (int64_t i = 0; i < d; i++) x[i] += value * s->atoms[atom * d + i];
    }
  }
}

static PetscErrorCode Destroy(Synth *synth)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(((State *)synth->state)->atoms));
  PetscCall(PetscFree(synth->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Generator generator_sparse = {
    .entry =
        {.name = "sparse",
         .summary = "sparse sums of atoms of a known dictionary",
         .cite = "Song et al. 2025, arXiv:2505.20254, their synthetic model (coefficients: normal)",
         .params = params,
         .params_size = sizeof(Params),
         .check = check},
    .prepare = Prepare,
    .fill = fill,
    .destroy = Destroy,
};
