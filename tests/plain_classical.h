/* Factorisations written a second time, in plain float64 loops over all tokens, with codes found by
   trying every set of atoms; and learners that are stepped and looked into. */
#pragma once
#include "method_task.h"
#include "tap.h"

enum { PLAIN_N = 1200, PLAIN_D = 8, PLAIN_M = 8 };

typedef struct {
  int64_t n, d, m;
  double l1; /* beside |x - z D|^2 / 2 */
  bool either_sign, simplex;
  double X[PLAIN_N * PLAIN_D], D[PLAIN_M * PLAIN_D], Z[PLAIN_N * PLAIN_M];
  double S[PLAIN_M * PLAIN_M], T[PLAIN_M * PLAIN_D]; /* Z^T Z, Z^T X */
  double objective;                                  /* summed over tokens */
} Plain;

/* Solves A x = b, A [n x n], by elimination with row exchanges; false: singular. */
static inline bool plain_solve(int64_t n, const double *A, const double *b, double *x)
{
  double R[(PLAIN_M + 1) * (PLAIN_M + 2)];
  const int64_t w = n + 1;
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < n; j++) R[i * w + j] = A[i * n + j];
    R[i * w + n] = b[i];
  }
  for (int64_t k = 0; k < n; k++) {
    int64_t top = k;
    for (int64_t i = k + 1; i < n; i++)
      if (fabs(R[i * w + k]) > fabs(R[top * w + k])) top = i;
    if (fabs(R[top * w + k]) < 1e-9) return false;
    for (int64_t j = 0; j < w; j++) {
      const double keep = R[k * w + j];
      R[k * w + j] = R[top * w + j], R[top * w + j] = keep;
    }
    for (int64_t i = 0; i < n; i++) {
      const double times = R[i * w + k] / R[k * w + k];
      for (int64_t j = k; j < w && i != k; j++) R[i * w + j] -= times * R[k * w + j];
    }
  }
  for (int64_t i = 0; i < n; i++) x[i] = R[i * w + n] / R[i * w + i];
  return true;
}

/* The best weights of the atoms with a sign, whatever signs they get; false: not unique. */
static inline bool plain_weights(const Plain *p, const double *K, const double *b, const int *sign,
                                 double *z)
{
  double A[(PLAIN_M + 1) * (PLAIN_M + 1)] = {0}, right[PLAIN_M + 1], x[PLAIN_M + 1];
  int64_t in[PLAIN_M], count = 0;
  for (int64_t j = 0; j < p->m; j++)
    if (sign[j]) in[count++] = j;
  const int64_t w = count + p->simplex;
  for (int64_t a = 0; a < count; a++) {
    for (int64_t c = 0; c < count; c++) A[a * w + c] = K[in[a] * p->m + in[c]];
    if (p->simplex) A[a * w + count] = A[count * w + a] = 1;
    right[a] = b[in[a]] - p->l1 * sign[in[a]];
  }
  right[count] = 1;
  if (!plain_solve(w, A, right, x)) return false;
  memset(z, 0, (size_t)p->m * sizeof(*z));
  for (int64_t a = 0; a < count; a++) z[in[a]] = x[a];
  return true;
}

/* The best code of x of all sets of atoms and signs; gives its objective. */
static inline double plain_code(const Plain *p, const double *x, double *best)
{
  const int64_t m = p->m, d = p->d, signs = p->either_sign ? 3 : 2;
  double K[PLAIN_M * PLAIN_M], b[PLAIN_M], z[PLAIN_M], square = 0,
                                                       least = p->simplex ? (double)INFINITY : 0;
  int64_t patterns = 1;
  memset(b, 0, sizeof(b));
  memset(K, 0, sizeof(K));
  memset(best, 0, (size_t)m * sizeof(*best));
  for (int64_t i = 0; i < d; i++) square += x[i] * x[i] / 2;
  for (int64_t j = 0; j < m; j++, patterns *= signs)
    for (int64_t i = 0; i < d; i++) {
      b[j] += p->D[j * d + i] * x[i];
      for (int64_t l = 0; l < m; l++) K[j * m + l] += p->D[j * d + i] * p->D[l * d + i];
    }
  for (int64_t pattern = 1; pattern < patterns; pattern++) {
    int sign[PLAIN_M];
    int64_t rest = pattern;
    bool fits = true;
    double value = 0;
    for (int64_t j = 0; j < m; j++, rest /= signs)
      sign[j] = rest % signs == 2 ? -1 : (int)(rest % signs);
    if (!plain_weights(p, K, b, sign, z)) continue;
    for (int64_t j = 0; j < m; j++) {
      fits = fits && sign[j] * z[j] >= 0;
      value += p->l1 * fabs(z[j]) - b[j] * z[j];
      for (int64_t l = 0; l < m; l++) value += z[j] * K[j * m + l] * z[l] / 2;
    }
    if (!fits || value >= least) continue;
    least = value;
    memcpy(best, z, (size_t)m * sizeof(*best));
  }
  return square + least;
}

/* Codes of all tokens, their sums and the objective. */
static inline void plain_pass(Plain *p)
{
  const int64_t m = p->m, d = p->d;
  p->objective = 0;
  memset(p->S, 0, sizeof(p->S));
  memset(p->T, 0, sizeof(p->T));
  for (int64_t t = 0; t < p->n; t++) {
    double *z = p->Z + t * m;
    const double *x = p->X + t * d;
    p->objective += plain_code(p, x, z);
    for (int64_t j = 0; j < m; j++) {
      for (int64_t l = 0; l < m; l++) p->S[j * m + l] += z[j] * z[l];
      for (int64_t i = 0; i < d; i++) p->T[j * d + i] += z[j] * x[i];
    }
  }
}

/* Eigenvalues of a symmetric A [n x n], largest first, and unit eigenvectors as rows, by Jacobi's
   rotations. */
static inline void plain_eigen(int64_t n, double *A, double *values, double *vectors)
{
  for (int64_t i = 0; i < n * n; i++) vectors[i] = i / n == i % n;
  for (int turn = 0; turn < 60; turn++)
    for (int64_t a = 0; a < n; a++)
      for (int64_t b = a + 1; b < n; b++) {
        if (A[a * n + b] == 0) continue;
        const double angle = atan2(2 * A[a * n + b], A[a * n + a] - A[b * n + b]) / 2,
                     c = cos(angle), s = sin(angle);
        for (int64_t i = 0; i < n; i++) {
          const double x = A[i * n + a], y = A[i * n + b];
          A[i * n + a] = c * x + s * y, A[i * n + b] = c * y - s * x;
        }
        for (int64_t i = 0; i < n; i++) {
          const double x = A[a * n + i], y = A[b * n + i], v = vectors[a * n + i],
                       w = vectors[b * n + i];
          A[a * n + i] = c * x + s * y, A[b * n + i] = c * y - s * x;
          vectors[a * n + i] = c * v + s * w, vectors[b * n + i] = c * w - s * v;
        }
      }
  for (int64_t a = 0; a < n; a++) {
    int64_t top = a;
    for (int64_t b = a + 1; b < n; b++)
      if (A[b * n + b] > A[top * n + top]) top = b;
    values[a] = A[top * n + top], A[top * n + top] = A[a * n + a];
    for (int64_t i = 0; i < n; i++) {
      const double keep = vectors[a * n + i];
      vectors[a * n + i] = vectors[top * n + i], vectors[top * n + i] = keep;
    }
  }
}

static inline double plain_norm(int64_t d, const double *x)
{
  double square = 0;
  for (int64_t i = 0; i < d; i++) square += x[i] * x[i];
  return sqrt(square);
}

/* Order of keys, largest first. */
static inline void plain_order(int64_t m, const double *key, int64_t *order)
{
  for (int64_t j = 0; j < m; j++) {
    int64_t above = 0;
    for (int64_t l = 0; l < m; l++) above += key[l] > key[j] || (key[l] == key[j] && l < j);
    order[above] = j;
  }
}

/* A learner in the middle of its run. */
typedef struct {
  SAETask t;
  const Method *method;
  void *learner;
  StepReport report;
  State state;
} Learner;

/* LearnerTask - raw tokens and a method with these settings; LearnerBegin - its learner before the
   first step; LearnerOpen - both. Collective. */
static inline PetscErrorCode LearnerTask(const char *path, const char *words, int64_t p,
                                         int64_t seed, Learner *l)
{
  char all[400];
  PetscFunctionBeginUser;
  snprintf(all, sizeof(all), "normalise.center=none normalise.scale=none %s", words);
  memset(l, 0, sizeof(*l));
  PetscCall(MethodTaskOpen(PETSC_COMM_WORLD, path, all, p, &l->t));
  l->t.task.seed_init = seed;
  l->method = method_of(&l->t);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode LearnerBegin(Learner *l)
{
  PetscFunctionBeginUser;
  PetscCall(l->method->create(&l->t.task, &l->learner));
  PetscCall(l->method->state(l->learner, &l->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode LearnerOpen(const char *path, const char *words, int64_t p,
                                         int64_t seed, Learner *l)
{
  PetscFunctionBeginUser;
  PetscCall(LearnerTask(path, words, p, seed, l));
  PetscCall(LearnerBegin(l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode LearnerClose(Learner *l)
{
  PetscFunctionBeginUser;
  PetscCall(l->method->destroy(&l->learner));
  PetscCall(SAETaskClose(&l->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline StateArray *learner_array(Learner *l, const char *name)
{
  for (int i = 0; i < l->state.count; i++)
    if (!strcmp(l->state.array[i].name, name)) return &l->state.array[i];
  return NULL;
}

/* How far the largest of count numbers is off, beside the largest size of those expected. */
static inline double off_by(int64_t count, const float *x, const double *expected)
{
  double most = 0, size = 0;
  for (int64_t i = 0; i < count; i++) {
    const double off = fabs((double)x[i] - expected[i]);
    most = isnan(off) ? (double)INFINITY : fmax(most, off);
    size = fmax(size, fabs(expected[i]));
  }
  return size > 0 ? most / size : most;
}

/* The same of the learner's atoms, or another float32 array whose rows lie here. */
static inline double learner_off(Learner *l, const char *name, const double *expected)
{
  const StateArray *a = learner_array(l, name);
  const bool sliced = a->where == STATE_SLICED;
  return off_by((sliced ? a->count : a->rows) * a->cols, a->data,
                expected + (sliced ? a->first * a->cols : 0));
}

static inline size_t bytes_of(const StateArray *a)
{
  const int64_t rows = a->where == STATE_SLICED ? a->count : a->rows;
  return (size_t)(rows * max_i64(a->cols, 1)) * (a->kind == H5_F32 || a->kind == H5_I32 ? 4 : 8);
}

/* All tokens as float64. */
static inline PetscErrorCode PlainTokens(const Learner *l, Plain *p)
{
  float *X;
  int64_t *row;
  PetscFunctionBeginUser;
  p->n = tokens_count(l->t.tokens), p->d = tokens_width(l->t.tokens);
  PetscCheck(p->n <= PLAIN_N && p->d <= PLAIN_D, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "tokens");
  PetscCall(ArrayCreate(p->n * p->d, &X));
  PetscCall(ArrayCreate(p->n, &row));
  for (int64_t t = 0; t < p->n; t++) row[t] = t;
  PetscCall(ViewRead(&l->t.task.view, p->n, row, X));
  for (int64_t i = 0; i < p->n * p->d; i++) p->X[i] = (double)X[i];
  PetscCall(ArrayDestroy(&row));
  PetscCall(ArrayDestroy(&X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* LearnerPass - steps until a pass (or a batch) is over, or the run. */
static inline PetscErrorCode LearnerPass(Learner *l)
{
  int64_t before, now;
  PetscFunctionBeginUser;
  const int64_t *unit = learner_array(l, "position")->data;
  before = now = *unit;
  for (int step = 0; step < 1000 && now == before; step++) {
    PetscCall(l->method->step(l->learner, &l->report));
    now = *unit;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Stopped after any step, and begun anew from its state by a learner of another seed, the run ends
   with the same state. */
static inline PetscErrorCode CheckStopped(const char *path, const char *words, int64_t p)
{
  Learner whole, part, other;
  int64_t steps = 0, some;
  bool same = true;
  PetscFunctionBeginUser;
  PetscCall(LearnerOpen(path, words, p, 1, &whole));
  PetscCall(MethodSteps(whole.method, whole.learner, 100, &whole.report, &steps));
  for (int64_t stop = 1; stop < steps; stop++) {
    PetscCall(LearnerOpen(path, words, p, 1, &part));
    PetscCall(LearnerOpen(path, words, p, 77, &other));
    PetscCall(MethodSteps(part.method, part.learner, stop, &part.report, &some));
    other.t.task.seed_init = 1;
    for (int i = 0; i < part.state.count; i++)
      memcpy(other.state.array[i].data, part.state.array[i].data, bytes_of(&part.state.array[i]));
    if (other.method->resumed) PetscCall(other.method->resumed(other.learner));
    PetscCall(MethodSteps(other.method, other.learner, 100, &other.report, &some));
    same = same && stop + some == steps && other.report.reason == whole.report.reason;
    for (int i = 0; i < whole.state.count; i++)
      same = same && !memcmp(other.state.array[i].data, whole.state.array[i].data,
                             bytes_of(&whole.state.array[i]));
    PetscCall(LearnerClose(&part));
    PetscCall(LearnerClose(&other));
  }
  OK(same && steps > 2 && steps < 100, "%s: stopped after each of %d steps", words, (int)steps);
  PetscCall(LearnerClose(&whole));
  PetscFunctionReturn(PETSC_SUCCESS);
}
