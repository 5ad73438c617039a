/* Null dictionaries, and the mean values of their pairs. */
#include "compare/nulls.h"
#include "base/eigen.h"
#include "base/random.h"
#include "compare/covariance.h"
#include <math.h>

enum { NULL_SEED = 0x4e554c4c, COVARIANCE_TOKENS = 32768, MOST_PAIRS = 4096 };
static const double standard_error = .002;

struct NullSource {
  const Kernels *kernels;
  const View *view;
  int64_t d;
  double *mean;            /* [d] */
  double *factor;          /* [d x d] upper triangular R: R^T R is the covariance */
  float *direction, *axis; /* [d] of the tokens' mean; the first axis */
  bool directed;           /* there is such a direction */
  int64_t truths;
  float *truth; /* [truths x d] what the tokens were made of, or NULL */
};

static PetscErrorCode FactorCovariance(MPI_Comm comm, NullSource *source)
{
  const View *view = source->view;
  const int64_t tokens = split_count(view->split, false), n = min_i64(tokens, COVARIANCE_TOKENS);
  int64_t *row;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(n, &row));
  PetscCall(ArrayCreate(source->d, &source->mean));
  PetscCall(ArrayCreate(source->d * source->d, &source->factor));
  for (int64_t i = 0; i < n; i++) row[i] = split_row(view->split, false, i * tokens / n);
  PetscCall(TokensCovariance(comm, view, n, row, source->mean, source->factor));
  PetscCheck(cholesky(source->d, source->factor), comm, PETSC_ERR_FP,
             "the covariance of the tokens has no factor");
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullSourceCreate(MPI_Comm comm, const Kernels *kernels, int64_t d, const View *view,
                                NullSource **source)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(source));
  (*source)->kernels = kernels;
  (*source)->view = view;
  (*source)->d = d;
  PetscCall(ArrayCreate(d, &(*source)->axis));
  PetscCall(ArrayCreate(d, &(*source)->direction));
  (*source)->axis[0] = 1;
  if (view) {
    PetscCall(FactorCovariance(comm, *source));
    PetscCall(MeanDirection(view, (*source)->direction, &(*source)->directed));
    PetscCall(TruthRead(view, &(*source)->truths, &(*source)->truth));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullSourceDestroy(NullSource **source)
{
  PetscFunctionBeginUser;
  if (!*source) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&(*source)->mean));
  PetscCall(ArrayDestroy(&(*source)->factor));
  PetscCall(ArrayDestroy(&(*source)->direction));
  PetscCall(ArrayDestroy(&(*source)->axis));
  PetscCall(ArrayDestroy(&(*source)->truth));
  PetscCall(PetscFree(*source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Element i of dictionary `number`. */
static double normal(NullKind kind, int64_t number, int64_t i)
{
  return random_normal(NULL_SEED + (uint64_t)kind, RANDOM_NULL,
                       ((uint64_t)number << 40) + (uint64_t)i);
}

static PetscErrorCode SomeTokens(const NullSource *source, int64_t number, int64_t m, float *D)
{
  const Split *split = source->view->split;
  const int64_t n = split_count(split, false);
  const uint64_t seed = NULL_SEED + (uint64_t)NULL_TOKENS;
  int64_t *row;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate(m, &row));
  for (int64_t j = 0; j < m; j++) {
    const uint64_t at = ((uint64_t)number << 40) + (uint64_t)j;
    row[j] = split_row(split, false,
                       m <= n ? random_permuted(seed, RANDOM_SAMPLE, (uint64_t)number, n, j)
                              : random_below(seed, RANDOM_SAMPLE, at, n));
  }
  PetscCall(ViewRead(source->view, m, row, D));
  PetscCall(ArrayDestroy(&row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NullDictionary(const NullSource *source, NullKind kind, int64_t number, int64_t m,
                              float *D)
{
  PetscFunctionBeginUser;
  if (kind == NULL_GAUSSIAN)
    PetscCall(GaussianRows(source->d, source->mean, source->factor, NULL_SEED + (uint64_t)kind,
                           RANDOM_NULL, (uint64_t)number << 40, m, D));
  if (kind == NULL_TOKENS) PetscCall(SomeTokens(source, number, m, D));
  if (kind == NULL_RANDOM)
    for (int64_t i = 0; i < m * source->d; i++) D[i] = (float)normal(kind, number, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values of one pair of dictionaries D [m[0] + m[1] x d] with one centring. */
static PetscErrorCode CentredPair(const NullSource *source, NullKind kind, Centring c,
                                  const int64_t m[2], const float *D,
                                  const ChosenComparison *chosen, double *values)
{
  const int64_t d = source->d, size = m[0] * d;
  const float *direction = kind == NULL_RANDOM ? source->axis : source->direction;
  float *unit, *truth = NULL;
  Atoms side[2];
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate((m[0] + m[1]) * d, &unit));
  if (source->truths) PetscCall(ArrayCreate(source->truths * d, &truth));
  PetscCall(AtomsPrepare(source->kernels, c, source->truths, d, source->truth, direction, truth));
  for (int i = 0; i < 2; i++) {
    PetscCall(AtomsPrepare(source->kernels, c, m[i], d, D + i * size, direction, unit + i * size));
    side[i] = (Atoms){m[i], d, unit + i * size, .truths = source->truths, .truth = truth};
  }
  PetscCall(PairValues(source->kernels, side[0], side[1], chosen, values));
  PetscCall(ArrayDestroy(&truth));
  PetscCall(ArrayDestroy(&unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All values of pair p: [CENTRINGS x comparisons]. */
static PetscErrorCode NullPair(const NullSource *source, NullKind kind, int64_t p,
                               const int64_t m[2], const CompareOptions *options, double *values)
{
  const int64_t measures = chosen_count(options->chosen);
  float *D;
  PetscFunctionBeginUser;
  PetscCall(ArrayCreate((m[0] + m[1]) * source->d, &D));
  for (int side = 0; side < 2; side++)
    PetscCall(NullDictionary(source, kind, 2 * p + side, m[side], D + side * m[0] * source->d));
  for (Centring c = 0; c < CENTRINGS; c++) {
    double *mine = values + c * measures;
    for (int64_t v = 0; v < measures; v++) mine[v] = (double)NAN;
    if (!(options->centrings >> c & 1)) continue;
    if (c == CENTRING_PROJECTED && kind != NULL_RANDOM && !source->directed) continue;
    PetscCall(CentredPair(source, kind, c, m, D, options->chosen, mine));
    for (int64_t v = 0; v < measures; v++)
      if (options->chosen[v].comparison->once && c != CENTRING_RAW) mine[v] = (double)NAN;
  }
  PetscCall(ArrayDestroy(&D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean of the first n pairs of one value, width apart, in order. Gives how many pairs it needs,
   judged by these. */
static double pairs_needed(int64_t n, int64_t width, const double *value, double *mean)
{
  double sum = 0, squares = 0;
  for (int64_t p = 0; p < n; p++) sum += value[p * width];
  *mean = sum / (double)n;
  for (int64_t p = 0; p < n; p++) {
    const double off = value[p * width] - *mean;
    squares += off * off;
  }
  return squares / (double)(n - 1) / (standard_error * standard_error);
}

/* Takes each value as far as the pairs done go: n[v] of them once they are enough, else as many as
   it wants next. Gives the most that any wants. */
static int64_t judge(int64_t done, int64_t width, const double *all, int64_t *n, double *mean)
{
  int64_t most = 0;
  for (int64_t v = 0; v < width; v++) {
    while (n[v] <= done) {
      const double needed = pairs_needed(n[v], width, all + v, &mean[v]);
      if (!(needed >= (double)n[v]) || n[v] == MOST_PAIRS) break;
      n[v] = min_i64(MOST_PAIRS, min_i64(2 * n[v], (int64_t)fmin(needed, 1e9) + 1));
    }
    most = max_i64(most, n[v]);
  }
  return most;
}

PetscErrorCode NullValues(MPI_Comm comm, const NullSource *source, NullKind kind, int64_t a,
                          int64_t b, const CompareOptions *options, double *values, int64_t *pairs)
{
  const int64_t width = CENTRINGS * chosen_count(options->chosen), m[2] = {a, b},
                most = max_i64(a, b);
  int64_t done = 0, n = min_i64(a, b) == 0 ? 0 : max_i64(2, min_i64(64, 8192 / most)), *each;
  int64_t number, workers;
  double *all;
  PetscFunctionBeginUser;
  PetscCall(PairWorkers(comm, most, &number, &workers));
  PetscCall(ArrayCreate(MOST_PAIRS * width, &all));
  PetscCall(ArrayCreate(width, &each));
  for (int64_t v = 0; v < width; v++) values[v] = (double)NAN;
  for (int64_t v = 0; v < width; v++) each[v] = n;
  while (done < n) {
    for (int64_t p = done; p < n; p++)
      if (p % workers == number) PetscCall(NullPair(source, kind, p, m, options, all + p * width));
    PetscCall(SpreadJoin(comm, (n - done) * width, all + done * width));
    done = n;
    n = judge(done, width, all, each, values);
  }
  if (pairs) *pairs = done;
  PetscCall(ArrayDestroy(&each));
  PetscCall(ArrayDestroy(&all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
