/* Independent components: whitening in one pass, then symmetric FastICA, a pass an iteration. */
#include "../classical/factors.h"
#include "../classical/work.h"
#include "base/eigen.h"
#include "base/random.h"
#include <math.h>
#include <string.h>

enum { FUN_LOGCOSH, FUN_CUBE };
enum { STAGE_GRAM, STAGE_ITERATE };
static const char *const funs[] = {"logcosh", "cube", NULL};

typedef struct {
  int64_t width, iterations;
  double tolerance;
  int fun;
} ICA;

typedef struct {
  float *encoder, *bias, *shift;
  double *values, *vectors; /* [m], [m x d] directions of the whitening */
  double *W;                /* [m x m] whitened tokens to sources, orthonormal rows */
  Packed whitening, unmixing;
  bool ready; /* both hold the present numbers */
} Own;

static const Param params[] = {
    {"width", PARAM_INT, offsetof(ICA, width), NULL, 1, 1e9,
     "components, at most the width of a token"},
    {"iterations", PARAM_INT, offsetof(ICA, iterations), "200", 0, 1e6,
     "most iterations, each a pass over the training tokens"},
    {"tolerance", PARAM_REAL, offsetof(ICA, tolerance), "1e-4", 0, 1,
     "it ends when no component's direction among the whitened tokens turns by more: 1 - |cosine|"},
    {"fun", PARAM_WORD, offsetof(ICA, fun), "logcosh",
     .doc = "contrast whose slope is tanh, or a quarter of the fourth power", .words = funs},
    {0},
};

static char *check(const void *settings, const Settings *all, const char **path)
{
  *path = "width";
  return width_check(((const ICA *)settings)->width, all, "components");
}

static PetscErrorCode Start(Classical *c)
{
  const int64_t m = c->m, d = c->d;
  const uint64_t seed = (uint64_t)c->task->seed_init;
  Own *own;
  void *array[6];

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &own));
  c->own = own;
  PetscCall(ClassicalArray(c, "encoder/weight", H5_F32, 2, m, d, true, &array[0]));
  PetscCall(ClassicalArray(c, "encoder/bias", H5_F32, 1, m, 1, true, &array[1]));
  PetscCall(ClassicalArray(c, "bias", H5_F32, 1, d, 1, true, &array[2]));
  PetscCall(ClassicalArray(c, "whitening/values", H5_F64, 1, m, 1, false, &array[3]));
  PetscCall(ClassicalArray(c, "whitening/vectors", H5_F64, 2, m, d, false, &array[4]));
  PetscCall(ClassicalArray(c, "unmixing", H5_F64, 2, m, m, false, &array[5]));
  own->encoder = array[0], own->bias = array[2];
  own->values = array[3], own->vectors = array[4], own->W = array[5];
  PetscCall(ArrayCreate(d, &own->shift));
  shift_of(&c->task->view, own->shift);
  for (int64_t i = 0; i < m * m; i++) own->W[i] = random_normal(seed, RANDOM_ATOMS, (uint64_t)i);
  for (int64_t i = 0; i < m * d; i++)
    c->atoms[i] = (float)random_normal(seed, RANDOM_ENCODER, (uint64_t)i);
  for (int64_t j = 0; j < m; j++) c->kernels->unit(d, c->atoms + j * d);
  memcpy(own->encoder, c->atoms, (size_t)(m * d) * sizeof(float));
  c->units = ((const ICA *)c->params)->iterations + 1;
  c->most = max_i64(gram_count(d), m * (m + 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t count(const Classical *c)
{
  return c->number[CLASSICAL_STAGE] == STAGE_GRAM ? gram_count(c->d) : c->m * (c->m + 1);
}

/* Packs the whitening and the unmixing. A direction of no variance whitens to 0. */
static PetscErrorCode Prepare(Classical *c, Own *own)
{
  const int64_t m = c->m, d = c->d;
  float *rows;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * max_i64(m, d), &rows));
  for (int64_t i = 0; i < m * d; i++) {
    const double value = own->values[i / d];
    rows[i] = value > 0 ? (float)(own->vectors[i] / sqrt(value)) : 0;
  }
  c->kernels->pack(m, d, rows, d, &own->whitening);
  for (int64_t i = 0; i < m * m; i++) rows[i] = (float)own->W[i];
  c->kernels->pack(m, m, rows, m, &own->unmixing);
  PetscCall(ArrayDestroy(&rows));
  own->ready = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y [m] becomes the contrast's slope there; what that slope's slope is, is added to second. e [m]
   is scratch. */
static void slopes(const Kernels *kernels, int fun, int64_t m, float *restrict y,
                   double *restrict second, double *restrict e)
{
  for (int64_t j = 0; j < m; j++) e[j] = 2 * (double)y[j];
  if (fun == FUN_LOGCOSH) kernels->exp64(m, e, e);
  for (int64_t j = 0; j < m && fun == FUN_LOGCOSH; j++) {
    const double t = 1 - 2 / (e[j] + 1);
    y[j] = (float)t;
    second[j] += 1 - t * t;
  }
  for (int64_t j = 0; j < m && fun == FUN_CUBE; j++) {
    const double x = (double)y[j];
    y[j] = (float)(x * x * x);
    second[j] += 3 * x * x;
  }
}

/* For source j: sums of slope(y_j) times the whitened token, and of the second slope. */
static PetscErrorCode IterateLeaf(Classical *c, int64_t rows, const float *X, double *sums)
{
  const int64_t m = c->m, d = c->d, wide = m + 1;
  const int fun = ((const ICA *)c->params)->fun;
  Own *own = c->own;
  float *xc, *white, *Y;
  double *second, *e;

  PetscFunctionBegin;
  if (!own->ready) PetscCall(Prepare(c, own));
  PetscCall(ClassicalScratch(c, 0, CLASSICAL_FEW * d, &xc));
  PetscCall(ClassicalScratch(c, 1, rows * m, &white));
  PetscCall(ClassicalScratch(c, 2, rows * m, &Y));
  PetscCall(ArrayCreate(m, &second));
  PetscCall(ArrayScratch(m, &e));
  for (int64_t t = 0; t < rows; t += CLASSICAL_FEW) {
    const int64_t count = min_i64(CLASSICAL_FEW, rows - t);
    less_shift(count, d, X + t * d, own->bias, xc);
    c->kernels->scores(count, xc, d, &own->whitening, NULL, white + t * m, m);
  }
  c->kernels->scores(rows, white, m, &own->unmixing, NULL, Y, m);
  for (int64_t t = 0; t < rows; t++) slopes(c->kernels, fun, m, Y + t * m, second, e);
  c->kernels->pack_columns(rows, m, white, m, NULL, &c->columns);
  c->kernels->pack_columns(rows, m, Y, m, NULL, &c->codes);
  c->kernels->sum_products(&c->codes, 0, m, &c->columns, m, sums, wide);
  for (int64_t j = 0; j < m; j++) sums[j * wide + m] += second[j];
  PetscCall(ArrayDestroy(&second));
  PetscCall(ArrayDestroy(&e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Leaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums)
{
  PetscFunctionBegin;
  (void)first;
  if (c->number[CLASSICAL_STAGE] == STAGE_GRAM)
    gram_leaf(c, ((Own *)c->own)->shift, rows, X, sums);
  else
    PetscCall(IterateLeaf(c, rows, X, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Directions that have variance; they come first. */
static int64_t rank_of(const Classical *c)
{
  const Own *own = c->own;
  int64_t r = 0;
  while (r < c->m && own->values[r] > 0) r++;
  return r;
}

/* W = (W W^T)^(-1/2) W for its leading r x r block; the rest becomes 0. */
static PetscErrorCode Decorrelate(const Kernels *kernels, int64_t m, int64_t r, double *W)
{
  double *A, *values, *B, *T, *out;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(r * r, &A));
  PetscCall(ArrayCreate(r, &values));
  PetscCall(ArrayCreate(r * r, &B));
  PetscCall(ArrayCreate(r * r, &T));
  PetscCall(ArrayCreate(r * r, &out));
  for (int64_t i = 0; i < r * r; i++) B[i] = T[i % r * r + i / r] = W[i / r * m + i % r];
  product64(kernels, r, r, r, B, T, A);
  PetscCall(EigenSymmetric(r, A, true, values));
  product64(kernels, r, r, r, A, B, out); /* rows v^T W / sqrt(value), v = row of A */
  for (int64_t i = 0; i < r * r; i++) {
    const double value = values[i / r];
    B[i] = value > 0 ? out[i] / sqrt(value) : 0, T[i % r * r + i / r] = A[i];
  }
  product64(kernels, r, r, r, T, B, out);
  memset(W, 0, (size_t)(m * m) * sizeof(*W));
  for (int64_t i = 0; i < r * r; i++) W[i / r * m + i % r] = out[i];
  PetscCall(ArrayDestroy(&A));
  PetscCall(ArrayDestroy(&values));
  PetscCall(ArrayDestroy(&B));
  PetscCall(ArrayDestroy(&T));
  PetscCall(ArrayDestroy(&out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Source j = sum_l W_jl <v_l, x - mean> / s_l, its atom sum_l W_jl s_l v_l, s^2 the variances. */
static PetscErrorCode FormRows(const Classical *c, double *encoder, double *atoms)
{
  const Own *own = c->own;
  const int64_t m = c->m;
  double *apart, *along;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * m, &apart));
  PetscCall(ArrayCreate(m * m, &along));
  for (int64_t i = 0; i < m * m; i++) {
    const double s = sqrt(own->values[i % m]);
    apart[i] = s > 0 ? own->W[i] / s : 0, along[i] = own->W[i] * s;
  }
  product64(c->kernels, m, m, c->d, apart, own->vectors, encoder);
  product64(c->kernels, m, m, c->d, along, own->vectors, atoms);
  PetscCall(ArrayDestroy(&apart));
  PetscCall(ArrayDestroy(&along));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms and encoder, longest atom first, its largest entry positive. */
static PetscErrorCode Form(Classical *c)
{
  const Own *own = c->own;
  const int64_t m = c->m, d = c->d;
  double *encoder, *atoms, *size;
  int64_t *order;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * d, &encoder));
  PetscCall(ArrayCreate(m * d, &atoms));
  PetscCall(ArrayCreate(m, &size));
  PetscCall(ArrayCreate(m, &order));
  PetscCall(FormRows(c, encoder, atoms));
  for (int64_t j = 0; j < m; j++) {
    for (int64_t i = 0; i < d; i++) size[j] += atoms[j * d + i] * atoms[j * d + i];
    if (!settle_sign(d, atoms + j * d)) continue;
    for (int64_t i = 0; i < d; i++) encoder[j * d + i] = -encoder[j * d + i];
  }
  order_by(m, size, order);
  for (int64_t j = 0; j < m; j++)
    for (int64_t i = 0; i < d; i++) {
      c->atoms[j * d + i] = (float)atoms[order[j] * d + i];
      own->encoder[j * d + i] = (float)encoder[order[j] * d + i];
    }
  PetscCall(ArrayDestroy(&encoder));
  PetscCall(ArrayDestroy(&atoms));
  PetscCall(ArrayDestroy(&size));
  PetscCall(ArrayDestroy(&order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One iteration of Hyvarinen 1999, eq. 20; how far the farthest row has turned. */
static PetscErrorCode Iterate(Classical *c, const double *sums, double *turned)
{
  Own *own = c->own;
  const int64_t m = c->m, wide = m + 1;
  double *W;

  PetscFunctionBegin;
  PetscCall(ArrayCreate(m * m, &W));
  for (int64_t i = 0; i < m * m; i++)
    W[i] = (sums[i / m * wide + i % m] - sums[i / m * wide + m] * own->W[i]) / (double)c->n;
  PetscCall(Decorrelate(c->kernels, m, rank_of(c), W));
  *turned = 0;
  for (int64_t j = 0; j < rank_of(c); j++) {
    double cosine = 0;
    for (int64_t l = 0; l < m; l++) cosine += W[j * m + l] * own->W[j * m + l];
    *turned = fmax(*turned, fabs(fabs(cosine) - 1));
  }
  memcpy(own->W, W, (size_t)(m * m) * sizeof(*W));
  PetscCall(ArrayDestroy(&W));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Classical *c, const double *sums, double objective, StepReport *report)
{
  const ICA *ica = c->params;
  Own *own = c->own;
  double turned = 1;

  PetscFunctionBegin;
  (void)objective;
  if (c->number[CLASSICAL_STAGE] == STAGE_GRAM) {
    double *mean;
    PetscCall(ArrayCreate(c->d, &mean));
    PetscCall(SpectrumOfGram(c->n, c->d, sums, own->shift, c->m, mean, own->values, own->vectors));
    for (int64_t i = 0; i < c->d; i++) own->bias[i] = (float)mean[i];
    PetscCall(ArrayDestroy(&mean));
    PetscCall(Decorrelate(c->kernels, c->m, rank_of(c), own->W));
    c->number[CLASSICAL_STAGE] = STAGE_ITERATE;
  } else {
    PetscCall(Iterate(c, sums, &turned));
    c->number[CLASSICAL_PASS]++;
  }
  PetscCall(Form(c));
  own->ready = false;
  if (turned < ica->tolerance)
    c->number[CLASSICAL_ENDED] = CLASSICAL_CONVERGED;
  else if (c->number[CLASSICAL_PASS] >= ica->iterations)
    c->number[CLASSICAL_ENDED] = CLASSICAL_ITERATIONS;
  report->log = true;
  report->values = 1;
  report->value[0].name = "turned";
  report->value[0].value = turned;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Classical *c)
{
  Own *own = c->own;

  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&own->shift));
  packed_clear(&own->whitening);
  packed_clear(&own->unmixing);
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A tanh is about 40 operations. */
static MethodWork work(const void *settings, double n, double d, double p)
{
  const ICA *ica = settings;
  const double m = (double)ica->width;
  MethodWork all = gram_work(d);
  (void)n, (void)p;
  all.part[0] = (WorkPart){"less_shift", 0, d, 1};
  work_part(&all, "scores", m, d, 1);
  work_part(&all, "scores", m, m, 1);
  work_part(&all, "exp64", m, 0, 1);
  work_part(&all, "sum_products", m, m, 1);
  all.units = (double)ica->iterations + 1;
  all.first = 1;
  all.before = all.products;
  all.sums = m * (m + 1);
  all.memory += 14 * d * d;
  all.products = 2 * m * d + 4 * m * m;
  all.exact = 40 * m;
  all.after_exact = 12 * m * m * m + 4 * m * m * d;
  return all;
}

static const ClassicalParts parts = {
    .start = Start, .count = count, .leaf = Leaf, .finish = Finish, .destroy = Destroy};

extern const Method method_ica;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_ica.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_ica = {
    .entry = {"ica", "independent components: codes are the sources, atoms the mixing columns",
              "Hyvarinen 1999, IEEE Trans. Neural Networks 10, 626, eq. 20 and 45", params,
              sizeof(ICA), SEED_INIT, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = EncodeScores,
    .work = work,
};
