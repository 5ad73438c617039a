/* The leading directions of the centroids, and how many of them are worth screening first: an
   estimate from a few hundred tokens and some of the centroids, which no clock enters. */
#include "base/eigen.h"
#include "nearest_parts.h"
#include <math.h>
#include <string.h>

enum { MOST = 384, SAMPLE = 4096, SEEN = 2048 };
enum { PREFIXES = 5 };
static const int64_t prefixes[PREFIXES] = {64, 128, 192, 256, 384};

bool nearest_may_turn(const Nearest *N)
{
  return N->whole != LEVEL_FLOATS && N->largest < 1e15; /* products of sums stay finite */
}

/* Covariance of some centroids around their mean, times their number: A [d x d]. */
static PetscErrorCode Covariance(const Nearest *N, double *A)
{
  const int64_t d = N->d, count = min_i64(SAMPLE, N->K);
  float *rows, *columns, *product;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(count * d, &rows));
  PetscCall(ArrayCreate(count * d, &columns));
  PetscCall(ArrayCreate(d * d, &product));
  for (int64_t j = 0; j < count; j++) {
    const float *c = N->C + j * N->K / count * d;
    for (int64_t i = 0; i < d; i++) columns[i * count + j] = rows[j * d + i] = c[i] - N->mean[i];
  }
  N->kernels->combine(d, count, d, columns, count, rows, d, product, d);
  for (int64_t i = 0; i < d; i++)
    for (int64_t j = 0; j < d; j++)
      A[i * d + j] = (double)product[max_i64(i, j) * d + min_i64(i, j)];
  PetscCall(ArrayDestroy(&rows));
  PetscCall(ArrayDestroy(&columns));
  PetscCall(ArrayDestroy(&product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double far_from_orthonormal(const Nearest *N, const Directions *directions)
{
  const int64_t d = N->d;
  double sum = 0;
  for (int64_t i = 0; i < directions->most; i++) {
    for (int64_t j = 0; j <= i; j++) {
      const double off =
          N->kernels->dot64(d, directions->V + i * d, directions->V + j * d) - (i == j ? 1 : 0);
      sum += (i == j ? 1 : 2) * (fabs(off) + 1e-12) * (fabs(off) + 1e-12);
    }
  }
  return sqrt(sum) * (1 + 1e-6);
}

PetscErrorCode DirectionsCreate(const Nearest *N, Directions **directions)
{
  const int64_t d = N->d;
  double *A, *values;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(1, directions));
  Directions *D = *directions;
  D->d = d;
  D->most = min_i64(MOST, d);
  PetscCall(ArrayCreate(D->most * d, &D->V));
  PetscCall(ArrayCreate(d * d, &A));
  PetscCall(ArrayCreate(d, &values));
  PetscCall(Covariance(N, A));
  PetscCall(EigenSymmetric(d, A, true, values));
  for (int64_t r = 0; r < D->most; r++)
    for (int64_t i = 0; i < d; i++) D->V[r * d + i] = (float)A[(d - 1 - r) * d + i];
  D->delta = far_from_orthonormal(N, D);
  PetscCall(ArrayDestroy(&A));
  PetscCall(ArrayDestroy(&values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DirectionsDestroy(Directions **directions)
{
  PetscFunctionBegin;
  if (!*directions) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ArrayDestroy(&(*directions)->V));
  PetscCall(ArrayDestroy(directions));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows turned to the directions, with their squared norm and (from distances) half of it. */
typedef struct {
  int64_t count;
  float *y;       /* [count x most] */
  double *square; /* [count] of the whole rows */
} Turned;

static PetscErrorCode Turn(const Nearest *N, const Directions *D, int64_t count,
                           const float *const *x, Turned *turned)
{
  const int64_t d = N->d;
  float *centred;
  Packed rows = {0};
  PetscFunctionBegin;
  turned->count = count;
  PetscCall(ArrayCreate(count * D->most, &turned->y));
  PetscCall(ArrayCreate(count, &turned->square));
  PetscCall(ArrayCreate(count * d, &centred));
  for (int64_t r = 0; r < count; r++) {
    for (int64_t i = 0; i < d; i++) centred[r * d + i] = x[r][i] - N->mean[i];
    turned->square[r] = N->kernels->square64(d, centred + r * d);
  }
  N->kernels->pack(D->most, d, D->V, d, &rows);
  N->kernels->scores(count, centred, d, &rows, NULL, turned->y, D->most);
  packed_clear(&rows);
  PetscCall(ArrayDestroy(&centred));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TurnedClear(Turned *turned)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&turned->y));
  PetscCall(ArrayDestroy(&turned->square));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the first p directions leave of each row, what rounding to numbers adds to it, and its size.
 */
typedef struct {
  double *tail, *error, *size;
} Tails;

static PetscErrorCode TailsCreate(const Nearest *N, const Turned *turned, int64_t most, int64_t p,
                                  int32_t size, Tails *tails)
{
  const double share = /* of the norm that is kept */
      N->whole == LEVEL_BYTES ? 0.009 * (127.0 / (double)size) : 0.0002;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(turned->count, &tails->tail));
  PetscCall(ArrayCreate(turned->count, &tails->error));
  PetscCall(ArrayCreate(turned->count, &tails->size));
  for (int64_t r = 0; r < turned->count; r++) {
    const double kept = N->kernels->square64(p, turned->y + r * most);
    tails->tail[r] = sqrt(fmax(0, turned->square[r] - kept));
    tails->error[r] = share * sqrt(kept);
    tails->size[r] = sqrt(turned->square[r]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TailsClear(Tails *tails)
{
  PetscFunctionBegin;
  PetscCall(ArrayDestroy(&tails->tail));
  PetscCall(ArrayDestroy(&tails->error));
  PetscCall(ArrayDestroy(&tails->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many centroids pass p directions, of all tokens. */
static PetscErrorCode Passing(const Nearest *N, const Turned *tokens, const Turned *centroids,
                              int64_t most, int64_t p, const double *goal, int64_t *passed)
{
  const int64_t n = tokens->count, m = centroids->count;
  Packed rows = {0};
  Tails a, b;
  float *S;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(n * m, &S));
  PetscCall(TailsCreate(N, tokens, most, p, N->kernels->screens->token, &a));
  PetscCall(TailsCreate(N, centroids, most, p, N->kernels->screens->centroid, &b));
  N->kernels->pack(m, p, centroids->y, most, &rows);
  N->kernels->scores(n, tokens->y, most, &rows, NULL, S, m);
  *passed = 0;
  for (int64_t t = 0; t < n; t++) {
    for (int64_t j = 0; j < m; j++) {
      const double bound = a.tail[t] * b.tail[j] + a.error[t] * b.size[j] + a.size[t] * b.error[j];
      *passed += (double)S[t * m + j] - centroids->square[j] / 2 + bound >= goal[t];
    }
  }
  PetscCall(TailsClear(&a));
  PetscCall(TailsClear(&b));
  packed_clear(&rows);
  PetscCall(ArrayDestroy(&S));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prefix with the least cost of a token, in products of the grid: screening, the turn (in
   float32), and the whole vectors of what passes, which come one by one. About
   four times as many pass as here, as groups share bounds and thresholds take time to rise. */
static int64_t choose(const Nearest *N, const int64_t *passed, int64_t pairs)
{
  const double K = (double)N->K, d = (double)N->d, each = 24;
  const Screens *screens = N->kernels->screens;
  double least = 0.9 * K * (d + each);
  int64_t prefix = 0;
  for (int i = 0; i < PREFIXES && pairs; i++) {
    const double p = (double)prefixes[i], share = (double)passed[i] / (double)pairs,
                 cost = K * (p + each) + screens->turn * p * d +
                        4 * share * K * screens->dot * (d + 128);
    if (prefixes[i] > MOST || 2 * prefixes[i] > N->d || cost >= least) continue;
    least = cost;
    prefix = prefixes[i];
  }
  return prefix;
}

bool nearest_may_screen(const Nearest *N)
{
  const int64_t none[PREFIXES] = {0};
  return choose(N, none, 1) > 0;
}

/* t of the nearest centroid of each token. */
static PetscErrorCode Goals(Nearest *N, const Turned *tokens, const float *X, int64_t ldX,
                            double *goal)
{
  int32_t *index;
  PetscFunctionBegin;
  PetscCall(ArrayCreate(tokens->count, &index));
  nearest_search(tokens->count, X, ldX, N, index, goal);
  for (int64_t t = 0; t < tokens->count; t++) goal[t] = (tokens->square[t] - goal[t]) / 2;
  PetscCall(ArrayDestroy(&index));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What this rank's tokens say: how many centroids pass each prefix, and of how many pairs. */
static PetscErrorCode Look(Nearest *N, int64_t count, const float *X, int64_t ldX,
                           const Directions *directions, int64_t *passed, int64_t *pairs)
{
  const float *x[SEEN];
  const int64_t seen = min_i64(SEEN, N->K);
  Turned tokens, centroids;
  double *goal;
  PetscFunctionBegin;
  for (int64_t t = 0; t < count; t++) x[t] = X + t * ldX;
  PetscCall(Turn(N, directions, count, x, &tokens));
  for (int64_t j = 0; j < seen; j++) x[j] = N->C + j * N->K / seen * N->d;
  PetscCall(Turn(N, directions, seen, x, &centroids));
  PetscCall(ArrayCreate(count, &goal));
  PetscCall(Goals(N, &tokens, X, ldX, goal));
  for (int i = 0; i < PREFIXES; i++)
    if (prefixes[i] <= directions->most)
      PetscCall(Passing(N, &tokens, &centroids, directions->most, prefixes[i], goal, &passed[i]));
  *pairs = count * seen;
  PetscCall(ArrayDestroy(&goal));
  PetscCall(TurnedClear(&tokens));
  PetscCall(TurnedClear(&centroids));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NearestPilot(Nearest *N, int64_t n, const float *X, int64_t ldX,
                            Directions **directions, int64_t *prefix)
{
  enum { PAIRS = PREFIXES, REFUSED, NUMBERS };
  int64_t number[NUMBERS] = {0};
  PetscFunctionBegin;
  const int64_t count = min_i64(n, SEEN);
  number[REFUSED] = !nearest_may_turn(N);
  if (!*directions && !number[REFUSED]) PetscCall(DirectionsCreate(N, directions));
  number[REFUSED] |= *directions && !((*directions)->delta < 1e-3);
  if (count && !number[REFUSED])
    PetscCall(Look(N, count, X, ldX, *directions, number, &number[PAIRS]));
  if (N->nodes) PetscCall(NodesSum(N->nodes, NUMBERS, number));
  *prefix = number[REFUSED] ? 0 : choose(N, number, number[PAIRS]);
  PetscFunctionReturn(PETSC_SUCCESS);
}
