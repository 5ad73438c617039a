/* Nonnegative matrix factorisation: alternating exact codes and sweeps over the atoms. */
#include "../classical/factors.h"
#include "../classical/lanes.h"
#include "../classical/work.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { START_NNDSVD, START_RANDOM };
enum { SOLVER_HALS, SOLVER_MULTIPLICATIVE };
enum { STAGE_GRAM, STAGE_SIGNS, STAGE_ALTERNATE };
static const char *const starts[] = {"nndsvd", "random", NULL};
static const char *const solvers[] = {"hals", "multiplicative", NULL};

typedef struct {
  int64_t width, iterations, sweeps;
  double tolerance;
  int start, solver;
} NMF;

typedef struct {
  Factors factors;
  double *values, *vectors; /* [m], [m x d] of the start */
  Packed packed;            /* those vectors */
} Own;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(NMF, width), NULL, 1, 1e9, "atoms of the dictionary"},
    {"iterations", PARAM_INT, offsetof(NMF, iterations), "100", 0, 1e6,
     "most times that the atoms are renewed, each after a pass over the training tokens"},
    {"tolerance", PARAM_REAL, offsetof(NMF, tolerance), "1e-4", 0, 1,
     "it ends when a pass lowers the objective by no more than this share of it; 0: never"},
    {"solver", PARAM_WORD, offsetof(NMF, solver), "hals",
     .doc = "how atoms are renewed: one after another, or all by factors", .words = solvers},
    {"sweeps", PARAM_INT, offsetof(NMF, sweeps), "10", 1, 1e6,
     "times that a pass's sums renew all atoms"},
    {"start", PARAM_WORD, offsetof(NMF, start), "nndsvd",
     .doc = "the first atoms: signed parts of singular vectors, or sizes of normals at random",
     .words = starts},
    {0},
};

static unsigned draws(const void *settings)
{
  return ((const NMF *)settings)->start == START_RANDOM ? SEED_INIT : 0;
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  const NMF *nmf = settings;
  *path = "start";
  char *wide = width_check(nmf->width, all, "singular vectors");
  Text reason = {0};
  if (wide && nmf->start == START_NNDSVD) text_add(&reason, "%s; take random", wide);
  free(wide);
  if (reason.s) return reason.s;
  *path = NULL;
  return negative_check(all, "nmf");
}

static PetscErrorCode Start(Classical *c)
{
  const NMF *nmf = c->params;
  const int64_t m = c->m, d = c->d;
  Own *own;
  void *array[2];

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &own));
  c->own = own;
  PetscCall(FactorsCreate(c, &(CodeRule){0}, &own->factors));
  PetscCall(ClassicalArray(c, "start/values", H5_F64, 1, m, 1, false, &array[0]));
  PetscCall(ClassicalArray(c, "start/vectors", H5_F64, 2, m, d, false, &array[1]));
  own->values = array[0], own->vectors = array[1];
  c->units = nmf->iterations + (nmf->start == START_NNDSVD ? 3 : 1);
  c->most = max_i64(gram_count(d), factors_count(c));
  if (nmf->start == START_RANDOM) {
    c->number[CLASSICAL_STAGE] = STAGE_ALTERNATE;
    for (int64_t i = 0; i < m * d; i++)
      c->atoms[i] =
          (float)fabs(random_normal((uint64_t)c->task->seed_init, RANDOM_ATOMS, (uint64_t)i));
    for (int64_t j = 0; j < m; j++) c->kernels->unit(d, c->atoms + j * d);
  } else {
    for (int64_t j = 0; j < m; j++) c->atoms[j * d + j % d] = 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t count(const Classical *c)
{
  switch (c->number[CLASSICAL_STAGE]) {
  case STAGE_GRAM:
    return gram_count(c->d);
  case STAGE_SIGNS:
    return 2 * c->m;
  default:
    return factors_count(c);
  }
}

/* Squares of the projections on each vector, those above 0 and those below apart. */
static PetscErrorCode SignsLeaf(Classical *c, int64_t rows, const float *X, double *sums)
{
  const int64_t m = c->m, d = c->d;
  Own *own = c->own;
  float *S;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(max_i64(rows * m, m * d), &S));
  if (!own->packed.rows) {
    for (int64_t i = 0; i < m * d; i++) S[i] = (float)own->vectors[i];
    c->kernels->pack(m, d, S, d, &own->packed);
  }
  c->kernels->scores(rows, X, d, &own->packed, NULL, S, m);
  for (int64_t j = 0; j < m; j++) {
    double above = 0, below = 0;
    for (int64_t t = 0; t < rows; t++) {
      const double s = (double)S[t * m + j];
      *(s > 0 ? &above : &below) += s * s;
    }
    sums[2 * j] += above, sums[2 * j + 1] += below;
  }
  PetscCall(ArrayDestroy(&S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Leaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums)
{
  Own *own = c->own;

  PetscFunctionBegin;
  (void)first;
  switch (c->number[CLASSICAL_STAGE]) {
  case STAGE_GRAM:
    gram_leaf(c, NULL, rows, X, sums);
    break;
  case STAGE_SIGNS:
    PetscCall(SignsLeaf(c, rows, X, sums));
    break;
  default:
    PetscCall(FactorsLeaf(c, &own->factors, 0, rows, X, sums));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Boutsidis and Gallopoulos 2008: of each pair of singular vectors the signed part that weighs
   more, as a unit row. Multiplicative updates cannot leave 0, so there zeros become a hundredth of
   the row's mean. */
static void start_atoms(Classical *c, const double *sums)
{
  const NMF *nmf = c->params;
  const Own *own = c->own;
  const int64_t m = c->m, d = c->d;
  for (int64_t j = 0; j < m; j++) {
    const double *v = own->vectors + j * d;
    float *atom = c->atoms + j * d;
    double above = 0, below = 0, mean = 0;
    for (int64_t i = 0; i < d; i++) *(v[i] > 0 ? &above : &below) += v[i] * v[i];
    const bool positive = above * sums[2 * j] >= below * sums[2 * j + 1];
    for (int64_t i = 0; i < d; i++) atom[i] = (float)fmax(positive ? v[i] : -v[i], 0);
    c->kernels->unit(d, atom);
    for (int64_t i = 0; i < d; i++) mean += (double)atom[i] / (double)d;
    for (int64_t i = 0; i < d && nmf->solver == SOLVER_MULTIPLICATIVE; i++)
      if (atom[i] == 0) atom[i] = (float)(mean / 100);
  }
}

enum { COLUMNS = CLASSICAL_COLUMNS };

/* One sweep over some columns D [m x COLUMNS] of the atoms, each the best one for the sums while
   the others stay. zx: what the sums have for these columns; part: scratch. Columns do not know of
   each other. */
static void sweep_one_by_one(const Classical *c, const double *zx, const double *sums, double *D,
                             double *part)
{
  const int64_t m = c->m, wide = c->d + m;
  for (int64_t j = 0; j < m; j++) {
    const double *zz = sums + j * wide + c->d;
    const double inverse = 1 / zz[j];
    double *atom = D + j * COLUMNS;
    if (!(zz[j] > 0)) continue;
    memcpy(part, zx + j * COLUMNS, COLUMNS * sizeof(*part));
    c->kernels->subtract64(1, m, COLUMNS, zz, m, D, COLUMNS, NULL, part, COLUMNS);
    for (int64_t i = 0; i < COLUMNS; i += 2) {
      *(Lanes *)(atom + i) = above_zero(*(Lanes *)(atom + i) + inverse * *(Lanes *)(part + i));
    }
  }
}

/* All atoms at once; part is - Z^T Z D. */
static void sweep_together(const Classical *c, const double *zx, const double *sums, double *D,
                           double *part)
{
  const int64_t m = c->m;
  memset(part, 0, (size_t)(m * COLUMNS) * sizeof(*part));
  c->kernels->subtract64(m, m, COLUMNS, sums + c->d, c->d + m, D, COLUMNS, NULL, part, COLUMNS);
  for (int64_t i = 0; i < m * COLUMNS; i++)
    if (part[i] < 0) D[i] *= zx[i] / -part[i];
}

/* All sweeps over some columns at a time, those past the last one 0. */
static PetscErrorCode Renew(Classical *c, const double *sums)
{
  const NMF *nmf = c->params;
  const int64_t m = c->m, d = c->d;
  double *D, *zx, *part;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * COLUMNS, &D));
  PetscCall(ArrayCreate(m * COLUMNS, &zx));
  PetscCall(ArrayCreate(m * COLUMNS, &part));
  for (int64_t first = 0; first < d; first += COLUMNS) {
    for (int64_t i = 0; i < m * COLUMNS; i++) {
      const int64_t j = i / COLUMNS, at = first + i % COLUMNS;
      D[i] = at < d ? (double)c->atoms[j * d + at] : 0;
      zx[i] = at < d ? factors_zx(c, sums, j, at) : 0;
    }
    for (int64_t s = 0; s < nmf->sweeps; s++)
      (nmf->solver == SOLVER_HALS ? sweep_one_by_one : sweep_together)(c, zx, sums, D, part);
    for (int64_t j = 0; j < m; j++)
      for (int64_t i = first; i < min_i64(first + COLUMNS, d); i++)
        c->atoms[j * d + i] = (float)D[j * COLUMNS + i - first];
  }
  PetscCall(ArrayDestroy(&D));
  PetscCall(ArrayDestroy(&zx));
  PetscCall(ArrayDestroy(&part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Classical *c, const double *sums, double objective, StepReport *report)
{
  const NMF *nmf = c->params;
  Own *own = c->own;
  int64_t *stage = &c->number[CLASSICAL_STAGE];

  PetscFunctionBegin;
  own->factors.ready = false;
  if (*stage == STAGE_GRAM) {
    PetscCall(SpectrumOfGram(c->n, c->d, sums, NULL, c->m, NULL, own->values, own->vectors));
    ++*stage;
  } else if (*stage == STAGE_SIGNS) {
    start_atoms(c, sums);
    ++*stage;
  } else if (factors_go_on(c, objective, nmf->tolerance, nmf->iterations, report)) {
    PetscCall(Renew(c, sums));
  } else {
    PetscCall(FactorsSettle(c, sums, true));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Classical *c)
{
  Own *own = c->own;

  PetscFunctionBegin;
  PetscCall(FactorsDestroy(&own->factors));
  packed_clear(&own->packed);
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static MethodWork work(const void *settings, double n, double d, double p)
{
  const NMF *nmf = settings;
  const double m = (double)nmf->width, first = nmf->start == START_NNDSVD ? 2 : 0;
  MethodWork all = factors_work((double)nmf->iterations + 1 + first, m, d, m / 2);
  (void)n, (void)p;
  all.first = first;
  all.before = first > 0 ? d * (d + 1) : 0;
  all.after_exact = 2 * (double)nmf->sweeps * m * m * d;
  all.once = first > 0 ? 9 * d * d * d : 0;
  all.memory += first > 0 ? 22 * d * d : 0; /* the covariance, and sums that it comes from */
  return all;
}

static const ClassicalParts parts = {
    .start = Start, .count = count, .leaf = Leaf, .finish = Finish, .destroy = Destroy};

extern const Method method_nmf;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_nmf.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encode(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  PetscFunctionBegin;
  PetscCall(EncodeSolved(dictionary, n, X, &(CodeRule){0}, codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_nmf = {
    .entry =
        {"nmf", "nonnegative matrix factorisation: nonnegative atoms, codes by least squares",
         "Lee and Seung 1999, Nature 401, 788; Cichocki and Phan 2009, IEICE Trans. E92-A, 708",
         params, sizeof(NMF), 0, .draws = draws, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = Encode,
    .work = work,
};
