/* Online dictionary learning: sparse codes of a batch, then atoms from what all batches so far say.
 */
#include "../classical/factors.h"
#include "../classical/work.h"
#include <math.h>
#include <string.h>

typedef struct {
  int64_t width, epochs, batch;
  double l1;
  bool positive;
} Online;

typedef struct {
  Factors factors;
  double *A, *B; /* [m x m], [m x d] forgetful means of Z^T Z and Z^T X */
} Own;

enum { LEAF = 128, BLOCK = 4 };

static const Param params[] = {
    {"width", PARAM_INT, offsetof(Online, width), NULL, 1, 1e9, "atoms of the dictionary"},
    {"l1", PARAM_REAL, offsetof(Online, l1), "1", 0, 1e9,
     "weight of the sum of sizes of a code beside |x - z D|^2 / 2"},
    {"positive", PARAM_BOOL, offsetof(Online, positive), "true",
     .doc = "whether codes are nowhere negative"},
    {"epochs", PARAM_INT, offsetof(Online, epochs), "5", 1, 1e6, "passes over the training tokens"},
    {"batch", PARAM_INT, offsetof(Online, batch), "256", 1, 1e9, "tokens of a step"},
    {0},
};

static CodeRule rule_of(const Online *online)
{
  return (CodeRule){.l1 = online->l1, .either_sign = !online->positive};
}

static char *check(const void *settings, const Settings *all, const char **path)
{
  const Online *online = settings;
  const int64_t n = settings_int(all, "tokens.train");
  Text reason = {0};
  *path = "batch";
  if (n && online->batch > n)
    text_add(&reason, "%lld is more than the %lld training tokens", (long long)online->batch,
             (long long)n);
  if (reason.s) return reason.s;
  *path = "width";
  return tokens_check(online->width, all);
}

static PetscErrorCode Start(Classical *c)
{
  const Online *online = c->params;
  const CodeRule rule = rule_of(online);
  Own *own;
  void *array[2];

  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, &own));
  c->own = own;
  PetscCall(FactorsCreate(c, &rule, &own->factors));
  PetscCall(ClassicalArray(c, "codes", H5_F64, 2, c->m, c->m, false, &array[0]));
  PetscCall(ClassicalArray(c, "tokens", H5_F64, 2, c->m, c->d, false, &array[1]));
  own->A = array[0], own->B = array[1];
  PetscCall(StartFromTokens(c));
  for (int64_t j = 0; j < c->m; j++) c->kernels->unit(c->d, c->atoms + j * c->d);
  c->batch = online->batch;
  c->leaf = LEAF;
  c->units = online->epochs * ((c->n + c->batch - 1) / c->batch);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Leaf(Classical *c, int64_t first, int64_t rows, const float *X, double *sums)
{
  PetscFunctionBegin;
  (void)first;
  PetscCall(
      FactorsLeaf(c, &((Own *)c->own)->factors, ((const Online *)c->params)->l1, rows, X, sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The best atom while the others stay, from what they leave of its sums, its length brought down to
   1; change: by how much the atom has become another. */
static void renew_atom(int64_t d, double square, const double *left, float *atom, double *change)
{
  const double inverse = 1 / square;
  double lane[4] = {0}, scale;
  for (int64_t i = 0; i < d; i++) change[i] = (double)atom[i] + left[i] * inverse;
  for (int64_t i = 0; i < d; i++) lane[i % 4] += change[i] * change[i];
  scale = 1 / fmax(sqrt(lane[0] + lane[1] + lane[2] + lane[3]), 1);
  for (int64_t i = 0; i < d; i++) {
    const float now = (float)(change[i] * scale);
    change[i] = (double)now - (double)atom[i];
    atom[i] = now;
  }
}

/* Mairal et al. 2009, algorithm 2: one atom after another; one that no code used stays. Sums are
   over all atoms as they were before a block of these, then over those of it that changed. D, left,
   change: [m x d], [BLOCK x d] scratch. */
static void renew(Classical *c, double *D, double *left, double *change)
{
  const Own *own = c->own;
  const int64_t m = c->m, d = c->d;
  for (int64_t i = 0; i < m * d; i++) D[i] = (double)c->atoms[i];
  for (int64_t first = 0; first < m; first += BLOCK) {
    const int64_t count = min_i64(BLOCK, m - first);
    const double *A = own->A + first * m;
    memcpy(left, own->B + first * d, (size_t)(count * d) * sizeof(*left));
    memset(change, 0, (size_t)(count * d) * sizeof(*change));
    c->kernels->subtract64(count, m, d, A, m, D, d, NULL, left, d);
    for (int64_t j = 0; j < count; j++, A += m) {
      float *atom = c->atoms + (first + j) * d;
      c->kernels->subtract64(1, j, d, A + first, m, change, d, NULL, left + j * d, d);
      if (A[first + j] > 1e-6) renew_atom(d, A[first + j], left + j * d, atom, change + j * d);
      for (int64_t i = 0; i < d; i++) D[(first + j) * d + i] = (double)atom[i];
    }
  }
}

static PetscErrorCode Finish(Classical *c, const double *sums, double objective, StepReport *report)
{
  Own *own = c->own;
  const int64_t m = c->m, d = c->d, step = c->number[CLASSICAL_UNIT],
                per_epoch = (c->n + c->batch - 1) / c->batch;
  const double b = (double)min_i64(c->batch, c->n - step % per_epoch * c->batch),
               all = (double)c->batch, t = (double)(step + 1),
               theta = t < all ? t * all : all * all + t - all,
               keep = (theta + 1 - all) / (theta + 1), share = 1 / b;
  double *D, *left, *change;

  PetscFunctionBegin;
  for (int64_t j = 0; j < m; j++) {
    for (int64_t l = 0; l < m; l++)
      own->A[j * m + l] = keep * own->A[j * m + l] + share * factors_zz(c, sums, j, l);
    for (int64_t i = 0; i < d; i++)
      own->B[j * d + i] = keep * own->B[j * d + i] + share * factors_zx(c, sums, j, i);
  }
  PetscCall(ArrayScratch(m * d, &D));
  PetscCall(ArrayScratch(BLOCK * d, &left));
  PetscCall(ArrayScratch(BLOCK * d, &change));
  renew(c, D, left, change);
  PetscCall(ArrayDestroy(&D));
  PetscCall(ArrayDestroy(&left));
  PetscCall(ArrayDestroy(&change));
  own->factors.ready = false;
  if (step + 1 == c->units) c->number[CLASSICAL_ENDED] = CLASSICAL_STEPS;
  report->log = true;
  report->values = 1;
  report->value[0].name = "objective";
  report->value[0].value = objective / b;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Classical *c)
{
  PetscFunctionBegin;
  PetscCall(FactorsDestroy(&((Own *)c->own)->factors));
  PetscCall(ArrayDestroy(&c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* About 16 atoms of a token are in use. */
static MethodWork work(const void *settings, double n, double d, double p)
{
  const Online *online = settings;
  const double m = (double)online->width, b = fmin((double)online->batch, n);
  MethodWork all = factors_work((double)online->epochs * ceil(n / b), m, d, fmin(m / 2, 16));
  (void)p;
  work_part(&all, "subtract64", m, d, 1.5 / b); /* products of atoms, half of them; atoms anew */
  all.batch = b, all.leaf = LEAF;
  all.after_exact += 2 * m * m * d;
  return all;
}

static const ClassicalParts parts = {
    .start = Start, .count = factors_count, .leaf = Leaf, .finish = Finish, .destroy = Destroy};

extern const Method method_dictionary_learning;

static PetscErrorCode Create(const Task *task, void **self)
{
  PetscFunctionBegin;
  PetscCall(ClassicalCreate(task, &parts, &method_dictionary_learning.entry, self));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Encode(const Dictionary *dictionary, int64_t n, const float *X, Codes *codes)
{
  Online online;

  PetscFunctionBegin;
  PetscCall(ParamsRead(&dictionary->settings, "", params, &online));
  const CodeRule rule = rule_of(&online);
  PetscCall(EncodeSolved(dictionary, n, X, &rule, codes));
  PetscCall(ParamsRelease(params, &online));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Method method_dictionary_learning = {
    .entry = {"dictionary_learning", "online dictionary learning: atoms for codes of least size",
              "Mairal, Bach, Ponce and Sapiro 2009, ICML, algorithms 1 and 2", params,
              sizeof(Online), SEED_INIT | SEED_DATA, .check = check},
    .create = Create,
    CLASSICAL_METHOD,
    .encode = Encode,
    .work = work,
};
