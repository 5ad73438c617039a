/* Concepts with kinds of their own: an active parent brings its atom and, usually, that of one of
   its children. */
#include "base/random.h"
#include "data/generator.h"

typedef struct {
  int64_t parents, children, active;
  double share, weight, noise;
} Params;

typedef struct {
  Params p;
  int64_t atoms;
  float *atom;     /* [atoms x d] unit rows: parents, then the children of each */
  int64_t *parent; /* [atoms] -1: it is a parent */
} State;

static const Param params[] = {
    {"parents", PARAM_INT, offsetof(Params, parents), "32", 1, 1e5, "general concepts"},
    {"children", PARAM_INT, offsetof(Params, children), "8", 1, 1e4, "kinds of each"},
    {"active", PARAM_INT, offsetof(Params, active), "3", 1, 1e4, "general concepts in each token"},
    {"share", PARAM_REAL, offsetof(Params, share), "0.8", 0, 1,
     "how often an active concept shows one of its kinds"},
    {"weight", PARAM_REAL, offsetof(Params, weight), "0.7", 0, 1e3,
     "size of a kind's atom beside that of its concept"},
    {"noise", PARAM_REAL, offsetof(Params, noise), "0.01", 0, 1e3,
     "deviation of the noise in each dimension"},
    {0},
};

static char *check(const void *given, const Settings *all, const char **path)
{
  const Params *p = given;
  (void)all;
  if (p->active <= p->parents) return NULL;
  *path = "active";
  return text_copy("more concepts are active than there are parents");
}

static PetscErrorCode Prepare(Synth *synth, const void *given)
{
  PetscFunctionBeginUser;
  State *s;
  PetscCall(PetscNew(&s));
  s->p = *(const Params *)given;
  s->atoms = s->p.parents * (1 + s->p.children);
  PetscCall(PetscMalloc2(s->atoms * synth->d, &s->atom, s->atoms, &s->parent));
  random_directions(synth->seed, RANDOM_SYNTH, s->atoms, synth->d, s->atom);
  for (int64_t j = 0; j < s->atoms; j++)
    s->parent[j] = j < s->p.parents ? -1 : (j - s->p.parents) / s->p.children;
  synth->state = s;
  synth->truth[synth->truths++] = (Truth){"atoms", H5_F32, 2, {s->atoms, synth->d}, s->atom};
  synth->truth[synth->truths++] = (Truth){"parent", H5_I64, 1, {s->atoms, 1}, s->parent};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void add(const float *atom, float value, int64_t d, float *x)
{
  for (int64_t i = 0; i < d; i++) x[i] += value * atom[i];
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
      const uint64_t index = row * (uint64_t)s->p.active + (uint64_t)k;
      const int64_t parent = random_permuted(synth->seed, RANDOM_SYNTH + 1, row, s->p.parents, k);
      const int64_t child = random_below(synth->seed, RANDOM_SYNTH + 4, index, s->p.children);
      const double u = random_uniform(synth->seed, RANDOM_SYNTH + 3, index);
      const float value = (float)(0.5 + u);
      add(s->atom + parent * d, value, d, x);
      if (random_uniform(synth->seed, RANDOM_SYNTH + 5, index) < s->p.share)
        add(s->atom + (s->p.parents + parent * s->p.children + child) * d,
            value * (float)s->p.weight, d, x);
    }
  }
}

static PetscErrorCode Destroy(Synth *synth)
{
  PetscFunctionBeginUser;
  State *s = synth->state;
  PetscCall(PetscFree2(s->atom, s->parent));
  PetscCall(PetscFree(synth->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Generator generator_hierarchy = {
    .entry = {.name = "hierarchy",
              .summary = "sparse sums of general concepts and of their kinds",
              .params = params,
              .params_size = sizeof(Params),
              .check = check},
    .prepare = Prepare,
    .fill = fill,
    .destroy = Destroy,
};
